"""What a rule's bound means, in words and with the figures of its own row.

A rule without words here is told by the first line of its own file.
"""

from collections.abc import Callable, Mapping

from boards.journal_file import Header
from boards.local_time import local
from boards.site_tables import rules
from edge.snapshot import GRID_FRESH, NEVER_MS, READY, SOC_FRESH, STORE_FRESH

Row = Mapping[str, int]
_WINDOW_S = 900


def power(w: int) -> str:
    """A power as people say it: 850 W, 40 kW, 431.2 kW."""
    if -1000 < w < 1000:
        return f"{w} W"
    return f"{w / 1000:.1f}".removesuffix(".0") + " kW"


def energy(wh: int) -> str:
    """An energy as people say it."""
    return f"{wh} Wh" if -1000 < wh < 1000 else f"{wh / 1000:.1f}".removesuffix(".0") + " kWh"


def age(ms: int) -> str:
    """An age as people say it."""
    if ms >= NEVER_MS:
        return "never read"
    return f"{ms / 1000:.1f} s old" if ms < 600_000 else f"{ms // 60_000} min old"


def share(pm: int) -> str:
    """Per mille as per cent."""
    return f"{pm / 10:.1f} %"


def meaning(name: str, row: Row, header: Header) -> str:
    """Why the rule `name` bound in this row."""
    words = _WORDS.get(name)
    if words is not None:
        return words(row, header)
    known = rules().get(name)
    return known.meaning.rstrip(".") if known else "a rule this version does not know"


def _fresh(row: Row, header: Header) -> str:
    stale = [f"{what} {age(row[field])}" for bit, what, field in (
        (GRID_FRESH, "grid meter", "grid_age_ms"), (STORE_FRESH, "converter", "store_age_ms"),
        (SOC_FRESH, "state of charge", "soc_age_ms")) if not row["flags"] & bit]
    return ("not to be trusted: " + ", ".join(stale) if stale
            else "all readings are fresh again, but not for long enough yet")


def _device(row: Row, header: Header) -> str:
    if not row["flags"] & READY:
        return "the converter is not ready"
    return (f"the battery takes {power(row['charge_max_w'])} and gives "
            f"{power(row['discharge_max_w'])} now")


def _demand(row: Row, header: Header) -> str:
    hold_w, target = row["hold_w"], power(row["target_w"])
    if header.sliding:
        return f"a mean of {power(hold_w)} keeps the window at its target of {target}"
    now = local((row["day"], row["second"]), header.offsets)
    left_s = _WINDOW_S - (now.hour * 3600 + now.minute * 60 + now.second) % _WINDOW_S
    end = local((row["day"], row["second"] + left_s), header.offsets).strftime("%H:%M")
    if hold_w <= 0:
        return f"the window has used up its target of {target} already; it ends at {end}"
    return (f"the window may still import {energy(hold_w * left_s // 3600)} at a mean of "
            f"{power(hold_w)} until {end}; target {target}")


_WORDS: dict[str, Callable[[Row, Header], str]] = {
    "fresh": _fresh,
    "device": _device,
    "ramp": lambda row, header: "no faster than this from the last command",
    "reserve": lambda row, header: f"state of charge {share(row['soc_pm'])}, near an end of the "
                                   "window the park wants to keep",
    "contract": lambda row, header: f"without the battery the grid would carry "
                                    f"{power(row['net_w'])}",
    "export": lambda row, header: f"without the battery the grid would carry "
                                  f"{power(row['net_w'])}; more would be exported",
    "demand": _demand,
    "self_use": lambda row, header: f"a surplus of {power(-row['net_w'])} stays in the park"
                if row["net_w"] < 0 else f"the load of {power(row['net_w'])} is covered",
    "tariff": lambda row, header: f"energy costs {row['price_e4'] / 10_000:.4f} a kWh now",
    "refill": lambda row, header: "refilling for the next peak under the demand target of "
                                  f"{power(row['target_w'])}",
}
