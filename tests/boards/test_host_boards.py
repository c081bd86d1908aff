"""The boards on CPython: clock, watchdog, journal, outbox, ports, service; and a running app."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from boards import emulator, host, pi, service
from boards.image import compile_site
from boards.journal_file import JournalReader, files
from boards.serial_port import SerialPort
from edge.app import App
from edge.blocks import FileBlocks, RamBlocks
from edge.port import TcpPort
from tests.boards.rows import row
from tests.boards.sites import OFFICE, changed, judge, valid
from tests.sync import pki

IMAGE = compile_site(valid(OFFICE))


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "STATE_DIRECTORY", "PARKEDGE_BROKER_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_the_wall_clock_counts_from_2000():
    before = time.time()
    day, second, known = emulator.Board(IMAGE, None).wall()
    assert before - 1 <= 946_684_800 + day * 86_400 + second <= time.time()
    assert known is True


def test_the_name_server_is_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    resolvers = tmp_path / "resolv.conf"
    monkeypatch.setattr(host, "_RESOLVERS", resolvers)
    board = emulator.Board(IMAGE, None)
    assert board.name_server() == "127.0.0.1"
    resolvers.write_text("search park\nnameserver fe80::1\nnameserver 10.0.0.1\n")
    assert board.name_server() == "10.0.0.1"


def test_certificates_wait_until_the_time_is_known(monkeypatch: pytest.MonkeyPatch):
    board = pi.Board(IMAGE, None)
    monkeypatch.setattr(board, "_clock_set", lambda: False)
    assert board.network_up()
    board.tls_context(pki.park().der, b"")
    assert not board.network_up()
    monkeypatch.setattr(board, "_clock_set", lambda: True)
    assert board.network_up()


@pytest.mark.parametrize(("answer", "hardware", "known"), [
    (0, None, True), (4, None, True), (5, None, False), (-1, None, False), (5, "1\n", True),
    (5, "0\n", False)])
def test_the_clock_of_a_pi_is_set_when_something_set_it(answer, hardware, known, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch):
    class Library:
        def adjtimex(self, buffer: object) -> int:
            return answer

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    monkeypatch.setattr(pi, "_RTC", tmp_path)
    if hardware is not None:
        (tmp_path / "rtc0").mkdir()
        (tmp_path / "rtc0" / "hctosys").write_text(hardware)
    assert pi.Board(IMAGE, None).wall()[2] is known


def test_a_clock_once_set_stays_set(monkeypatch: pytest.MonkeyPatch):
    board = pi.Board(IMAGE, None)
    monkeypatch.setattr(pi, "_synchronized", lambda: True)
    assert board.wall()[2]
    monkeypatch.setattr(pi, "_synchronized", lambda: False)
    assert board.wall()[2]


def test_the_kernel_can_be_asked():
    assert pi._synchronized() in (True, False)


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_of_the_start_and_of_every_beat(abstract, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch):
    name = f"\0parkedge-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        board = pi.Board(IMAGE, None)
        board.watchdog(False)
        board.watchdog(True)
        assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"WATCHDOG=1"]
    board.watchdog(True)  # nobody listens any more: no harm
    board._notify.close()  # type: ignore[union-attr]


def test_without_systemd_the_watchdog_is_silent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    for address in (None, "/no/such/socket"):
        if address:
            monkeypatch.setenv("NOTIFY_SOCKET", address)
        board = pi.Board(IMAGE, None)
        board.watchdog(True)  # no harm
        assert board._notify is None


def test_rows_and_frames_are_kept_in_the_folder(tmp_path: Path):
    board = emulator.Board(IMAGE, tmp_path / "state")
    names = ["device", *(name for name, _ in IMAGE["rules"])]
    for second in range(3):
        board.keep(row(second=second), names)
    (path,) = files(tmp_path / "state" / "journal")
    with JournalReader(path) as reader:
        assert [one[1] for one in reader] == [0, 1, 2]
        assert list(reader.header.rules) == names
        assert reader.header.site == IMAGE["hash"]
    device = board.flash_device()
    assert isinstance(device, FileBlocks)
    device.close()
    board._journal.close()  # type: ignore[union-attr]


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    board = emulator.Board(IMAGE, None)
    board.keep(row(), ["device"])
    assert isinstance(board.flash_device(), RamBlocks)
    assert list(tmp_path.iterdir()) == []


def test_systemd_says_where_a_pi_keeps_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "parkedge"))
    board = pi.Board(IMAGE, None)
    board.keep(row(), ["device"])
    assert len(files(tmp_path / "parkedge" / "journal")) == 1
    board._journal.close()  # type: ignore[union-attr]


def test_each_bus_gets_its_kind_of_port():
    board = emulator.Board(IMAGE, None)
    assert [type(board.open_port(bus)) for bus in IMAGE["buses"]] == [SerialPort, TcpPort]


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    assert emulator.Board(IMAGE, None).password() == b""
    monkeypatch.setenv("PARKEDGE_BROKER_PASSWORD", "sesam")
    assert emulator.Board(IMAGE, None).password() == b"sesam"


def test_a_signal_stops_in_order():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stops: list[int] = []
    try:
        emulator.Board(IMAGE, None).on_stop(lambda: stops.append(1))
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stops == [1, 1]
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def test_the_app_beats_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    board = emulator.Board(IMAGE, tmp_path)
    device = board.flash_device()
    assert isinstance(device, FileBlocks)
    monkeypatch.setattr(board, "flash_device", lambda: device)
    app = App(IMAGE, board)
    for _ in range(3):
        app.beat()
    assert app.site.fault is None
    with JournalReader(files(tmp_path / "journal")[0]) as reader:
        assert len(reader) == 3
    board._journal.close()  # type: ignore[union-attr]
    app.uplink.flush()
    device.close()
    app.outbox.vital._device.close()


def test_a_full_disk_costs_memory_and_not_control(tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]):
    for name in ("outbox", "vital"):
        (tmp_path / f"{name}.bin.new").symlink_to("/dev/full")
    board = emulator.Board(IMAGE, tmp_path)
    app = App(IMAGE, board)
    app.beat()
    assert app.site.fault is None
    assert app.outbox.mounted()
    assert app.outbox.append(3, b"leaf", 4) == 1
    said = capsys.readouterr().err
    assert "outbox.bin: [Errno 28] No space left" in said
    assert "vital.bin: [Errno 28] No space left" in said
    board._journal.close()  # type: ignore[union-attr]


def test_the_unit_is_what_systemd_accepts(tmp_path: Path):
    unit = service.unit(valid(OFFICE), python=shutil.which("true") or "/bin/true")
    assert "Type=notify\n" in unit
    assert "WatchdogSec=10\n" in unit
    assert "After=network.target\n" in unit
    assert "network-online.target\n" not in [line for line in unit.splitlines()
                                             if not line.startswith("#")]
    assert f"boards run {OFFICE} --board pi\n" in unit
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing: apt install systemd")
    (tmp_path / "parkedge.service").write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                           str(tmp_path / "parkedge.service")],
                          capture_output=True, text=True, check=False)
    assert "parkedge.service" not in done.stderr, done.stderr


def test_a_longer_beat_gives_the_watchdog_three_beats():
    site = judge(changed(('timezone = "Europe/Berlin"', 'timezone = "Europe/Berlin"\nbeat_s = 10'),
                         ("discharge_max_w = 30_000", "discharge_max_w = 30_000\nlease_ms = 20000"),
                         base=OFFICE), OFFICE).site
    assert site is not None
    assert "WatchdogSec=30\n" in service.unit(site)
