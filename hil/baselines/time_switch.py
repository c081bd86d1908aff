"""A time switch: charge at the day's lowest price, discharge at its highest; no peak in mind.

What most storage behind a time-of-use tariff does. It sells nothing, and it recharges as fast as
the battery takes it. Prices are known a day ahead.
"""

from hil.baseline import DAY, Park, Wish

AHEAD = ""


def control(park: Park) -> Wish:
    """Two prices of each day decide; a day with one price alone is a day of rest."""
    prices, power = park.tariff.prices, park.battery.power_kw
    days = [prices[at:at + DAY] for at in range(0, len(prices), DAY)]
    ends = [(min(day), max(day)) for day in days]

    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        low, high = ends[at // DAY]
        if low == high:
            return 0.0
        if prices[at] == high:
            return max(0.0, park.load_kw[at])
        return -power if prices[at] == low else 0.0

    return wish
