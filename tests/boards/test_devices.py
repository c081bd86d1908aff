"""The command that lists device profiles, and the file that the README shows an integrator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boards import profiles
from boards.cli import parkedge
from boards.profile_schema import Profile
from edge.devices.readings import Readings
from hil.device_simulator import DeviceSimulator
from tests.boards.sites import ROOT


def run(*arguments: str) -> Result:
    return CliRunner().invoke(parkedge, ["devices", *arguments])


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """The file in the README."""
    found = re.search(r"```toml\n(# (\w+\.toml).*?)```", (ROOT / "README.md").read_text("utf-8"),
                      re.DOTALL)
    assert found
    path = tmp_path / found[2]
    path.write_text(found[1], encoding="utf-8")
    return path


class Role:
    """Keeps what it is given."""

    SIGNALS = ("grid_w", "import_wh")

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        self.taken[signal] = value
        return True


def read(profile: Profile, values: dict[str, int]) -> dict[str, int]:
    """What the firmware makes of a simulated one that shows `values`."""
    device = DeviceSimulator(profile, lambda: values, lambda name, value: None)
    image = profiles.compile_device(profile, "one", 0, 1)
    role = Role()
    readings = Readings(image, [role])
    for number, (fc, start, count, _) in enumerate(image["blocks"]):
        words = device.read(fc, start, count)
        assert words is not None
        readings.take(number, bytearray(b"".join(word.to_bytes(2) for word in words)), 0, 5)
    return role.taken


def test_the_device_in_the_readme_works_as_it_stands(shown: Path) -> None:
    said = run(str(shown))
    assert said.exit_code == 0, said.output
    for piece in ("acme_em3: Acme EM3, meter, rtu 9600 N", "2 values in 2 requests",
                  "-p_w: function 4, register 6, i32s x 0.1 W", "na: that it shows this"):
        assert piece in said.output
    profile = profiles.parse(shown.read_text("utf-8"), shown.name)
    values = {"grid_w": 12_345, "import_wh": 4_000_000_010}
    assert read(profile, values) == values
    assert read(profile, {"grid_w": -7, "import_wh": 0}) == {"grid_w": -7, "import_wh": 0}
    assert read(profile, {"import_wh": 0}) == {"import_wh": 0}, "0x80000000 is no power"


def test_a_slip_in_ones_own_file_is_one_line(shown: Path) -> None:
    shown.write_text(shown.read_text("utf-8").replace('"i32s", 0.1', '"i32x", 0.1'), "utf-8")
    said = run(str(shown))
    assert said.exit_code == 1
    assert said.stderr.startswith(
        'acme_em3.toml: points.p_w.type: found "i32x", expected one of')


@pytest.mark.parametrize("name", ["nobody", "no/such.toml", "x.toml/y.toml"])
def test_what_is_not_there_is_one_line(name: str) -> None:
    said = run(name)
    assert (said.exit_code, said.stdout, said.stderr.count("\n")) == (1, "", 1)


def test_every_profile_is_listed_with_what_it_costs_and_what_is_unverified() -> None:
    lines = {line.split()[0]: line for line in run().stdout.splitlines()}
    assert list(lines)[1:] == profiles.ids()
    assert re.fullmatch(r"acrel_adw300 +meter +rtu 9600 N +6 +2 +112 +2  grid_w, .*",
                        lines["acrel_adw300"])
    for told in json.loads(run("--json").stdout):
        assert told["unverified"] == list(profiles.load(told["id"]).unverified)
        assert told["poll_ms"] is None or 0 < told["poll_ms"] < 2000


@pytest.mark.parametrize("name", profiles.ids())
def test_one_profile_tells_every_doubt_and_every_source(name: str) -> None:
    said, profile = run(name).stdout, profiles.load(name)
    for line in (*profile.unverified, *profile.source, *profile.quirks, *profile.signals):
        assert line in said
