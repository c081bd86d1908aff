"""Whether a site's buses keep its beat: what `check` says, and the model against the bus itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from boards import polling
from boards.image import compile_site
from boards.site import Checked
from edge.devices.bus import Bus
from edge.devices.driver import Driver
from hil import amend
from tests.boards.sites import MILL, changed, judge
from tests.devices.modbus_slave import Device, Slave, run

# Ten devices of seven makes on two serial lines: name, profile, line of the ledger, bus, poll.
TEN = [
    ("meter", "acrel_adw300", "", "one", 1000), ("pcs", "sinexcel_pcs", "", "two", 1000),
    ("bms", "soltaro_bms", "", "two", 5000), ("roof", "sunspec_pv", "", "two", 2000),
    ("wind-line", "carlogavazzi_em340", "direct", "one", 5000),
    ("press-meter", "eastron_sdm630", "press", "one", 5000),
    ("weaving-meter", "chint_dtsu666", "weaving", "one", 5000),
    ("dyeing-meter", "schneider_iem3000", "dyeing", "one", 5000),
    ("sewing-meter", "carlogavazzi_em340", "sewing", "two", 5000),
    ("canteen-meter", "acrel_adw300", "canteen", "two", 5000),
]


def ten(baud: int, path: Path) -> Checked:
    """The site with those, judged."""
    raw: dict[str, Any] = amend.read(MILL)
    raw["bus"] = [{"name": name, "link": "rtu", "path": number, "baud": baud}
                  for number, name in enumerate(("one", "two"))]
    raw["device"] = [{"name": name, "profile": profile, "bus": bus, "unit": number + 1,
                      "poll_ms": poll_ms} | ({"line": line} if line else {})
                     for number, (name, profile, line, bus, poll_ms) in enumerate(TEN)]
    path.write_text(amend.text(raw), encoding="utf-8")
    return judge(path.read_bytes(), path)


def late(checked: Checked) -> list[str]:
    """The warnings about time."""
    return [line for line in checked.warnings if "a round takes" in line or "may be" in line]


class SlowLine(Slave):
    """A serial line on which every character takes its time, and every device 20 ms."""

    baud = 19_200

    def _deliver(self, fault, transaction, unit, reply, answer_ms):  # type: ignore[no-untyped-def]
        took_ms = 11_000 * (8 + len(reply) + 3 + 3.5) / self.baud + polling.TURNAROUND_MS
        super()._deliver(fault, transaction, unit, reply, round(took_ms))


class Role:
    """Takes everything."""

    SIGNALS = tuple("grid_w import_wh export_wh store_w soc_pm pv_w pv_wh".split())
    setpoint_w = setpoint_ms = 0
    lease_ms = 5000

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        return True


def test_ten_devices_on_two_lines_keep_the_beat_of_a_second(tmp_path: Path) -> None:
    assert late(ten(19_200, tmp_path / "site.toml")) == []
    slow = ten(4_800, tmp_path / "site.toml")
    assert slow.errors == ()
    assert any("longer than the beat of 1000 ms: now and then pcs" in line for line in late(slow))


def test_the_modelled_round_is_what_a_bus_takes(tmp_path: Path) -> None:
    """Ten minutes, asked as fast as it goes: within a tenth of the model, on either line."""
    site = ten(SlowLine.baud, tmp_path / "site.toml").site
    assert site is not None
    image = compile_site(site)
    for number, bus_image in enumerate(image["buses"]):
        devices = [one | {"poll_ms": 1, "frozen_ms": 0} for one in image["devices"]
                   if one["bus"] == number]
        assert len(devices) == 5
        line = SlowLine({one["unit"]: Device({}) for one in devices}, rtu=True)
        for one in devices:
            for _, addr, word in one["identity"]:
                line.devices[one["unit"]].registers[addr] = word
        bus = Bus(bus_image, line)
        for one in devices:
            bus.add(Driver(one, [Role()]))
        run(bus, line, 600_000)
        assert {entry[1] for entry in line.log} == {one["unit"] for one in devices}
        modelled_ms = sum(
            polling.model(bus_image, [{"points": [], "blocks": [[fc, addr, count, 1]],
                                       "control": None}]).mean_ms
            for _, _, fc, addr, count in line.log)
        assert bus.timeouts == line.overlaps == 0
        assert modelled_ms == pytest.approx(600_000, rel=0.1)


def test_a_bus_that_cannot_keep_the_beat_at_its_worst_is_a_warning():
    """At 1200 baud with long gaps the fast block has its second, and both together take 1.1 s."""
    checked = judge(changed(("baud = 9600", "baud = 1200\ngap_ms = 200")))
    assert checked.errors == ()
    assert any(line.startswith("site.toml: bus meter-line: a round takes about") and
               "longer than the beat of 1000 ms: now and then meter cannot keep it" in line
               for line in checked.warnings)


def test_an_age_limit_that_holds_in_the_mean_and_not_at_the_worst_is_a_warning():
    checked = judge(changed(("age_max_ms = 5000", "age_max_ms = 1050")))
    assert checked.errors == ()
    assert ("site.toml: gate.age_max_ms: found 1050 ms, but a reading of meter may be 1178 ms old "
            "when its bus has everything to do at once") in checked.warnings


def test_a_meter_of_the_ledger_may_be_read_as_seldom_as_one_likes():
    """It feeds no rule, so no age limit is its own: it was held against the grid meter's."""
    assert judge(changed(('unit = 2\npoll_ms = 5000', 'unit = 2\npoll_ms = 60_000'), base=MILL),
                 MILL).errors == ()


def test_a_beat_that_is_none_is_one_line_and_no_bus_is_held_against_it() -> None:
    errors = judge(changed(("beat_s = 1", "beat_s = 99999"))).errors
    assert len(errors) == 1
    assert errors[0].startswith("site.toml: site.beat_s: found 99999")
