"""The microcontroller's board, with its chip's modules played by this file."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.image import compile_site
from tests.boards.sites import valid

IMAGE = compile_site(valid())
LINE = {"link": "rtu", "path": 1, "baud": 9600, "parity": "N", "stop": 1}


class Pin:
    """Remembers its level; the newest with each number is in `made`."""

    OUT = 1
    made: ClassVar[dict[int, Pin]] = {}

    def __init__(self, number: int, mode: int = 0, value: int = 0) -> None:
        self.level = value
        Pin.made[number] = self

    def value(self, level: int) -> None:
        self.level = level


class Timer:
    """Remembers what it was asked; `fire` lets the time pass."""

    ONE_SHOT = 0
    newest: Timer

    def __init__(self, number: int) -> None:
        self.period, self.callback = 0, None
        Timer.newest = self

    def init(self, mode: int, period: int, callback: Any) -> None:
        self.period, self.callback = period, callback

    def fire(self) -> None:
        assert self.callback is not None
        self.callback(self)

    def deinit(self) -> None:
        self.callback = None


class Uart:
    """Takes what is written; gives what is put into `inbox`."""

    newest: Uart

    def __init__(self, number: int, **settings: Any) -> None:
        self.number, self.settings, self.written, self.inbox = number, settings, b"", b""
        Uart.newest = self

    def write(self, data: memoryview) -> int | None:
        self.written += bytes(data)
        return len(data) or None

    def any(self) -> int:
        return len(self.inbox)

    def readinto(self, into: memoryview) -> int | None:
        n = min(len(into), len(self.inbox))
        into[:n], self.inbox = self.inbox[:n], self.inbox[n:]
        return n or None

    def deinit(self) -> None:
        pass


class Chip(SimpleNamespace):
    """What happened to the rest of the chip."""


@pytest.fixture(scope="module")
def chip() -> Iterator[Chip]:
    """The modules machine and network, and the board on top of them."""
    chip = Chip(fed=0, watchdog=0, resets=0, clock=None, connected=True)

    class Wdt:
        def __init__(self, timeout: int) -> None:
            chip.watchdog = timeout

        def feed(self) -> None:
            chip.fed += 1

    class Rtc:
        def datetime(self, parts: tuple[int, ...]) -> None:
            chip.clock = parts

    class Nic:
        def active(self, on: bool) -> None:
            chip.active = on

        def isconnected(self) -> bool:
            return bool(chip.connected)

        def ifconfig(self) -> tuple[str, str, str, str]:
            return ("192.168.10.5", "255.255.255.0", "192.168.10.1", "192.168.10.1")

    def reset() -> None:
        chip.resets += 1

    machine, network = ModuleType("machine"), ModuleType("network")
    machine.__dict__.update(Pin=Pin, Timer=Timer, UART=Uart, WDT=Wdt, RTC=Rtc, reset=reset)
    network.__dict__.update(WIZNET5K=Nic)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "machine", machine)
        patched.setitem(sys.modules, "network", network)
        patched.delitem(sys.modules, "boards.w5500_evb_pico2", raising=False)
        chip.module = importlib.import_module("boards.w5500_evb_pico2")
        yield chip
        del sys.modules["boards.w5500_evb_pico2"]


@given(st.integers(1, 256), st.sampled_from([1200, 9600, 19200, 115200]), st.sampled_from("NEO"),
       st.integers(1, 2))
def test_the_line_is_held_for_the_frame_and_let_go_before_an_answer(chip, n, baud, parity, stop):
    port = chip.module.Rs485Port({**LINE, "baud": baud, "parity": parity, "stop": stop})
    port.open(0)
    drive = Pin.made[6]
    assert drive.level == 0
    assert port.send(bytearray(300), n) == n
    assert drive.level == 1
    bits = 1 + 8 + (parity != "N") + stop
    frame_ms = n * bits * 1000 / baud
    assert frame_ms < Timer.newest.period <= frame_ms + 2
    Timer.newest.fire()
    assert drive.level == 0
    port.close()


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), min_size=1, max_size=5))
def test_a_frame_taken_in_pieces_holds_the_line_until_its_last_bit(chip, pieces):
    """The buffer of a UART may take a part: the first part is still on its way when the second
    one comes. `pieces`: bytes taken, and ms until the next."""
    port = chip.module.Rs485Port(LINE)
    port.open(0)
    now_ms, left_ms = 1000, 0.0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chip.module, "ticks_ms", lambda: now_ms)
        for n, pause_ms in pieces:
            patched.setattr(Uart.newest, "write", lambda data, n=n: n or None)
            assert port.send(bytearray(256), 256) == n
            left_ms += n * 10_000 / 9600
            assert left_ms <= Timer.newest.period <= left_ms + 2 + len(pieces)
            if pause_ms >= Timer.newest.period:
                Timer.newest.fire()
            left_ms = max(0.0, left_ms - pause_ms)
            now_ms += pause_ms
    port.close()


def test_settings_and_pins_of_each_uart(chip):
    for number, pins in ((0, (0, 1)), (1, (4, 5))):
        port = chip.module.Rs485Port({**LINE, "path": number, "parity": "E"})
        port.open(0)
        uart = Uart.newest
        settings = uart.settings
        assert (uart.number, settings["baudrate"], settings["parity"]) == (number, 9600, 0)
        assert (settings["tx"], settings["rx"]) == (Pin.made[pins[0]], Pin.made[pins[1]])
        port.close()


def test_bytes_come_in_where_they_belong(chip):
    port = chip.module.Rs485Port(LINE)
    assert not port.is_open()
    port.open(0)
    assert port.is_open()
    buffer = bytearray(6)
    assert port.recv(buffer, 2) == 0
    Uart.newest.inbox = b"abcdef"
    assert port.recv(buffer, 2) == 4
    assert buffer == b"\0\0abcd"
    assert port.recv(buffer, 6) == 0
    port.close()
    assert not port.is_open()


def test_the_board(chip, monkeypatch: pytest.MonkeyPatch, tmp_path):
    board = chip.module.Board(IMAGE)
    assert chip.active is True
    assert board.network_up() is True
    assert [type(board.open_port(bus)).__name__ for bus in IMAGE["buses"]] == \
        ["Rs485Port", "Rs485Port", "TcpPort", "TcpPort"]
    board.watchdog(False)
    board.watchdog(True)
    assert (chip.watchdog, chip.fed) == (8000, 2)
    monkeypatch.setattr(chip.module, "_PASSWORD", str(tmp_path / "password"))
    assert board.password() == b""
    (tmp_path / "password").write_bytes(b"sesam\n")
    assert board.password() == b"sesam"


def test_certificates_wait_for_the_time_and_names_for_nobody(chip, tmp_path,
                                                             monkeypatch: pytest.MonkeyPatch):
    plain = chip.module.Board(IMAGE)
    named = {**IMAGE, "broker": {"host": "broker.example", "named": 1, "tls": {}}}
    board = chip.module.Board(named)
    assert plain.network_up()
    assert not board.network_up()
    board._sntp.known = True
    assert board.network_up()
    assert board.name_server() == chip.module.network.WIZNET5K().ifconfig()[3]
    monkeypatch.setattr(chip.module, "_KEY", str(tmp_path / "key"))
    assert board.key() == b""
    (tmp_path / "key").write_bytes(b"\x30\x0a ")
    assert board.key() == b"\x30\x0a "
    asked = []
    monkeypatch.setattr(board._sntp, "step", lambda now_ms, server: asked.append(server))
    board.wall()
    assert asked == [board._nic.ifconfig()[2]]  # a look-up of the broker's name would wait


def test_the_clock_is_asked_of_the_router_and_set_once_it_is_known(chip,
                                                                   monkeypatch: pytest.MonkeyPatch):
    board = chip.module.Board(IMAGE)
    asked = []

    def step(now_ms: int, server: str) -> bool:
        asked.append(server)
        board._sntp.day, board._sntp.second, board._sntp.known = 9457, 7500, True
        return len(asked) == 2

    monkeypatch.setattr(board._sntp, "step", step)
    board._sntp.known = False
    chip.connected = False
    assert board.wall()[2] is False
    chip.connected = True
    board.wall()
    assert chip.clock is None
    day, second, known = board.wall()
    assert asked == ["192.168.10.1"] * 2
    assert chip.clock == (2025, 11, 22, 5, 2, 5, 0, 0)
    assert known is True
    assert abs(946_684_800 + day * 86_400 + second - time.time()) < 5  # of the chip: here Unix time


@pytest.mark.parametrize(("keys", "server"), [
    ({"host": "10.0.0.5"}, "10.0.0.5"),
    ({"host": "hub.azure-devices.net", "cloud": "iothub"}, "192.168.10.1"),
    ({"host": "hub.azure-devices.net", "cloud": "iothub", "clock": "10.0.0.9"}, "10.0.0.9"),
])
def test_who_is_asked_for_the_time(chip, monkeypatch: pytest.MonkeyPatch, keys, server):
    """A cloud's broker tells none, and a signature needs it: the router, or whom the site names."""
    board = chip.module.Board({**IMAGE, "broker": {**IMAGE["broker"], **keys}})
    asked = []
    monkeypatch.setattr(board._sntp, "step", lambda now_ms, server: bool(asked.append(server)))
    chip.connected = True
    board.wall()
    assert asked == [server]


def test_a_start_that_fails_restarts_the_gateway(chip, tmp_path, capsys,
                                                 monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chip.module.time, "sleep", lambda s: None)
    before = chip.resets
    chip.module.main(str(tmp_path / "no-image.json"))
    assert chip.resets == before + 1
    assert "parkedge: FileNotFoundError" in capsys.readouterr().out
