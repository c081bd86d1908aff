"""Complaints from the field: a slice of `python -m hil field`, and what the rig itself must see."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hil import field, scenario
from hil.dut import DutError
from hil.patience import Clock, Patient
from hil.rig import stage
from hil.rig_wire import Wire
from hil.scenario import Scenario
from tests.conftest import ROOT, Interpreter

SHORT = [one for one in field.complaints() if one.for_s <= 170]


def wire_of(number: int, one: Scenario) -> str:
    """One of the two; all scenarios together see both."""
    return {"tcp": "TCP", "rtu": "line", "": ("TCP", "line")[number % 2]}[one.link]


@pytest.mark.parametrize(("one", "wire"), [(one, wire_of(number, one))
                                           for number, one in enumerate(SHORT)],
                         ids=lambda value: getattr(value, "name", value))
def test_it_goes_as_expected_and_the_same_on_both_interpreters(
        one: Scenario, wire: str, micropython: Interpreter) -> None:
    found = field.played(one, wire)
    assert found.problems() == []
    assert found.marks == "++"
    assert len(found.records[1].rows) == one.for_s


def test_the_page_is_that_of_the_scenarios() -> None:
    assert (ROOT / "docs" / "field.md").read_text() == field.table()


def test_a_row_that_differs_is_found(micropython: Interpreter) -> None:
    found = field.played(SHORT[1], wire_of(1, SHORT[1]))
    assert found.problems() == []
    found.records[1].rows[20][0] ^= 1
    assert [line for line in found.problems() if "10:00:20: MicroPython's row" in line]


def test_a_gateway_that_ends_is_one_line(tmp_path: Path, micropython: Interpreter) -> None:
    setting = stage(scenario.read_rig(scenario.find("rigs", "wire_tcp_micropython")), SHORT[1])
    with Wire(setting.raw, setting.file.site, setting.plant(), tmp_path,
              dut="micropython") as wire:
        wire.beat(setting.utc(36_000))
        gateway: Any = wire._gateway
        os.kill(gateway._process.pid, signal.SIGKILL)
        with pytest.raises(DutError, match="on MicroPython ended with status -9"):
            wire.beat(setting.utc(36_001))


class Wired:
    """A line on which each request is answered at once, by four bytes."""

    hung_up = False

    def __init__(self) -> None:
        self._waits = 0

    def open(self, now_ms: int) -> None:
        pass

    def reset(self) -> None:
        pass

    def is_open(self) -> bool:
        return True

    def send(self, buf: bytearray, n: int) -> int:
        self._waits += 1
        return n

    def asked(self) -> None:
        pass

    def coming(self) -> list[tuple[int, int]]:
        return [(4, 0)] * self._waits

    def recv(self, buf: bytearray, at: int) -> int:
        self._waits -= 1
        return 4


@pytest.mark.parametrize(("rest_ms", "hasty"), [(24, 1), (25, 0)])
def test_a_request_before_its_line_has_rested_is_counted(rest_ms: int, hasty: int) -> None:
    clock, wired = Clock(), Wired()
    port = Patient({"gap_ms": 25, "timeout_ms": 500, "baud": 9600}, wired, wired, clock)
    port.open(0)
    port.send(bytearray(8), 8)
    clock.now_ms = 100
    assert port.recv(bytearray(9), 0) == 4
    clock.now_ms += rest_ms
    port.send(bytearray(8), 8)
    assert port.hasty == hasty


def test_a_request_right_behind_a_connection_that_needs_time_is_counted() -> None:
    clock, wired = Clock(), Wired()
    port = Patient({"gap_ms": 0, "timeout_ms": 500, "settle_ms": 1000}, wired, wired, clock)
    port.open(0)
    clock.now_ms = 999
    port.send(bytearray(8), 8)
    assert port.hasty == 1
