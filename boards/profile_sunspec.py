"""SunSpec profiles: which points of which models, by their names; the offsets are of the models.

A gateway finds the models itself (edge/devices/sunspec.py). Its image says for each group of
signals from which models they may come, the best first, and what lies where in each; every request
begins at a model's ID, so that each reply proves what it is a reply about.
"""

from collections.abc import Sequence
from typing import Any

from boards.profile_schema import TYPES, Profile
from boards.sunspec_checks import check
from boards.sunspec_models import Spot, models
from boards.sunspec_reader import read
from boards.sunspec_schema import Choice, Steering, SunspecProfile

__all__ = ["check", "compile_device", "read"]  # what profiles.py asks of each protocol

_FC = 3  # SunSpec knows no other registers than holding registers


def compile_device(profile: Profile, name: str, bus: int, unit: int, *, poll_ms: int = 1000,
                   min_w: int | None = None, max_w: int | None = None) -> dict[str, Any]:
    """Compile a profile for one device of a site, as boards/profiles.py says. `blocks` and `points`
    are those of the best models, each block from its model's ID on; `models` are the ids of each
    block, `others` what else a block may be: [block, ids, count, points]. Of `control` the choices
    are the ways to command it, `more` the requests that a setpoint takes beyond one."""
    assert isinstance(profile, SunspecProfile), "its own module compiles a profile"
    groups = _groups(profile)
    blocks, points, ids, others = [], [], [], []
    for block, (every, signals) in enumerate(groups):
        for rank, choices in enumerate(zip(*(profile.choices[signal] for signal in signals),
                                           strict=True)):
            count = max(choice.count for choice in choices)
            entries = [entry for signal, choice in zip(signals, choices, strict=True)
                       for entry in _entries(signal, choice, block)]
            if rank:
                others.append([block, list(choices[0].models), count, entries])
            else:
                blocks.append([_FC, 0, count, every])
                ids.append(list(choices[0].models))
                points += entries
    return {
        "name": name, "profile": profile.id, "bus": bus, "unit": unit, "poll_ms": poll_ms,
        "frozen_ms": profile.frozen_s * 1000, "driver": "sunspec", "identity": [],
        "blocks": blocks, "points": points, "models": ids, "others": others,
        "control": _control(profile, min_w, max_w),
    }


def _groups(profile: SunspecProfile) -> list[tuple[int, list[str]]]:
    """Signals that come from the same models at the same pace, with that pace; the first group is
    the one that the device is nothing without."""
    groups: dict[tuple[int, tuple[tuple[int, ...], ...]], list[str]] = {}
    for signal, choices in profile.choices.items():
        if signal in profile.signals:
            every = profile.every if signal in profile.slow else 1
            groups.setdefault((every, tuple(one.models for one in choices)), []).append(signal)
    return [(every, signals) for (every, _), signals in groups.items()]


def _entries(signal: str, choice: Choice, block: int) -> list[list[Any]]:
    """The points of one signal as edge/devices/decode.py has them; of a sum each part is one of
    its own, under a name that says so."""
    scale = choice.scale(signal)
    label = signal if len(choice.terms) == 1 else "+" + signal
    return [[label, block, spot.offset, spot.kind, sign * scale.numerator, scale.denominator,
             list(spot.na), choice.model.spots[spot.sf].offset if spot.sf else -1]
            for spot, sign in choice.terms]


def _control(profile: SunspecProfile, min_w: int | None, max_w: int | None
             ) -> dict[str, Any] | None:
    if min_w is None and max_w is None:
        return None
    if not profile.steering:
        raise ValueError(f"{profile.id}: found limits for a setpoint, expected none: only read")
    if min_w is None or max_w is None or not min_w <= 0 <= max_w:
        raise ValueError(f"{profile.id}: found limits {min_w} .. {max_w} W, "
                         "expected both, with 0 W between them")
    first = profile.steering[0]
    spot = _spot(first, first.write)
    quiet_s = max(one.dead_man.timeout_s if one.dead_man else 0 for one in profile.steering)
    more = max(len(one.arm) + len(one.on) + bool(one.percent_of) for one in profile.steering)
    image = {
        "shape": "sunspec", "more": more, "min_w": min_w, "max_w": max_w,
        "refresh_ms": first.refresh_s * 1000, "readback": [_FC, spot.offset, spot.kind],
        "choices": [_choice(one) for one in profile.steering],
    }
    return image | {"quiet_ms": quiet_s * 1500} if quiet_s else image


def _choice(one: Steering) -> dict[str, Any]:
    spot = _spot(one, one.write)
    model = models()[one.model]
    steps = {key: [_step(one, *step) for step in getattr(one, key)]
             for key in ("enter", "arm", "on", "leave")}
    bases = _bases(one.percent_of)
    used = [spot.offset + spot.size + bool(one.opposite)]
    used += [model.spots[spot.sf].offset + 1] if spot.sf else []
    used += [step[0] + TYPES[step[1]][0] for key in steps for step in steps[key]]
    used += [base[1] for base in bases if base[0] == one.model]
    return {"model": one.model, "count": max(used), "at": spot.offset, "type": spot.kind,
            "sf": model.spots[spot.sf].offset if spot.sf else -1,
            "turn": 1 if one.sign in ("discharge", "generation") else -1,
            "pair": int(bool(one.opposite)), "limit": int(one.shape == "limit"),
            "of": bases, **steps}


def _step(one: Steering, name: str, value: int) -> list[Any]:
    """[offset, type, raw value, raw value that says "not implemented", whether it is needed]."""
    spot = _spot(one, name)
    absent = spot.na[0] & (1 << 16 * spot.size) - 1 if spot.na else -1
    return [spot.offset, spot.kind, value, absent, int(name not in one.optional)]


def _bases(texts: Sequence[str]) -> list[list[Any]]:
    """What per cents may be of: [model, count, [offset, offset of the scale factor], ..] for each
    model, its points with the best first."""
    found: dict[int, list[Any]] = {}
    for text in texts:
        ids, _, name = text.partition(".")
        model = models()[int(ids)]
        spot = model.spots[name]
        sf = model.spots[spot.sf].offset if spot.sf else -1
        base = found.setdefault(model.id, [model.id, 0])
        base[1] = max(base[1], spot.offset + 1, sf + 1)
        base.append([spot.offset, sf])
    return list(found.values())


def _spot(one: Steering, name: str) -> Spot:
    spot = models()[one.model].spot(name)
    assert spot is not None, f"{name} has been checked"
    return spot


