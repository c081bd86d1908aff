"""Inputs of boards that count pulses: the chip's and the kernel's part played by this file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import gpiod
import pytest
from gpiod.line import Bias, Edge

from boards import emulator, pi
from boards.gpio_pulse import GpioPulse
from boards.image import compile_site
from boards.pulse_source import place
from tests.boards.sites import valid


class Pin:
    """A contact to ground under a pull-up: closed is 0."""

    IN, PULL_UP, IRQ_FALLING, IRQ_RISING = 1, 2, 4, 8
    newest: Pin

    def __init__(self, number: int, mode: int, pull: int) -> None:
        assert (mode, pull) == (self.IN, self.PULL_UP)
        self.number, self.level = number, 1
        self.handler: Callable[[Pin], None] = lambda pin: None
        Pin.newest = self

    def value(self) -> int:
        return self.level

    def irq(self, handler: Callable[[Pin], None], trigger: int, hard: bool) -> None:
        assert (trigger, hard) == (self.IRQ_FALLING | self.IRQ_RISING, True)
        self.handler = handler

    def turn(self, level: int) -> None:
        self.level = level
        self.handler(self)


@pytest.fixture
def pulse_pin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    machine = ModuleType("machine")
    machine.__dict__["Pin"] = Pin
    monkeypatch.setitem(sys.modules, "machine", machine)
    import boards.pulse_pin

    yield boards.pulse_pin
    del sys.modules["boards.pulse_pin"]


def test_an_interrupt_counts_what_stands(pulse_pin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now_ms = 1000
    monkeypatch.setattr(pulse_pin, "ticks_ms", lambda: now_ms)
    one = pulse_pin.PulsePin("GP12", 20)
    pin = Pin.newest
    assert pin.number == 12
    now_ms += 100
    for level, stays_ms in ((0, 50), (1, 50), (0, 5), (1, 3), (0, 50), (1, 2), (0, 4), (1, 60)):
        pin.turn(level)
        now_ms += stays_ms
    pin.turn(0)
    assert one.count() == 2


def test_the_microcontroller_has_such_inputs(pulse_pin: Any, monkeypatch: pytest.MonkeyPatch
                                             ) -> None:
    """The rest of the chip is played in tests/boards/test_w5500.py."""
    for name in ("RTC", "UART", "WDT", "Timer", "reset"):
        setattr(sys.modules["machine"], name, None)
    monkeypatch.setitem(sys.modules, "network", ModuleType("network"))
    monkeypatch.delitem(sys.modules, "boards.w5500_evb_pico2", raising=False)
    import boards.w5500_evb_pico2 as chip

    monkeypatch.delitem(sys.modules, "boards.w5500_evb_pico2")
    board = chip.Board.__new__(chip.Board)  # without its network
    for name in chip.PULSE_INPUTS.split():
        assert board.open_pulse(name, 20).count() == 0
        assert Pin.newest.number == int(name.removeprefix("GP"))
    used = {pin for pins in chip._PINS for pin in pins} | {*range(16, 22)}  # UARTs, the W5500
    assert not used & {int(name.removeprefix("GP")) for name in chip.PULSE_INPUTS.split()}


class Request:
    """What libgpiod gives: events that wait, each with its number."""

    def __init__(self) -> None:
        self.sent, self.waiting = 0, list[Any]()

    def pulse(self, n: int, kept: int | None = None) -> None:
        """So many pulses, of which the kernel's queue has kept the last ones."""
        events = [SimpleNamespace(line_seqno=self.sent + 1 + one) for one in range(n)]
        self.sent += n
        self.waiting += events if kept is None else events[-kept:]

    def wait_edge_events(self, timeout: float) -> bool:
        assert timeout == 0  # the beat never waits
        return bool(self.waiting)

    def read_edge_events(self) -> list[Any]:
        some, self.waiting = self.waiting[:16], self.waiting[16:]
        return some


def test_the_kernel_debounces_and_its_numbers_miss_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    request = Request()

    def request_lines(path: str, consumer: str, config: dict[int, gpiod.LineSettings]) -> Request:
        asked.update(path=path, config=config)
        return request

    monkeypatch.setattr(gpiod, "request_lines", request_lines)
    one = pi.Board(compile_site(valid()), None).open_pulse("gpiochip4:17", 30)
    settings = asked["config"][17]
    assert asked["path"] == "/dev/gpiochip4"
    assert settings == gpiod.LineSettings(
        edge_detection=Edge.RISING, bias=Bias.PULL_UP, active_low=True,
        debounce_period=timedelta(milliseconds=30))
    assert one.count() == 0
    request.pulse(3)
    assert one.count() == 3
    request.pulse(100, kept=64)
    assert one.count() == 103
    assert one.count() == 103


def test_a_line_that_is_not_there_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match=r"No such file|Errno 2"):
        GpioPulse("gpiochip98:3", 20)
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(OSError, match="needs gpiod: pip install"):
        GpioPulse("3", 20)


@pytest.mark.parametrize(("name", "line"), [
    ("17", ("gpiochip0", 17)), ("gpiochip4:27", ("gpiochip4", 27)), ("GP7", ("", 0)), ("", ("", 0)),
    ("gpiochip0:", ("", 0)), ("/dev/gpiochip0:1", ("", 0))])
def test_the_name_of_a_line(name: str, line: tuple[str, int]) -> None:
    assert place(name) == line


def test_an_emulator_has_a_source_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 5.0
    monkeypatch.setattr("boards.pulse_source.time.monotonic", lambda: now_s)
    source = emulator.Board(compile_site(valid()), None).open_pulse("anything", 20)
    now_s += 99.0
    assert source.count() == 9
