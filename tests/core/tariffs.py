"""Parks under the shipped tariffs, for the tests of prices."""

from __future__ import annotations

import datetime
from typing import Any

from boards import tariff, zone
from boards.shapes import Findings
from boards.tariff_image import number
from edge.snapshot import CLOCK_OK
from tests.core.park import Park, image

ZONES = {"cn_guangdong": "Asia/Shanghai", "cn_jiangsu": "Asia/Shanghai", "de_rlm": "Europe/Berlin",
         "us_california": "America/Los_Angeles"}
EVENING = 19 * 3600


def shipped(name: str) -> tariff.Tariff:
    findings = Findings(name)
    found = tariff.read(tariff.FOLDER / f"{name}.toml", findings)
    assert findings.lines == []
    assert found is not None
    assert found.valid_from is not None
    assert found.valid_to is not None
    return found


def image_of(name: str, **sections: Any) -> dict[str, Any]:
    found = shipped(name)
    at = zone.zone(ZONES[name])
    assert at is not None
    made = image(offsets=zone.offsets(at, found.valid_from, 4), **sections)
    made["tariff"] = found.image(found.valid_from)
    return made


def park(name: str, **sections: Any) -> Park:
    """A park under a shipped tariff, its clock told for the evening of a summer day."""
    made = Park(image_of(name, **sections))
    turn(made, number(datetime.date(2026, 6, 10)), EVENING)
    return made


def turn(made: Park, local_day: int, local_second: int) -> None:
    """Let a minute begin at a local time."""
    now = made.site.now
    now.local_day, now.local_second = local_day, local_second
    now.flags |= CLOCK_OK
