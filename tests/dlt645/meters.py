"""A meter of the profile on the bench, and what its image is."""

from dataclasses import replace
from typing import Any

from boards import profiles
from boards.profile_dlt645 import Dlt645Profile
from hil.dlt645_meter import Demand, Meter, plant_values
from tests.dlt645.bench import Gateway, Line, Role

NUMBER = "000012345678"
CT = 120
ALL = tuple(profiles.load("dlt645_2007").signals)


def image(*signals: str, number: str = NUMBER, poll_ms: int = 1000, ct: int = CT) -> dict[str, Any]:
    """The image of such a meter of which these signals (without: all) are read."""
    profile = profiles.load("dlt645_2007")
    assert isinstance(profile, Dlt645Profile)
    kept = {name: point for name, point in profile.signals.items()
            if not signals or name in signals}
    profile = replace(profile, number=number, ct=ct, signals=kept)
    return profiles.compile_device(profile, "billing", 0, 0, poll_ms=poll_ms)


class Plant:
    """What a meter measures."""

    def __init__(self, power_w: int = 0) -> None:
        self.power_w, self.import_wh, self.export_wh = power_w, 0, 0


def meter(plant: Plant, number: str = NUMBER, demand: Demand | None = None, **more: Any) -> Meter:
    """A meter at a plant."""
    values = plant_values(lambda: plant.power_w, lambda: plant.import_wh,
                          lambda: plant.export_wh, CT)
    return Meter(number, values, demand=demand, ratio=CT, **more)


def bench(plant: Plant, *signals: str, **more: Any) -> tuple[Gateway, Meter, Role]:
    """A gateway with one such meter, and the role that hears it."""
    one = meter(plant, **more)
    role = Role(signals or ALL)
    return Gateway(Line(one), (image(*signals), [role])), one, role
