"""What it would have cost to leave the battery idle for the quarter-hour of a moment.

All else is taken to have gone as it did. Demand costs its price for each kW that the month's peak
would have been higher, as far as the journal knows the month. Energy costs its price at each row;
what the battery would have kept is worth what buying it anew costs: the cheapest price, through the
losses of the battery, of the last 24 hours, or where the journal does not go back so far of the
tariff; and it would not have aged. Losses and imports carry the site's own factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from boards.journal_file import Header, JournalReader, files
from boards.local_time import Moment, local, parse, seconds
from boards.why_words import Row, power
from edge.snapshot import GRID_FRESH, STORE_FRESH

WINDOW_S = 900
_MINUTE_S = 60
_WHOLE_PM = 950  # of a window's rows must be there
_SAME_PM = 2  # a mean so near the month's peak is that peak
_FRESH = GRID_FRESH | STORE_FRESH
_MEGA = 1e6


class Idle(NamedTuple):
    """One window, `start` .. `end` local, as it went and with the battery idle. Means are imports;
    money and kg CO2 are what idle would have cost more, below 0 what it would have saved."""

    start: str
    end: str
    mean_w: int
    idle_mean_w: int
    peak_w: int  # of the month, as far as the journal goes
    idle_peak_w: int
    peak_until: str
    demand: float
    energy_kwh: float  # imported more
    energy: float
    kept: float  # worth of what would have stayed in store
    wear: float  # what the battery would not have aged
    carbon_kg: float
    cheapest_e4: int
    currency: str
    moved: bool  # whether the battery did anything

    @property
    def total(self) -> float:
        return self.demand + self.energy - self.kept - self.wear


def idle(path: Path, moment: Moment, header: Header) -> Idle | str:
    """The alternative at a moment of a journal, or why it cannot be told."""
    if not header.currency:
        return "this journal does not name the tariff"
    start, end = window(moment, header)
    rows = [row for row in between(path, start, end) if row["flags"] & _FRESH == _FRESH]
    span = f"{_clock(start, header)} - {_clock(end, header)}"
    if len(rows) * header.beat_s * 1000 < WINDOW_S * _WHOLE_PM:
        return f"the quarter-hour {span} is not whole in this journal, or was not all measured"
    found = _weighed(rows, _latest(path, moment, header), (start, end), header,
                     _cheapest(path, end, header))
    if header.charges and found.moved:
        return "demand has charges of its own for some hours, and a row does not say which"
    return found


def window(moment: Moment, header: Header) -> tuple[Moment, Moment]:
    """The billed window that holds a moment; where it slides, the one that ends with its minute."""
    now, step_s = seconds(moment), _MINUTE_S if header.sliding else WINDOW_S
    end = now - now % step_s + step_s
    return divmod(end - WINDOW_S, 86_400), divmod(end, 86_400)


def between(path: Path, start: Moment, end: Moment) -> Iterator[dict[str, int]]:
    """The rows of start <= time < end in a journal file or a folder of them."""
    before = divmod(seconds(start) - 1, 86_400)
    for file in files(path):
        with JournalReader(file) as reader:
            for number in range(reader.find(*before) + 1, len(reader)):
                if reader.moment(number) >= end:
                    break
                yield dict(zip(reader.header.fields, reader[number], strict=True))


def _latest(path: Path, moment: Moment, header: Header) -> dict[str, int]:
    """The newest row of a moment's local month; there is one."""
    now = local(moment, header.offsets)
    year, month = now.year + now.month // 12, now.month % 12 + 1
    following = parse(datetime(year, month, 1).isoformat(), moment, header.offsets)
    last = divmod(seconds(following) - 1, 86_400)
    newest: dict[str, int] = {}
    for file in files(path):
        with JournalReader(file) as reader:
            number = reader.find(*last)
            if number >= 0:
                newest = dict(zip(reader.header.fields, reader[number], strict=True))
    return newest


def _cheapest(path: Path, end: Moment, header: Header) -> int:
    """The lowest price of the 24 hours before a moment, looked up in each quarter-hour; the
    tariff's lowest where one of them is not in the journal."""
    end_s, prices = seconds(end), {}
    for file in files(path):
        with JournalReader(file) as reader:
            if not len(reader) or reader.moment(len(reader) - 1) < divmod(end_s - 86_400, 86_400):
                continue
            at = reader.header.fields.index("price_e4")
            for last_s in range(end_s - 1, end_s - 86_400, -WINDOW_S):
                number = reader.find(*divmod(last_s, 86_400))
                if number >= 0 and last_s - seconds(reader.moment(number)) < WINDOW_S:
                    prices[last_s] = reader[number][at]
    return min(prices.values()) if len(prices) == 96 else header.cheapest_e4


def _weighed(rows: Sequence[Row], latest: Row, span: tuple[Moment, Moment], header: Header,
             cheapest_e4: int) -> Idle:
    count = len(rows)
    imports = [max(0, row["grid_w"]) for row in rows]
    idles = [max(0, row["grid_w"] + row["store_w"]) for row in rows]
    mean_w, idle_w = sum(imports) // count, sum(idles) // count
    kwh = WINDOW_S / 3.6e6 / count  # of a watt in one row
    more = [(b - a) * kwh for a, b in zip(imports, idles, strict=True)]
    given = sum(row["store_w"] for row in rows) * kwh  # by the battery, less what it took
    anew = given * 1000 / header.efficiency_pm if given > 0 else given  # to be bought for it
    peak_w = max(latest["peak_w"], mean_w)
    highest = mean_w * 1000 >= peak_w * (1000 - _SAME_PM)
    idle_peak_w = max(idle_w, rows[-1]["peak_w"] if highest else peak_w)
    until = local((latest["day"], latest["second"]), header.offsets)
    return Idle(_clock(span[0], header), _clock(span[1], header), mean_w, idle_w, peak_w,
                idle_peak_w, f"{until:%Y-%m-%d %H:%M}",
                (idle_peak_w - peak_w) / 1000 * header.demand_e4 / 1e4, sum(more),
                sum(kwh * row["price_e4"] / 1e4 for kwh, row in zip(more, rows, strict=True)),
                anew * cheapest_e4 / 1e4,
                sum(max(0, row["store_w"]) for row in rows) * kwh * header.wear_e4 / 1e4,
                (sum(more) - anew) * header.factor / _MEGA, cheapest_e4, header.currency,
                any(row["store_w"] for row in rows))


def lines(found: Idle | str, header: Header) -> list[str]:
    """The same for people."""
    if isinstance(found, str):
        return [f"not told: {found}"]
    span = f"{found.start} - {found.end}"
    if not found.moved:
        return [f"the battery was idle from {span}: nothing would have changed"]
    peak = f"the month's peak of {power(found.peak_w)} (known until {found.peak_until})"
    if found.idle_peak_w == found.peak_w:
        demand = f"{peak} would have stayed: no demand charge more"
    else:
        demand = (f"{peak} would be {power(found.idle_peak_w)}, at {header.demand_e4 / 1e4:.4f} a "
                  f"kW: {_more(found.demand, found.currency)}")
    kept = "would have kept" if found.kept >= 0 else "would lack"
    return [
        f"{span} with the battery idle, all else as it went: mean import "
        f"{power(found.idle_mean_w)}, was {power(found.mean_w)}",
        demand,
        f"import {_more(found.energy_kwh, 'kWh')}: {_more(found.energy, found.currency)}; what "
        f"the store {kept} is worth {abs(found.kept):.2f} at the cheapest price, "
        f"{found.cheapest_e4 / 1e4:.4f}, through the losses",
        *([f"the battery would have aged {found.wear:.2f} {found.currency} less"]
          if found.wear else []),
        f"in all {_more(found.total, found.currency)} and {_more(found.carbon_kg, 'kg CO2')}"]


def for_machine(found: Idle | str) -> Mapping[str, Any]:
    """Everything by name."""
    return {"not_told": found} if isinstance(found, str) else \
        found._asdict() | {"total": found.total}


def _more(value: float, unit: str) -> str:
    return f"{abs(value):.2f} {unit} {'less' if value < 0 else 'more'}"


def _clock(moment: Moment, header: Header) -> str:
    return local(moment, header.offsets).strftime("%H:%M")
