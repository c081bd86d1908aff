"""A site whose battery speaks CAN: what is compiled, what `check` says, what its beat does."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from boards import profiles
from boards.can_port import CanPort
from boards.describe import summary, text
from boards.emulator import Board
from boards.found import boards, misfits
from boards.image import compile_site
from boards.site import Checked
from edge.app import App
from edge.devices.bus import Bus
from edge.devices.canbus import CanBus
from tests.boards.sites import ROOT, changed, judge
from tests.can.bench import PUBLISHED, Port, frame

CABINET = ROOT / "examples" / "cabinet" / "site.toml"
PROFILE = (ROOT / "edge" / "devices" / "pylontech_lv.toml").read_text("utf-8")


def cabinet(*pairs: tuple[str, str]) -> Checked:
    return judge(changed(*pairs, base=CABINET), CABINET)


def test_the_cabinet_is_valid_and_check_says_what_to_run_first():
    checked = cabinet()
    assert checked.errors == ()
    assert checked.site is not None
    image = compile_site(checked.site)
    assert json.loads(json.dumps(image)) == image
    assert image["buses"][2] == {"name": "battery", "link": "can", "interface": "can0"}
    assert "ip link set can0 up type can bitrate 500000" in text(summary(checked))
    assert misfits(checked.site, boards()["pi"]) == []
    assert ('site.toml: bus battery link: found "can", expected another on w5500_evb_pico2: it '
            "has no CAN") in misfits(checked.site, boards()["w5500_evb_pico2"])
    assert isinstance(Board(image, None).open_port(image["buses"][2]), CanPort)


@pytest.mark.parametrize(("old", "new", "said"), [
    ('interface = "can0"', "", "interface: found nothing"),
    ('interface = "can0"', 'interface = "can0"\nbaud = 500000', "baud: unknown key"),
    ('bus = "battery"', 'bus = "line"\nunit = 9', "expected a bus with link can"),
    ('bus = "battery"', 'bus = "battery"\nunit = 9', "unit: found 9, expected none"),
    ('profile = "eastron_sdm630"\nbus = "line"', 'profile = "eastron_sdm630"\nbus = "battery"',
     "expected a bus with link tcp or rtu"),
    ("soc_age_max_ms = 60_000", "soc_age_max_ms = 500", "expected at least 1000 ms, as bms"),
])
def test_what_does_not_fit_is_said(old, new, said):
    errors = cabinet((old, new)).errors
    assert any(said in line for line in errors), errors


@pytest.mark.parametrize(("old", "new", "said"), [
    ('soc = [0x355, 0, "u16", 1, "%"]', 'soc = [0x855, 0, "u16", 1, "%"]', "below 0x800"),
    ('soc = [0x355, 0, "u16", 1, "%"]', 'soc = [0x355, 7, "u16", 1, "%"]', "ends within 8"),
    ('soc = [0x355, 0, "u16", 1, "%"]', 'soc = [0x355, 0, "u16", 1, "A"]', "points.soc unit"),
    ('soc_pm = "soc"', "", "signals.soc_pm: found nothing"),
    ('soc_pm = "soc"', 'soc_pm = "maker"', "signals.soc_pm: found"),
    ('soc_pm = "soc"', 'soc_pm = "soc"\nstore_w = "i"', "signals.store_w: unknown"),
    ("v = [10, 100]", "v = [100, 10]", "range.v"),
    ("v = [10, 100]", "v = [-1, 100]", "range.v: found -100, expected at least 0"),
    ("v = [10, 100]", "w = [10, 100]", "range.w: unknown"),
    ("stale_ms = 5000", "stale_ms = 1500", "two periods"),
    ("alive = [0x305, 8, 1000]", "alive = [0x305, 9, 1000]", "link.alive"),
    ('voltage = "v"', 'voltage = "i"', "points.i unit"),
    ('charge = ["flags", 0x80]', 'charge = ["flags"]', "limits.charge"),
    ('charge = ["flags", 0x80]', 'charge = ["v", 0x80]', "points.v unit"),
    ('stops = ["protection", "alarm"]', 'stops = ["t"]', "points.t unit"),
])
def test_a_profile_that_contradicts_itself_is_refused(old, new, said):
    assert old in PROFILE
    with pytest.raises(profiles.ProfileError, match=r".+") as caught:
        profiles.parse(PROFILE.replace(old, new), "pylontech_lv.toml")
    assert any(said in line for line in caught.value.lines), caught.value.lines


def test_no_product_leaves_what_a_gateway_computes_with():
    wide = PROFILE.replace('v = [0x356, 0, "i16", 0.01, "V"]', 'v = [0x356, 0, "u16", 0.01, "V"]')
    wide = wide.replace("v = [10, 100]", "v = [10, 655]")
    with pytest.raises(profiles.ProfileError, match="leaves 30 bits"):
        profiles.parse(wide, "pylontech_lv.toml")


class Beats:
    """The cabinet's whole gateway in virtual time; the meter and the converter are told to it."""

    def __init__(self) -> None:
        site = cabinet().site
        assert site is not None
        self.port = Port()
        image = compile_site(site)
        image.pop("page")
        board = Board(image, None)
        board.open_port = lambda bus: self.port if "interface" in bus else SimpleNamespace()  # type: ignore[assignment,method-assign,return-value]
        self.app = App(image, board)
        self.bus = self.app.buses[2]
        self.now_ms = 0

    def second(self, *frames: tuple[int, str]) -> int:
        """A second of a load that asks the battery for all it has; the setpoint."""
        site = self.app.site
        self.port.queue += [frame(*one) for one in frames]
        self.bus.step(self.now_ms + 100)
        self.bus.step(self.now_ms + 150)
        self.now_ms += 1000
        site.grid_meter.take("grid_w", 140_000 - site.storage.setpoint_w, self.now_ms - 100)
        site.storage.take("store_w", site.storage.setpoint_w, self.now_ms - 100)
        self.app.beat(self.now_ms)
        return int(site.storage.setpoint_w)


LOW = [(0x355, "5a006400") if ident == 0x355 else (ident, data) for ident, data in PUBLISHED]
HALF = [(0x351, "1402c800c8000000") if ident == 0x351 else (ident, data) for ident, data in LOW]


def test_a_gateway_obeys_and_rests_when_the_battery_falls_silent():
    beats = Beats()
    assert [type(one) for one in beats.app.buses] == [Bus, Bus, CanBus]
    wished = [beats.second(*LOW) for _ in range(120)]
    assert wished[-1] == 18_285, "90 % of charge, 370.0 A at 49.42 V"
    assert len(beats.port.sent) > 100
    assert beats.second(*HALF) == beats.second(*HALF) == 988, "20.0 A"
    assert beats.second(*[one for one in LOW if one[0] != 0x35C], (0x35C, "80")) == 0
    assert [beats.second(*LOW) for _ in range(30)][-1] == 18_285
    assert [beats.second() for _ in range(6)][-1] == 0, "silence"
    fed = len(beats.port.sent)
    assert fed, "the beat lives, and the battery hears so"
    assert [beats.second(*LOW) for _ in range(120)][-1] == 18_285
