"""What statements add to the figures of a period, and what they would take from them."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from cloud_bridge.carbon import statement
from cloud_bridge.carbon.carriers import Carrier
from cloud_bridge.carbon.quarters import EPOCH
from cloud_bridge.carbon.standard import Method
from cloud_bridge.carbon.statement import Statement

SHARES = ("waste_heat", "water", "solid_waste")


@dataclass(frozen=True)
class Stated:
    """`added_t`, `added_tce`: by fuel, heat and processes, `clean_tce` of it clean.
    `certified_wh`: by certificates; of it by local hour what is of one hour alone. `shares`: by
    name (used, of which, part of the days that statements cover). `left_out`: what was not counted,
    and why."""

    added_t: Fraction
    added_tce: Fraction
    clean_tce: Fraction
    certified_wh: Fraction
    certified_hours_wh: Mapping[int, Fraction]
    shares: Mapping[str, tuple[Fraction, Fraction, Fraction]]
    bills: tuple[Statement, ...]
    left_out: tuple[str, ...]


def state(statements: Iterable[Statement], carriers: Mapping[str, Carrier], method: Method,
          first: datetime.date, last: datetime.date) -> Stated:
    """Sum up the statements of the local days first .. last. DocumentError when they contradict
    each other, or one cannot be counted."""
    sums: defaultdict[str, Fraction] = defaultdict(Fraction)
    hours: defaultdict[int, Fraction] = defaultdict(Fraction)
    left_out = []
    found = statement.within(statement.collect(statements), first, last)
    for one in found:
        values = one.values
        if one.subject == "certificate":
            wh = values["kwh"] * 1000
            if values["from_storage"] == "yes" and not method.certificates_of_stored:
                left_out.append(f"{_name(one)}: of stored power")
                continue
            _add(sums, certified=wh)
            if values["hour"] is not None:
                hour = (one.first - EPOCH.date()).days * 24 + values["hour"]
                hours[hour] += wh
        elif one.subject == "process" and values["gas"] != "CO2":
            left_out.append(f"{_name(one)}: {values['gas']}; the indicator is of CO2")
        elif one.subject == "process":
            _add(sums, t=values["t"])
        elif one.subject == "fuel" and values["use"] == "generation":
            left_out.append(f"{_name(one)}: measured at the generator already")
        elif one.subject in ("fuel", "heat"):
            carrier, amount = statement.burnt(one, carriers, method.heat)
            tce = amount * carrier.tce
            _add(sums, t=amount * carrier.co2_t, tce=tce, clean=tce * carrier.clean)
        elif one.subject != "bill":
            _add(sums, **_share(one))
    days = (last - first).days + 1
    shares = {name: (sums[name], sums[name + "_of"], Fraction(len(covered), days))
              for name in SHARES if (covered := _days(found, name))}
    return Stated(sums["t"], sums["tce"], sums["clean"], sums["certified"], hours, shares,
                  tuple(one for one in found if one.subject == "bill"), tuple(left_out))


def _days(found: Iterable[Statement], subject: str) -> set[int]:
    """The days that at least one statement of a subject tells of."""
    return {day for one in found if one.subject == subject
            for day in range(one.first.toordinal(), one.last.toordinal() + 1)}


def _share(one: Statement) -> dict[str, Fraction]:
    values = one.values
    if one.subject == "waste_heat":
        part, of = values["used_gj"], values["available_gj"]
    elif one.subject == "water":
        part, of = values["reused_m3"], values["reused_m3"] + values["fresh_m3"]
    else:
        part, of = values["used_t"], values["produced_t"]
    return {one.subject: part, one.subject + "_of": of}


def _add(sums: dict[str, Fraction], **more: Fraction) -> None:
    for name, amount in more.items():
        sums[name] += amount


def _name(one: Statement) -> str:
    return f"{one.subject} of {one.account} ({one.id.hex()})"
