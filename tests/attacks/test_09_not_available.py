"""Attack 9: NaN, 0x8000 or 0xFFFF in every register in turn. Nothing of it is a reading where the
profile knows better, nothing beyond a plausible power is believed, and nothing breaks."""

from pathlib import Path

import pytest

from boards import profiles
from edge.app import _driver as driver_of
from edge.devices.roles import GridMeter, Pv, Storage
from hil.device_simulator import DeviceSimulator
from tests.attacks.field import LIMIT, field
from tests.core.park import snapshot
from tests.devices.simulated import every_profile, load, showable
from tests.devices.test_end_to_end import VALUES

WORDS = {"0x8000": (0x8000, 0), "0xFFFF": (0xFFFF, 0xFFFF), "0x7FFF": (0x7FFF, 0xFFFF),
         "NaN": (0x7FC0, 0), "minus infinity": (0xFF80, 0)}
POWERS = ("grid_w", "store_w", "pv_w")


def read(profile_id: str, at: int, words: tuple[int, int]) -> tuple[dict[str, int], int]:
    """What every role holds after a poll with two words put in place `at` of the registers that
    are read, and how many values were refused."""
    profile = load(profile_id)
    values = showable(profile, VALUES[0])
    device = DeviceSimulator(profile, lambda: values, lambda name, value: None)
    now = snapshot()
    roles = [GridMeter(now), Storage(now, 10**6, 10**6, 5000), Pv(now)]
    known = {signal for role in roles for signal in role.SIGNALS}
    image = profiles.compile_device(profile, "one", 0, 1)
    image["points"] = [point for point in image["points"] if point[0].lstrip("+") in known]
    if "sums" in image:
        image["sums"] = [one for one in image["sums"] if one[0] in known]
    driver = driver_of(image, roles)
    rx = bytearray(600)
    place = 0
    for block, (function, start, count, _) in enumerate(image["blocks"]):
        shown = device.read(function, start, count)
        assert shown is not None
        for offset in range(count):
            if place + offset in (at, at + 1):
                shown[offset] = words[place + offset - at]
        place += count
        rx[9:9 + 2 * count] = b"".join(word.to_bytes(2, "big") for word in shown)
        driver.readings.take(block, rx, 9, 1000)
    taken = {name: getattr(now, name) for name in POWERS} | {"soc_pm": now.soc_pm}
    return taken, driver.readings.refused


@every_profile
@pytest.mark.parametrize("words", WORDS)
def test_any_register_of_any_model(profile_id: str, words: str) -> None:
    profile = load(profile_id)
    image = profiles.compile_device(profile, "one", 0, 1)
    sound, _ = read(profile_id, -9, (0, 0))
    changed = 0
    for at in range(sum(block[2] for block in image["blocks"])):
        taken, refused = read(profile_id, at, WORDS[words])
        assert all(abs(taken[name]) <= 8_000_000 for name in POWERS)
        assert 0 <= taken["soc_pm"] <= 1000
        changed += taken != sound or refused > 0
    assert changed or not set(POWERS) & profile.signals.keys()


@pytest.mark.parametrize("role", ["grid_meter", "converter", "bms"])
def test_on_the_wire_all_at_once(tmp_path: Path, role: str) -> None:
    """Every register of a device says that it does not know. Where that is a number of its own
    (0xFFFF is -1), what is believed is at least something that the site can be."""
    with field(tmp_path, LIMIT | {"rules.balance.grid_max_w": 1_000_000,
                                  "rules.balance.hold_s": 50}) as park:
        station = park.wire.park.station(role)
        assert station is not None
        honest = station.simulator.read
        for word in (0x8000, 0xFFFF, 0x7FC0):
            station.simulator.read = lambda fc, addr, count, word=word: \
                honest(fc, addr, count) and [word] * count  # type: ignore[method-assign]
            rows = park.run(75 if role == "bms" else 12)
            assert rows[-1]["command_w"] == 0 or (abs(rows[-1]["grid_w"]) <= 1_000_000
                                                  and abs(rows[-1]["store_w"]) <= 225_000)
            assert all(0 <= row["soc_pm"] <= 1000 for row in rows)
            del station.simulator.read
            assert park.run(150 if role == "converter" else 45)[-1]["command_w"] != 0
