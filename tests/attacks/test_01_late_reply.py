"""Attack 1: a late reply to an earlier request, taken for this one. None is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil.scenario import fault
from tests.attacks.field import Field, field

ROLES = {"grid_meter": "grid_w", "converter": "store_w", "pv": "pv_w"}
STEP_W = 100  # the coarsest of the three registers


def listen(park: Field, signal: str) -> list[tuple[int, int]]:
    """Stamp and value of every reading of a signal from now on."""
    site = park.app.site
    role: Any = {"grid_w": site.grid_meter, "store_w": site.storage, "pv_w": site.pv}[signal]
    believed = role.take
    taken = []

    def take(name: str, value: int, stamp_ms: int) -> bool:
        if name == signal:
            taken.append((stamp_ms, value))
        return bool(believed(name, value, stamp_ms))

    role.take = take
    return taken


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", [{"late": 400}, {"late": 1300}, {"late": 2500}, {"out_of_step": 0},
                                  {"duplicated": 0}, {"partial": 0}], ids=str)
def test_no_reading_is_older_than_it_says(tmp_path: Path, role: str, kind: dict[str, int]) -> None:
    """The device's power is the tick at which it was asked. A reading that answers an earlier
    request says less than its stamp."""
    name, by_ms = next(iter(kind.items()))
    with field(tmp_path) as park:
        clock = park.wire.clock
        station = park.wire.park.station(role)
        assert station is not None
        taken = listen(park, ROLES[role])
        effect = fault(name, {"by_ms": by_ms} if by_ms else {})
        for now in (effect, fault("silence", {}), effect):
            station.effect = replace(now, value=lambda signal, value: clock.now_ms
                                     if signal == ROLES[role] else value)
            park.run(20)
        station.effect = replace(fault("late", {"by_ms": 0}), value=lambda signal, value:
                                 clock.now_ms if signal == ROLES[role] else value)
        park.run(130)  # a converter that held a power is left alone for 90 s
        assert taken
        assert taken[-1][0] > clock.now_ms - 5_000  # and it has found its way back
        for stamp_ms, sampled_ms in taken:
            assert abs(stamp_ms - sampled_ms) <= STEP_W
