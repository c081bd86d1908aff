"""The meters of water, heat, cold, gas and steam of a site file: [[medium]], each a reading of a
device or an input that counts pulses, and from here on all alike.

Quantities are texts with their unit, "10 l", "1/1000 MWh", so that nothing is rounded on the way to
what a gateway works with: l, Wh or kg.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from zlib import crc32

from boards.shapes import Findings, one_of
from boards.site_devices import Device, list_tables
from boards.site_fields import read_table
from boards.site_tables import MEDIA

MOST = 12  # meters of a site: their names have to fit a birth
_LONGEST_BYTES = 800  # of what a birth says of them
_UNITS = {  # as reported -> what a gateway counts in, and how many of these
    "l": ("l", Fraction(1)), "m3": ("l", Fraction(1000)),
    "kg": ("kg", Fraction(1)), "t": ("kg", Fraction(1000)),
    "Wh": ("wh", Fraction(1)), "kWh": ("wh", Fraction(1000)), "MWh": ("wh", Fraction(10**6)),
    "MJ": ("wh", Fraction(2500, 9)), "GJ": ("wh", Fraction(2_500_000, 9)),
}
_SHOWN = "shown"
_MEDIA = {  # -> what it may be counted in, and what it may be used as
    "water": (("l",), ("fresh", "reused", _SHOWN)),
    "heat": (("wh",), ("bought", "waste_available", "waste_used", _SHOWN)),
    "steam": (("wh", "kg"), ("bought", "waste_available", "waste_used", _SHOWN)),
    "cold": (("wh",), (_SHOWN,)),
    "gas": (("l",), ()),  # any name of a carrier
    "electricity": (("wh",), (_SHOWN,)),
}
_PULSES = "pulses_"
_AGE = "age_s"
_SUFFIX = {"l": ("volume_l",), "kg": ("mass_kg",),
           "wh": ("energy_wh", "heat_wh", "cold_wh", "import_wh")}
_QUANTITY = re.compile(r"(\d{1,12})(?:\.(\d{1,9})|/([1-9]\d{0,8}))?\s*([A-Za-z]+3?)")
_CARRIER = re.compile("[a-z][a-z0-9_]{0,31}")
_PLACES = 2**40  # of its unit, as edge/media.py


@dataclass(frozen=True)
class Medium:
    """One meter. `fine`: what a gateway counts in; a reading is `offset` + count * `weight` of it.
    `most_per_h`, `turns_at`: of it, too; 0: it never turns to 0."""

    name: str
    medium: str
    use: str
    unit: str
    fine: str
    account: str
    weight: Fraction
    offset: int
    most_per_h: int
    turns_at: int
    kj_per_kg: int
    device: str  # "": pulses
    signal: str
    input: str
    debounce_ms: int
    max_hz: int

    @property
    def identity(self) -> int:
        """Of a count of pulses: another where the site file says something else."""
        return crc32(f"{self.name} {self.weight} {self.offset}".encode())

    @property
    def of_pulses(self) -> bool:
        """Whether its readings are counts, here or in a counter module."""
        return not self.device or self.signal.startswith(_PULSES)

    def said(self) -> dict[str, Any]:
        """What `check` says of it."""
        return {"name": self.name, "medium": self.medium, "use": self.use, "unit": self.unit,
                "fine": self.fine, "account": self.account, "most_per_h": self.most_per_h,
                "turns_at": self.turns_at,
                "from": f"{self.device} {self.signal}" if self.device else f"input {self.input}",
                "weight": str(self.weight) if self.of_pulses else ""}

    def told(self) -> list[Any]:
        """What the birth says of it; see edge/media.py."""
        return [self.name, self.medium, self.use, self.fine, self.unit.lower(), self.account,
                self.most_per_h, self.turns_at, self.kj_per_kg]


def read(findings: Findings, raw: object, devices: Sequence[Device]
         ) -> tuple[tuple[Medium, ...], tuple[Device, ...]]:
    """Read every [[medium]], and give each device the meters that it reads."""
    found: list[Medium] = []
    entries = list_tables(findings, "medium", raw)
    for number, entry in enumerate(entries):
        name = entry.get("name")
        key = f"medium[{number}]" + (f" {name}" if isinstance(name, str) else "")
        got = read_table(findings, key, entry, MEDIA)
        if None in got.values():
            findings.spoiled.add("medium")
            continue
        got["use"] = got["use"] or _SHOWN
        one = _medium(findings, key, got, devices)
        found += [one] if one else []
        if one is None:
            findings.spoiled.add("medium")
    _check_all(findings, found)
    return tuple(found), _devices(findings, found, devices)


def _medium(findings: Findings, key: str, got: Mapping[str, Any], devices: Sequence[Device]
            ) -> Medium | None:
    before = len(findings.lines)
    fines, uses = _MEDIA[got["medium"]]
    units = [unit for unit, (fine, _) in _UNITS.items() if fine in fines]
    if got["unit"] not in units:
        findings.add(f"{key}.unit", got["unit"], one_of(units, got["unit"]))
        return None
    if uses and got["use"] not in uses:
        findings.add(f"{key}.use", got["use"], one_of(uses, got["use"]))
    elif not uses and not _CARRIER.fullmatch(got["use"]):
        findings.add(f"{key}.use", got["use"], "shown, generation, or a carrier as natural_gas")
    fine = _UNITS[got["unit"]][0]
    if got["kj_per_kg"] and fine != "kg":
        findings.add(f"{key}.kj_per_kg", got["kj_per_kg"], f"none: it is told in {got['unit']}")
    weight, most = (_quantity(findings, f"{key}.{name}", got[name], fine)
                    for name in ("weight", "most_per_h"))
    offset, turns_at = (_quantity(findings, f"{key}.{name}", got[name], fine)
                        for name in ("offset", "turns_at"))
    if most == 0:
        findings.add(f"{key}.most_per_h", got["most_per_h"], "more than 0")
    signal = _pulses(findings, key, got, weight, most) if got["input"] else \
        _signal(findings, key, got, fine, devices)
    if len(findings.lines) > before or None in (weight, most, offset, turns_at, signal):
        return None
    assert weight is not None
    assert most is not None
    own = got["input"] or signal.startswith(_PULSES)
    return Medium(got["name"], got["medium"], got["use"], got["unit"], fine,
                  got["account"] or got["name"], weight if own else Fraction(1), int(offset or 0),
                  max(1, int(most)), round(turns_at or 0), got["kj_per_kg"], got["device"], signal,
                  got["input"], got["debounce_ms"], got["max_hz"])


def _quantity(findings: Findings, key: str, text: str, fine: str) -> Fraction | None:
    """A quantity in `fine` units, exactly; "" is 0."""
    if not text:
        return Fraction(0)
    units = [unit for unit, (own, _) in _UNITS.items() if own == fine]
    match = _QUANTITY.fullmatch(text)
    if match is None or match[4] not in units:
        findings.add(key, text, f'a quantity as "10 {units[0]}", "0.1 {units[-1]}" or '
                     f'"1/1000 {units[-1]}", in {" ".join(units)}')
        return None
    whole, decimals, below, unit = match.groups()
    value = Fraction(int(whole), int(below or 1)) + (
        Fraction(int(decimals), 10**len(decimals)) if decimals else 0)
    value *= _UNITS[unit][1]
    if value >= _PLACES:
        findings.add(key, text, f"less than {_PLACES} {fine}")
        return None
    return value


def _pulses(findings: Findings, key: str, got: Mapping[str, Any], weight: Fraction | None,
            most: Fraction | None) -> str:
    """Of a meter whose pulses are counted here."""
    for name in ("device", "signal", "turns_at"):
        if got[name]:
            findings.add(f"{key}.{name}", got[name], "none beside an input")
    if weight == 0:
        findings.add(f"{key}.weight", got["weight"] or None, "what a pulse stands for")
    if 2 * got["debounce_ms"] * got["max_hz"] > 1000:
        findings.add(f"{key}.max_hz", got["max_hz"], f"at most {500 // got['debounce_ms']}: a "
                     f"pulse and its pause take debounce_ms = {got['debounce_ms']} ms each")
    elif weight and most and weight * got["max_hz"] * 3600 < most:
        findings.add(f"{key}.max_hz", got["max_hz"], f"at least {-(-most // (weight * 3600))}: so "
                     "many pulses a second come at most_per_h")
    return ""


def _signal(findings: Findings, key: str, got: Mapping[str, Any], fine: str,
            devices: Sequence[Device]) -> str:
    """Which signal of its device it is: the only one that fits, where none is named."""
    named = {device.name: device for device in devices}
    if got["device"] not in named:
        if "device" not in findings.spoiled or not got["device"]:
            findings.add(f"{key}.device", got["device"] or None,
                         f"a device, {one_of(named, got['device'])}; or an input")
        return ""
    device = named[got["device"]]
    if device.profile.proto != "modbus":
        findings.add(f"{key}.device", got["device"], "one with a profile that speaks Modbus")
    if device.line or device.profile.control:
        findings.add(f"{key}.device", got["device"], "one that has no other work to do")
    fitting = [signal for signal in device.profile.signals
               if signal in _SUFFIX[fine] or signal.startswith(_PULSES)]
    signal = got["signal"] or (fitting[0] if len(fitting) == 1 else "")
    if signal not in fitting:
        findings.add(f"{key}.signal", got["signal"] or None, one_of(fitting, got["signal"]))
        return ""
    counts = signal.startswith(_PULSES)
    if counts and not got["weight"]:
        findings.add(f"{key}.weight", None, "what a pulse stands for")
    for name in () if counts else ("weight", "offset"):
        if got[name]:
            findings.add(f"{key}.{name}", got[name], f"none: {signal} is a reading")
    return signal


def _check_all(findings: Findings, found: Sequence[Medium]) -> None:
    for field in ("name", "input"):
        values = [getattr(one, field) for one in found if getattr(one, field)]
        for twice in dict.fromkeys(value for value in values if values.count(value) > 1):
            findings.add("medium", f"{values.count(twice)} with {field} {twice}", "one")
    pairs = [(one.device, one.signal) for one in found if one.device]
    for pair in dict.fromkeys(pair for pair in pairs if pairs.count(pair) > 1):
        findings.add("medium", f"{pairs.count(pair)} of {pair[1]} of {pair[0]}", "one")
    size = sum(len(str(value)) + 1 for one in found for value in one.told())
    if len(found) > MOST:
        findings.add("medium", len(found), f"at most {MOST}")
    elif size > _LONGEST_BYTES:
        findings.add("medium", f"names and accounts that take {size} bytes",
                     f"at most {_LONGEST_BYTES}: shorter ones")


def _devices(findings: Findings, found: Sequence[Medium], devices: Sequence[Device]
             ) -> tuple[Device, ...]:
    """What a device reads for its meters is all that is read of it."""
    changed = []
    for device in devices:
        media = {one.signal: place for place, one in enumerate(found) if one.device == device.name}
        if media:
            profile = replace(device.profile, signals={
                signal: point for signal, point in device.profile.signals.items()
                if signal in media or signal == _AGE})
            device = replace(device, profile=profile, media=tuple(media.items()))
        elif device.profile.kind == "medium" and "medium" not in findings.spoiled:
            findings.add(f"device {device.name}", device.profile.id, "a [[medium]] that names it")
        changed.append(device)
    return tuple(changed)


def image(found: Sequence[Medium]) -> dict[str, Any]:
    """What a gateway loads; see edge/media.py."""
    return {
        "meters": [one.told() for one in found],
        "counts": [[label(one.signal, place), one.weight.numerator, one.weight.denominator,
                    one.offset, label(_AGE, place) if one.device else ""]
                   for place, one in enumerate(found)],
        "pulses": [[place, one.input, one.debounce_ms, one.max_hz, one.identity]
                   for place, one in enumerate(found) if one.input]}


def label(signal: str, place: int) -> str:
    """The signal of one meter alone, so that several devices may have it."""
    return f"{signal}.{place}"


def labelled(compiled: dict[str, Any], media: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """The image of a device that reads for these meters (signal, place); the age of its readings is
    that of all of them."""
    names = {name: mark + label(signal, place) for signal, place in media
             for mark, name in (("", signal), ("+", f"+{signal}"))}
    points = [[names.get(point[0], point[0]), *point[1:]] for point in compiled["points"]
              if point[0] != _AGE]
    points = [[label(_AGE, place), *point[1:]] for point in compiled["points"]
              if point[0] == _AGE for _, place in media] + points
    sums = {"sums": [[names.get(name, name), n] for name, n in compiled["sums"]]} \
        if "sums" in compiled else {}
    return {**compiled, "points": points, **sums}
