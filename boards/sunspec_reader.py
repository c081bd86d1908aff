"""Read the text of a SunSpec profile: every value in its place and of its kind."""

from dataclasses import fields
from fractions import Fraction
from typing import Any

from boards import profile_reader
from boards.profile_schema import DIRECTIONS, FED_BY, SIGNALS, Control, DeadMan, Point, Profile
from boards.shapes import (
    MAYBE_TEXT,
    TABLE,
    TEXT,
    Findings,
    Shape,
    choice,
    list_of,
    one_of,
    table,
    text,
    whole,
)
from boards.sunspec_models import models
from boards.sunspec_schema import SHAPES, Choice, Steering, SunspecProfile
from boards.sunspec_schema import choice as read_choice


def _step(value: Any) -> Any:
    fits = isinstance(value, list) and len(value) == 2
    return tuple(value) if fits and text(value[0]) and type(value[1]) is int else None


_NAMES = list_of("names", text)
_STEPS = list_of("[point, whole number]", _step)
_CHOICES = list_of('"model.point", the best first', text, needed=True)
_SLOW = {"every": whole(1, 3600, 10), "signals": _NAMES}
_STEERING = {
    "model": choice(models()), "shape": Shape("power or limit", choice(SHAPES).read, "power"),
    "write": TEXT, "percent_of": _NAMES, "opposite": MAYBE_TEXT, "sign": choice(DIRECTIONS),
    "enter": _STEPS, "arm": _STEPS, "on": _STEPS, "leave": _STEPS, "optional": _NAMES,
    "refresh_s": whole(1, 3600), "dead_man": TABLE,
}
_DEAD_MAN = {"register": MAYBE_TEXT, "timeout_s": whole(1, 86400), "fed_by": choice(FED_BY)}
_OWN = {"signals": TABLE, "slow": TABLE, "sign": TABLE}  # that are not as in a Modbus profile


def read(raw: dict[str, Any], findings: Findings) -> SunspecProfile:
    """Turn a parsed TOML file into a profile."""
    control = raw.pop("control", [])
    own = table(findings, "", {key: raw.pop(key) for key in _OWN if key in raw}, _OWN)
    plain = profile_reader.read(raw, findings)
    slow = table(findings, "slow", own["slow"], _SLOW)
    choices = _choices(findings, own["signals"])
    signals, points = {}, {}
    for signal, found in choices.items():
        signals[signal], points[found[0].text] = found[0].text, _point(found[0])
    steering = _steering(findings, control)
    sign = {name: word for name, word in own["sign"].items() if word in DIRECTIONS}
    for name, word in own["sign"].items():
        if name not in sign:
            findings.add(f"sign.{name}", word, one_of(DIRECTIONS, word))
    first = steering[0] if steering and steering[0].shape == "power" else None
    same = {part.name: getattr(plain, part.name) for part in fields(Profile)}
    return SunspecProfile(**same | {
        "points": points, "signals": signals, "sign": sign, "every": slow["every"],
        "slow": slow["signals"], "control": _plain(first) if first else None, "proto": "sunspec",
        "choices": choices, "steering": steering})


def _choices(findings: Findings, raw: dict[str, Any]) -> dict[str, tuple[Choice, ...]]:
    found = {}
    for signal, texts in raw.items():
        key = f"signals.{signal}"
        if signal not in SIGNALS:
            findings.unknown(key, signal, SIGNALS)
        elif (words := _CHOICES.read(texts)) is None:
            findings.add(key, texts, _CHOICES.expected)
        else:
            known = [read_choice(word) for word in words]
            for word, one in zip(words, known, strict=True):
                if one is None:
                    findings.add(key, word, '"model.point", models of one layout with "/" between, '
                                 "or a sum of such of the same models")
            if None not in known:
                found[signal] = tuple(one for one in known if one)
    return found


def _point(one: Choice) -> Point:
    spot = one.terms[0][0]
    return Point(one.text, 3, spot.offset, spot.kind, Fraction(1), spot.unit, spot.sf, spot.na)


def _steering(findings: Findings, raw: object) -> tuple[Steering, ...]:
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        findings.add("control", raw, "tables [[control]]")
        return ()
    found = []
    for number, entry in enumerate(raw):
        key = f"control[{number}]"
        before = len(findings.lines)
        got = table(findings, key, entry, _STEERING)
        timer = None
        if got["dead_man"]:
            timer = DeadMan(**table(findings, f"{key}.dead_man", got["dead_man"], _DEAD_MAN))
        if len(findings.lines) == before:
            found.append(Steering(**got | {"dead_man": timer}))
    return tuple(found)


def _plain(one: Steering) -> Control:
    """What the checks of a site ask of any converter."""
    return Control("signed", one.write, one.write, one.refresh_s, (), (), one.dead_man)
