"""How long the carbon ledger's leaves get: a factory day with PV and a battery, two views."""

from __future__ import annotations

from edge.ledger.book import Book
from edge.ledger.leaf import METERS, TIME_SYNCED
from edge.ledger.registers import MeterRegister
from hil.series import clear_sky, factory_day

_FIRST = 942_000  # a quarter-hour of 2026
_COUNT_WH = 10
_PV_PEAK_W = 400_000
_BATTERY_W = 100_000
_BATTERY_WH = 400_000
_FACTORS = ((832_500, 0, 832_500, 0, 0), (530_600, 0, 827_300, 0, 0))
_METERED = ("import", "discharge", "pv", "charge", "export")


def longest_leaf() -> int:
    """Bytes of the longest of the day's leaves. Every register has counted 12 GWh before."""
    registers = [MeterRegister(_COUNT_WH, 1 << 32, 10**6) if name in _METERED else None
                 for name in METERS]
    book = Book(registers, (), _FACTORS, _BATTERY_WH // 1000)
    watt_minutes = [12 * 10**9 * 60] * len(METERS)
    load = factory_day()
    sun = clear_sky(load.start, _PV_PEAK_W)
    store_wh, longest = _BATTERY_WH // 2, 0
    book.open(_FIRST, _readings(watt_minutes))
    for minute in range(1440):
        quarter = _FIRST + 1 + minute // 15
        wish_w = load.at(minute * 60) - sun.at(minute * 60)
        battery_w = max(-_BATTERY_W, min(_BATTERY_W, wish_w - 150_000))
        if not 0 <= store_wh - battery_w // 60 <= _BATTERY_WH:
            battery_w = 0
        store_wh -= battery_w // 60
        grid_w = wish_w - battery_w
        powers = {"import": max(grid_w, 0), "export": max(-grid_w, 0), "pv": sun.at(minute * 60),
                  "charge": max(-battery_w, 0), "discharge": max(battery_w, 0)}
        book.minutes.begin(quarter, minute % 15)
        for i, name in enumerate(METERS):
            book.minutes.put(i, powers.get(name, 0))
            watt_minutes[i] += powers.get(name, 0)
        if minute % 15 == 14:
            book.close(quarter, _readings(watt_minutes), store_wh, TIME_SYNCED)
            while book.busy:
                book.step()
            longest = max(longest, book.leaves[0].n)
    return longest


def _readings(watt_minutes: list[int]) -> list[int]:
    return [counted // 60 // _COUNT_WH for counted in watt_minutes]
