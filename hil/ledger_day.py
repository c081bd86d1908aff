"""The carbon ledger of a factory with PV and a battery, by the gateway's own book: its leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.ledger.book import Book
from edge.ledger.leaf import METERS, TIME_SYNCED
from edge.ledger.registers import MeterRegister
from hil.series import clear_sky, factory_day

FIRST = 942_000  # a quarter-hour of 2026
FACTORS = ((832_500, 0, 832_500, 0, 0), (530_600, 0, 827_300, 0, 0))
METERED = ("import", "discharge", "pv", "charge", "export")
LIMITS = (10 << 32, 10**6)  # what a register counts to and the most of a quarter-hour, Wh
_COUNT_WH = 10
_PV_PEAK_W = 400_000
_BATTERY_W = 100_000
_BATTERY_WH = 400_000


def leaves(days: int, factors: Sequence[Sequence[int]] = FACTORS,
           terms_id: bytes = bytes(8)) -> Iterator[bytes]:
    """The same day over and over, one leaf a quarter-hour. Every register has counted 12 GWh
    before."""
    registers = [MeterRegister(_COUNT_WH, LIMITS[0] // _COUNT_WH, LIMITS[1])
                 if name in METERED else None for name in METERS]
    book = Book(registers, (), factors, _BATTERY_WH // 1000)
    book.factor_id = terms_id
    watt_minutes = [12 * 10**9 * 60] * len(METERS)
    load = factory_day()
    sun = clear_sky(load.start, _PV_PEAK_W)
    store_wh = _BATTERY_WH // 2
    book.open(FIRST, _readings(watt_minutes))
    for minute in range(1440 * days):
        quarter, second = FIRST + 1 + minute // 15, minute % 1440 * 60
        wish_w = load.at(second) - sun.at(second)
        battery_w = max(-_BATTERY_W, min(_BATTERY_W, wish_w - 150_000))
        if not 0 <= store_wh - battery_w // 60 <= _BATTERY_WH:
            battery_w = 0
        store_wh -= battery_w // 60
        grid_w = wish_w - battery_w
        powers = {"import": max(grid_w, 0), "export": max(-grid_w, 0), "pv": sun.at(second),
                  "charge": max(-battery_w, 0), "discharge": max(battery_w, 0)}
        book.minutes.begin(quarter, minute % 15)
        for i, name in enumerate(METERS):
            book.minutes.put(i, powers.get(name, 0))
            watt_minutes[i] += powers.get(name, 0)
        if minute % 15 == 14:
            book.close(quarter, _readings(watt_minutes), store_wh, TIME_SYNCED)
            while book.busy:
                book.step()
            yield bytes(book.leaves[0].buffer[:book.leaves[0].n])


def longest_leaf() -> int:
    """Bytes of the longest of the day's leaves."""
    return max(map(len, leaves(1)))


def _readings(watt_minutes: list[int]) -> list[int]:
    return [counted // 60 // _COUNT_WH for counted in watt_minutes]
