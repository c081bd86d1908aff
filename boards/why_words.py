"""What a rule's bound means, in words and with the figures of its own row.

A rule without words here is told by the first line of its own file.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from boards.journal_file import Header
from boards.local_time import local
from boards.site_tables import rules
from edge.snapshot import GRID_FRESH, NEVER_MS, READY, SOC_FRESH, STORE_FRESH

Row = Mapping[str, int]
Side = Literal["lo", "hi"]
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


def meaning(name: str, row: Row, header: Header, side: Side) -> str:
    """Why the rule `name` set this bound in this row."""
    words = _WORDS.get(name)
    if words is not None:
        return words(row, header, side)
    known = rules().get(name)
    return known.meaning.rstrip(".") if known else "a rule this version does not know"


def _fresh(row: Row, header: Header, side: Side) -> str:
    stale = [f"{what} {age(row[field])}" for bit, what, field in (
        (GRID_FRESH, "grid meter", "grid_age_ms"), (STORE_FRESH, "converter", "store_age_ms"),
        (SOC_FRESH, "state of charge", "soc_age_ms")) if not row["flags"] & bit]
    return ("not to be trusted: " + ", ".join(stale) if stale
            else "all readings are fresh again, but not for long enough yet")


def _device(row: Row, header: Header, side: Side) -> str:
    if not row["flags"] & READY:
        return "the converter is not ready"
    return (f"the battery takes {power(row['charge_max_w'])} and gives "
            f"{power(row['discharge_max_w'])} now")


def _ramp(row: Row, header: Header, side: Side) -> str:
    return "no faster than this from the last command"


def _reserve(row: Row, header: Header, side: Side) -> str:
    end, beyond = ("lower", "below") if side == "hi" else ("upper", "above")
    soc = f"state of charge {share(row['soc_pm'])}"
    if row[f"{side}_w"] == 0:
        return f"{soc}, at or {beyond} the {end} end of the window the park keeps"
    return f"{soc}, so near the {end} end of the window the park keeps that a beat may move no more"


def _contract(row: Row, header: Header, side: Side) -> str:
    bare = f"without the battery the grid would carry {power(row['net_w'])}"
    return bare + (f", allowed are {power(row['net_w'] - row['lo_w'])}" if _own(row) else "")


def _bands(row: Row, header: Header, side: Side) -> str:
    soc = f"state of charge {share(row['soc_pm'])}"
    if row["hi_w"] < 0:
        return f"{soc}: a band that is not full is charged at any price"
    return f"{soc}: what is below its band is kept for another use"


def _share(row: Row, header: Header, side: Side) -> str:
    bare = f"without the battery the grid would carry {power(row['net_w'])}"
    return bare + (f", its part of the shared limit is {power(row['net_w'] - row['lo_w'])} now"
                   if _own(row) else "")


def _export(row: Row, header: Header, side: Side) -> str:
    net_w, limit_w = row["net_w"], row["hi_w"] - row["net_w"]
    bare = (f"without the battery the grid would carry {power(net_w)}" if net_w >= 0 else
            f"without the battery {power(-net_w)} would be exported")
    if not _own(row):
        return bare
    allowed = f"no more than {power(limit_w)}" if limit_w > 0 else "nothing"
    return f"{bare}, and {allowed} may be" + (" exported" if net_w >= 0 else "")


def _demand(row: Row, header: Header, side: Side) -> str:
    hold_w, target = row["hold_w"], power(row["target_w"])
    if header.sliding:
        return f"a mean of {power(hold_w)} keeps the window at its target of {target}"
    now = local((row["day"], row["second"]), header.offsets)
    left_s = _WINDOW_S - (now.hour * 3600 + now.minute * 60 + now.second) % _WINDOW_S
    end = local((row["day"], row["second"] + left_s), header.offsets).strftime("%H:%M")
    if hold_w <= 0:
        return f"the window has used up its target of {target} already; it ends at {end}"
    said = (f"the window may still import {energy(hold_w * left_s // 3600)} at a mean of "
            f"{power(hold_w)} until {end}; target {target}")
    rises = row["lo_w"] > 0 and row["net_w"] < hold_w
    return said + ("; the load is expected to rise as in the last window" if rises else "")


def _self_use(row: Row, header: Header, side: Side) -> str:
    net_w = row["net_w"]
    return (f"a surplus of {power(-net_w)} stays in the park" if net_w < 0 else
            f"the load of {power(net_w)} is covered")


def _tariff(row: Row, header: Header, side: Side) -> str:
    price = f"{row['price_e4'] / 10_000:.4f} a kWh"
    if side == "lo":
        wants = "discharges" if row["lo_w"] > 0 else "would discharge"
        return f"the plan {wants}: used now, at {price}, the energy counts for more than kept"
    if row["net_w"] <= row["hi_w"] < 0:
        return f"the plan stores the surplus of {power(-row['net_w'])}"
    wants = "charges" if row["hi_w"] < 0 else "would charge"
    return (f"the plan {wants}, at {price}, to have the energy at a dearer hour or against a peak "
            "of demand")


def _refill(row: Row, header: Header, side: Side) -> str:
    return f"refilling for the next peak under the demand target of {power(row['target_w'])}"


def _command(row: Row, header: Header, side: Side) -> str:
    return "a command from the cloud, inside all local limits, until its lease ends"


def _dispatch_centre(row: Row, header: Header, side: Side) -> str:
    return "a setpoint of the dispatch centre, inside all local limits, until its lease ends"


def _response(row: Row, header: Header, side: Side) -> str:
    return "a demand response: what is asked now, or what is kept for it"


def _charging(row: Row, header: Header, side: Side) -> str:
    return "what vehicles were promised comes before charging the battery"


def _own(row: Row) -> bool:
    """Whether a bound lies where its rule wanted it, and not where another one stopped it."""
    return row["lo_w"] < row["hi_w"]


_WORDS: dict[str, Callable[[Row, Header, Side], str]] = {
    "fresh": _fresh, "device": _device, "ramp": _ramp, "reserve": _reserve, "contract": _contract,
    "export": _export, "demand": _demand, "self_use": _self_use, "tariff": _tariff,
    "refill": _refill, "bands": _bands, "share": _share, "command": _command,
    "dispatch_centre": _dispatch_centre, "response": _response, "charging": _charging,
}
