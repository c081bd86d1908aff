"""A time switch: charge at the day's lowest price, discharge at its highest; no peak in mind.

What most storage behind a time-of-use tariff does. It sells nothing, and it recharges as fast as
the battery takes it.
"""

from hil.baseline import Park, Wish

AHEAD = ""


def control(park: Park) -> Wish:
    """Two prices of the tariff decide; with one price alone the battery rests."""
    prices, power = park.tariff.prices, park.battery.power_kw
    low, high = min(prices), max(prices)

    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        if low == high:
            return 0.0
        if prices[at] == high:
            return max(0.0, park.load_kw[at])
        return -power if prices[at] == low else 0.0

    return wish
