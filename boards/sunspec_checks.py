"""What must hold between the parts of a SunSpec profile, and between it and the models."""

from boards.profile_schema import CLASSES, SIGNALS, TYPES
from boards.shapes import Findings, one_of
from boards.sunspec_models import models
from boards.sunspec_schema import MOST_REGISTERS, Choice, Steering, SunspecProfile


def check(findings: Findings, profile: SunspecProfile) -> None:
    """Add a line for every contradiction in the profile."""
    if profile.rtu is None and profile.tcp is None:
        findings.add("link", None, "an rtu table, a tcp table or both")
    must = CLASSES.get(profile.kind)
    if must and next(iter(profile.choices), None) != must:
        findings.add(f"signals.{must}", None, f"its points, before all others: every "
                     f"{profile.kind} has it")
    for signal, choices in profile.choices.items():
        for one in choices:
            _check_choice(findings, profile, signal, one)
    for signal in profile.slow:
        if signal not in profile.choices:
            findings.add("slow.signals", signal, one_of(profile.choices, signal))
    for number, steering in enumerate(profile.steering):
        _check_steering(findings, f"control[{number}]", steering)


def _check_choice(findings: Findings, profile: SunspecProfile, signal: str, one: Choice) -> None:
    key = f"signals.{signal}"
    canonical = SIGNALS[signal]
    unit = one.terms[0][0].unit
    if unit not in canonical.units:
        findings.add(key, one.text, f"a point in {one_of(canonical.units)}")
    if one.count > MOST_REGISTERS:
        findings.add(key, one.text, f"points within {MOST_REGISTERS} registers of the model's ID")
    if not canonical.signs:
        return
    name = one.terms[0][0].name
    names = [f"{model}.{name}" for model in one.models]
    told = {profile.sign.get(each, profile.sign.get(name)) for each in names}
    turned = one.text.startswith("-")
    if len(told) != 1 or not told <= set(canonical.signs):
        findings.add(f"sign.{name}", None, one_of(canonical.signs))
    elif (told == {canonical.signs[1]}) != turned:
        right = one.text.removeprefix("-") if turned else f"-{one.text}"
        findings.add(key, one.text, f'"{right}", as sign.{name} = "{told.pop()}"')


def _check_steering(findings: Findings, key: str, one: Steering) -> None:
    model = models()[one.model]
    spot = model.spot(one.write)
    if spot is None or spot.kind not in ("i16", "u16", "i32"):
        findings.add(f"{key}.write", one.write, f"a whole number of model {one.model}")
        return
    if spot.unit != ("%" if one.percent_of else "W"):
        findings.add(f"{key}.write", one.write, "a point in % with percent_of, or one in W")
    other = model.spot(one.opposite) if one.opposite else None
    if one.opposite and (other is None or (other.offset, other.kind, other.sf) != (
            spot.offset + 1, "i16", spot.sf)):
        findings.add(f"{key}.opposite", one.opposite, "the register behind, of the same scale")
    for text in one.percent_of:
        ids, _, name = text.partition(".")
        base = models()[int(ids)].spots.get(name) if ids.isdecimal() and int(ids) in models() \
            else None
        if base is None or base.unit != "W" or base.size != 1:
            findings.add(f"{key}.percent_of", text, '"model.point", a power')
    for part in ("enter", "arm", "on", "leave"):
        for name, value in getattr(one, part):
            step = model.spot(name)
            if step is None or not step.kind or not _fits(step.kind, value):
                findings.add(f"{key}.{part}", (name, value), f"a point of model {one.model} and "
                             "a value that fits it")
    for name in one.optional:
        if name not in dict((*one.enter, *one.arm, *one.on, *one.leave)):
            findings.add(f"{key}.optional", name, "a point that is written")
    if one.dead_man and one.dead_man.register not in dict(one.arm):
        findings.add(f"{key}.dead_man.register", one.dead_man.register, one_of(dict(one.arm)))
    if one.shape == "limit" and not one.leave:
        findings.add(f"{key}.leave", None, "what switches the limit off")
    if one.dead_man and one.refresh_s * 2 > one.dead_man.timeout_s:
        findings.add(f"{key}.refresh_s", one.refresh_s,
                     f"at most half of {key}.dead_man.timeout_s = {one.dead_man.timeout_s}")


def _fits(kind: str, value: int) -> bool:
    return TYPES[kind][1] <= value <= TYPES[kind][2]
