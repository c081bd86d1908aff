"""Flashing: only what differs, every file proven, and the old image whole when anything fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boards import build
from boards.broker import KEY_FILE
from boards.flash import FlashError, flash
from boards.found import boards
from boards.usb_gateway import UsbGateway, find_port
from tests.boards.gateways import FolderGateway, RawPrompt, here
from tests.boards.sites import valid

OLD = {"main.py": b"old", "site.json": b"{}", "edge/app.mpy": b"\0\1old", "edge/gone.py": b"stray"}
NEW = {"main.py": b"new", "site.json": b"{}", "edge/app.mpy": bytes(range(256)) * 9,
       "edge/rules/demand.mpy": b"rule", "boards/x.mpy": b"", "manifest.json": b"{}"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[FolderGateway]:
    made = here(tmp_path / "flash")
    for name, content in OLD.items():
        path = made.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    yield made
    made.close()


class Faulty:
    """Passes statements on, but spoils what the n-th write carries, or fails there."""

    def __init__(self, gateway: FolderGateway, at: int, cut: bool) -> None:
        self.gateway, self.at, self.cut, self.writes = gateway, at, cut, 0

    def run(self, code: str) -> str:
        if code.startswith("file.write("):
            self.writes += 1
            if self.writes == self.at + 1:
                if self.cut:
                    raise FlashError("unplugged")
                content = re.sub(rb"^b'(.)", lambda found: b"b'" + (
                    b"N" if found[1] != b"N" else b"M"), code[11:].encode(), count=1)
                code = "file.write(" + content.decode()
        return self.gateway.run(code)

    def restart(self) -> None:
        self.gateway.restart()


def test_everything_arrives_and_strays_go(gateway):
    done = flash(gateway, NEW)
    assert gateway.files() == NEW
    assert gateway.restarts == 1
    assert sorted(done.written) == ["boards/x.mpy", "edge/app.mpy", "edge/rules/demand.mpy",
                                    "main.py", "manifest.json"]
    assert done.removed == ("edge/gone.py",)
    assert done.kept == 1


def test_only_what_differs_is_written(gateway):
    flash(gateway, NEW)
    counted = Faulty(gateway, -1, False)
    done = flash(counted, {**NEW, "main.py": b"newer"})
    assert done.written == ("main.py",)
    assert counted.writes == 1
    assert gateway.files()["main.py"] == b"newer"


def test_progress_ends_at_the_whole(gateway):
    seen: list[tuple[int, int]] = []
    flash(gateway, NEW, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == sum(len(NEW[name]) for name in NEW if name != "site.json")
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("at", range(5))
def test_a_spoiled_byte_or_a_pulled_plug_leaves_the_old_image(gateway, at, cut):
    with pytest.raises(FlashError):
        flash(Faulty(gateway, at, cut), NEW)
    there = {name: content for name, content in gateway.files().items()
             if not name.endswith(".new")}
    assert there == OLD
    assert gateway.restarts == 0
    flash(gateway, NEW)  # and the next try mends it
    assert gateway.files() == NEW


FILES = st.dictionaries(
    st.sampled_from(["main.py", "site.json", "manifest.json", "edge/a.mpy", "edge/b/c.mpy",
                     "boards/d.mpy", "edge/b/e.mpy"]), st.binary(max_size=3000), min_size=1)


@given(old=FILES, new=FILES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_image_follows_any_other(gateway, old, new):
    flash(gateway, old)
    before = gateway.files()
    done = flash(gateway, new)
    after = gateway.files()
    assert {name: after[name] for name in new} == new
    assert set(done.written) == {name for name in new if before.get(name) != new[name]}
    assert not [name for name in after if "/" in name and name not in new]


def test_a_real_build_on_real_micropython(micropython, tmp_path: Path):
    built = build.build(valid(), boards()["w5500_evb_pico2"])
    gateway = FolderGateway(tmp_path / "flash", micropython.command)
    try:
        done = flash(gateway, built.files)
        assert gateway.files() == dict(built.files)
        assert set(done.written) == set(built.files)
        assert flash(gateway, built.files).written == ()
        with pytest.raises(FlashError, match="did not arrive as sent"):
            flash(Faulty(gateway, 0, False), {**built.files, "site.json": b"{}"})
        assert gateway.files()["site.json"] == built.files["site.json"]
    finally:
        gateway.close()


def test_over_a_serial_port_by_mpremote(gateway):
    prompt = RawPrompt(gateway)
    try:
        usb = UsbGateway(prompt.port)
        done = flash(usb, NEW)
        assert gateway.files() == NEW
        assert done.removed == ("edge/gone.py",)
        assert prompt.resets == 1
    finally:
        prompt.close()


def test_an_error_on_the_board_is_one_line(gateway):
    prompt = RawPrompt(gateway)
    try:
        usb = UsbGateway(prompt.port)
        with pytest.raises(FlashError) as raised:
            usb.run("import no_such_module\n")
        assert "\n" not in str(raised.value)
        assert str(raised.value).startswith(prompt.port)
        usb.close()
    finally:
        prompt.close()


def test_what_is_wrong_with_a_port_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(FlashError, match="does not exist: plug the gateway in"):
        UsbGateway(str(tmp_path / "ttyACM9"))
    (tmp_path / "ttyACM0").touch()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(FlashError, match=r"no permission for .*: sudo usermod -aG \w+ \$USER"):
        UsbGateway(str(tmp_path / "ttyACM0"))


@pytest.mark.parametrize(("devices", "message"), [
    ([], "no gateway found: plug it in by USB"),
    ([("/dev/ttyS0", None)], "no gateway found"),
    ([("/dev/ttyACM0", 0x2E8A), ("/dev/ttyACM1", 0x2E8A)], "2 gateways found: name one with"),
])
def test_ports_are_found_by_their_maker(devices, message, monkeypatch: pytest.MonkeyPatch):
    listed = [type("Port", (), {"device": name, "vid": vid}) for name, vid in devices]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: listed)
    with pytest.raises(FlashError, match=message):
        find_port()


def test_the_only_gateway_is_taken(monkeypatch: pytest.MonkeyPatch):
    port = type("Port", (), {"device": "/dev/ttyACM3", "vid": 0x2E8A})
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [port])
    assert find_port() == "/dev/ttyACM3"


def test_a_key_stays_when_a_later_flash_brings_none(gateway: FolderGateway) -> None:
    flash(gateway, {**NEW, KEY_FILE: b"secret"})
    flash(gateway, NEW)
    assert (gateway.folder / KEY_FILE).read_bytes() == b"secret"
