"""What meters of media add to the figures of a period, in place of what statements tell of the same
account and use.

A statement gives way for what a meter measured over all of its days. Where the meter did not, the
statement stands, and what was measured on its days counts beside it in the physical column alone.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from cloud_bridge import media
from cloud_bridge.carbon.carriers import Carrier
from cloud_bridge.carbon.quarters import EPOCH
from cloud_bridge.carbon.standard import Method
from cloud_bridge.carbon.statement import Statement
from cloud_bridge.media import Meter, Piece, Reading

_GJ_PER_WH = Fraction(9, 2_500_000)
_UTC_0 = int(EPOCH.timestamp())
Span = tuple[int, int]  # seconds since 1970: from, to
# (medium, use) -> subject of the statements it stands for, and the value of theirs.
_ROLES = {("water", "fresh"): ("water", "fresh_m3"), ("water", "reused"): ("water", "reused_m3"),
          **{(medium, use): (subject, value) for medium in ("heat", "steam") for use, subject, value
             in (("bought", "heat", "gj"), ("waste_available", "waste_heat", "available_gj"),
                 ("waste_used", "waste_heat", "used_gj"))}}
_WHOLES = ("fresh_m3", "available_gj")  # without these a share would be of too little


@dataclass
class Sums:
    """t CO2, t of standard coal, what of it is clean; of each share the part, and of how much."""

    co2_t: Fraction = Fraction(0)
    tce: Fraction = Fraction(0)
    clean_tce: Fraction = Fraction(0)
    part: defaultdict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    whole: defaultdict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))


@dataclass(frozen=True)
class Told:
    """One meter: what flowed in the period, in its unit; which part of the period that is known
    for; why it counts nowhere ("": it does); what people must know, and when; from when to when it
    is not known, and where readings are missing that the register bridged; how old readings were at
    most, s; readings or pulses refused."""

    meter: Meter
    amount: Fraction
    covered: Fraction
    why: str
    events: tuple[tuple[int, str], ...]
    unknown: tuple[Span, ...]
    bridged: tuple[Span, ...]
    oldest_s: int
    refused: int


@dataclass(frozen=True)
class Metered:
    """`seen`: all that was measured; `counted`: without what statements stand for. `complete`: of
    energy, and of each share with a meter, the part of the time that is known. `statements`: those
    that are left, of values that no meter stands for; `replaced`: what became of the others."""

    seen: Sums = field(default_factory=Sums)
    counted: Sums = field(default_factory=Sums)
    complete: Mapping[str, Fraction] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    statements: tuple[Statement, ...] = ()
    replaced: tuple[str, ...] = ()


def meter(readings: Mapping[Meter, Sequence[Reading]], statements: Iterable[Statement],
          carriers: Mapping[str, Carrier], method: Method, period: Span,
          utc_offset_min: int) -> Metered:
    """Hold readings against statements over a period, in seconds since 1970."""
    left = list(statements)
    seen, counted, told, replaced = Sums(), Sums(), [], list[str]()
    known: defaultdict[str, list[Fraction]] = defaultdict(list)
    wholes = set[str]()
    for one, shown in media.joined(readings).items():
        judged = media.judge(one, shown)
        pieces = [piece for piece in judged.pieces
                  if period[0] <= piece.start and piece.end <= period[1]]
        subject, value, why = _role(one, carriers, method)
        standing = list[Span]()
        if not why:
            standing, more = _replace(left, one, pieces, (subject, value), utc_offset_min)
            replaced += more
        own = [piece for piece in pieces if not any(
            piece.start < end and start < piece.end for start, end in standing)]
        amount = sum(piece.amount for piece in pieces)
        told.append(_told(one, amount, why, judged, pieces, shown, period))
        if why:
            continue
        for sums, some in ((seen, amount), (counted, sum(piece.amount for piece in own))):
            _add(sums, one, subject, value, some, carriers, method)
        name = "energy" if subject in ("heat", "fuel") else subject
        known[name].append(_part(media.merged([(piece.start, piece.end) for piece in own]
                                              + standing), period))
        if value in _WHOLES:
            wholes.add(name)
    for name in known.keys() - {"energy"} - wholes:  # a part without its whole
        days = [_days(one, utc_offset_min) for one in left if one.subject == name]
        known[name].append(_part(media.merged(days), period))
    return Metered(seen, counted, {name: min(parts) for name, parts in known.items()}, tuple(told),
                   tuple(left), tuple(replaced))


def _told(one: Meter, amount: int, why: str, judged: media.Judged, pieces: Sequence[Piece],
          shown: Sequence[Reading], period: Span) -> Told:
    runs = media.merged((piece.start, piece.end) for piece in pieces)
    edges = [period[0], *(edge for run in runs for edge in run), period[1]]
    unknown = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)
               if start < end]
    bridged = [(piece.start, piece.end) for piece in pieces
               if piece.end - piece.start > media.QUARTER_S]
    return Told(one, _in_unit(one, amount), _part(runs, period), why, tuple(
        event for event in judged.told if period[0] <= event[0] < period[1]), tuple(unknown),
        tuple(bridged), max((reading.age_s for reading in shown), default=0),
        max((reading.refused for reading in shown), default=0))


def _role(one: Meter, carriers: Mapping[str, Carrier], method: Method) -> tuple[str, str, str]:
    """The subject and the value of a statement that it stands for, or why it counts nowhere."""
    if one.medium == "gas":
        if one.use == "generation":
            return "", "", "measured at the generator already"
        carrier = carriers.get(one.use)
        if one.use != "shown" and (carrier is None or carrier.unit != "m3"):
            return "", "", f"no carrier {one.use} in m3"
        return ("fuel", "amount", "") if carrier else ("", "", "shown only")
    if (one.medium, one.use) not in _ROLES:
        return "", "", "shown only" if one.use == "shown" else f"no {one.medium} is {one.use}"
    if one.fine == "kg" and not one.kj_per_kg:
        return "", "", "steam by its mass alone: kj_per_kg is not told"
    subject, value = _ROLES[one.medium, one.use]
    if subject == "heat" and method.heat not in carriers:
        return "", "", f"no carrier {method.heat}"
    return subject, value, ""


def _replace(statements: list[Statement], one: Meter, pieces: Sequence[Piece],
             role: tuple[str, str], utc_offset_min: int) -> tuple[list[Span], list[str]]:
    """Take the meter's value out of the statements that it stands for, in place; the days of those
    that stand, and what is said of it."""
    subject, value = role
    runs = media.merged((piece.start, piece.end) for piece in pieces)
    standing, said = list[Span](), list[str]()
    for place, other in enumerate(statements):
        if (other.subject, other.account) != (subject, one.account) or not other.values[value] or (
                subject == "fuel" and other.values["carrier"] != one.use):
            continue
        start, end = _days(other, utc_offset_min)
        inside = [piece for piece in pieces if start <= piece.start and piece.end <= end]
        measured = _quantity(one, sum(piece.amount for piece in inside), value)
        words = (f"{value} of {subject} of {other.account} ({other.id.hex()}): "
                 f"{_decimal(other.values[value])} stated, {_decimal(measured)} measured by "
                 f"{one.name}")
        if any(first <= start and end <= last for first, last in runs):
            statements[place] = replace(other, values={**other.values, value: Fraction(0)})
            said.append(f"{words}, which counts")
        else:
            standing.append((start, end))
            share = _part(runs, (start, end))
            said.append(f"{words} in {_decimal(share * 100)} % of its days: the statement stands")
    return standing, said


def _add(sums: Sums, one: Meter, subject: str, value: str, amount: int,
         carriers: Mapping[str, Carrier], method: Method) -> None:
    quantity = _quantity(one, amount, value)
    if subject in ("heat", "fuel"):
        carrier = carriers[method.heat if subject == "heat" else one.use]
        tce = quantity * carrier.tce
        sums.co2_t += quantity * carrier.co2_t
        sums.tce += tce
        sums.clean_tce += tce * carrier.clean
        return
    if value not in _WHOLES:
        sums.part[subject] += quantity
    if value != "used_gj":  # what is reused is part of all water, used heat of what is available
        sums.whole[subject] += quantity


def _quantity(one: Meter, amount: int, value: str) -> Fraction:
    """In the unit of a statement's value: m3 or GJ."""
    if value.endswith("_m3") or value == "amount":
        return Fraction(amount, 1000)
    if one.fine == "kg":
        return Fraction(amount * one.kj_per_kg, 10**6)
    return amount * _GJ_PER_WH


def _in_unit(one: Meter, amount: int) -> Fraction:
    """In the unit it is told in."""
    if one.unit in ("mj", "gj"):
        return amount * _GJ_PER_WH * (1000 if one.unit == "mj" else 1)
    return Fraction(amount, media.UNITS[one.fine][one.unit])


def _days(one: Statement, utc_offset_min: int) -> Span:
    """From when to when a statement tells."""
    first, end = one.first - EPOCH.date(), one.last + datetime.timedelta(1) - EPOCH.date()
    return (_UTC_0 + 86_400 * first.days - 60 * utc_offset_min,
            _UTC_0 + 86_400 * end.days - 60 * utc_offset_min)


def _part(spans: Iterable[Span], of: Span) -> Fraction:
    """How much of a span others cover, which do not overlap."""
    inside = sum(max(0, min(end, of[1]) - max(start, of[0])) for start, end in spans)
    return Fraction(inside, of[1] - of[0])


def _decimal(value: Fraction) -> str:
    """For people; three places."""
    return f"{float(value):.3f}".rstrip("0").rstrip(".")
