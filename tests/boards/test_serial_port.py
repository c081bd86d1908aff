"""A serial line as a pipe: on a pseudo-terminal, both ends real."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from typing import Any

import pytest

from boards.serial_port import SerialPort

BUS: dict[str, Any] = {"link": "rtu", "baud": 9600, "parity": "N", "stop": 1, "rs485": 0}


@pytest.fixture
def ends() -> Iterator[tuple[int, str]]:
    """Our end as a descriptor, the other end's name."""
    ours, theirs = os.openpty()
    yield ours, os.ttyname(theirs)
    os.close(theirs)
    os.close(ours)


def port(path: str, **changes: object) -> SerialPort:
    return SerialPort({**BUS, "path": path, **changes})


def test_bytes_go_both_ways_untouched(ends):
    ours, path = ends
    line = port(path)
    assert not line.is_open()
    line.open(0)
    assert line.is_open()
    every = bytes(range(256))
    assert line.send(bytearray(every), 256) == 256
    got = b""
    while len(got) < 256:
        got += os.read(ours, 256)
    assert got == every
    os.write(ours, every)
    buffer = bytearray(300)
    at = 10
    while at < 266:
        at += line.recv(buffer, at)
    assert buffer == bytes(10) + every + bytes(34)
    line.close()
    assert not line.is_open()


def test_nothing_there_is_nothing_and_never_waits(ends):
    line = port(ends[1])
    line.open(0)
    assert line.recv(bytearray(8), 0) == 0
    assert line.recv(bytearray(8), 8) == 0
    line.close()
    line.close()


def test_only_the_first_n_bytes_are_sent(ends):
    line = port(ends[1])
    line.open(0)
    assert line.send(bytearray(b"abcdef"), 3) == 3
    assert os.read(ends[0], 10) == b"abc"
    line.close()


def test_a_full_line_takes_what_it_can(ends):
    line = port(ends[1])
    line.open(0)
    taken = [line.send(bytearray(65536), 65536)]
    while taken[-1] and len(taken) < 1000:  # the kernel moves a little on meanwhile
        taken.append(line.send(bytearray(65536), 65536))
    assert 0 < taken[0] < 65536
    assert taken[-1] == 0
    line.close()


def test_a_line_is_for_one_alone(ends):
    first, second = port(ends[1]), port(ends[1])
    first.open(0)
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on who looks: root or not
        second.open(0)
    assert not second.is_open()
    first.close()
    second.open(0)
    second.close()


@pytest.mark.parametrize(("changes", "flags"), [
    ({}, termios.CS8), ({"parity": "E"}, termios.CS8 | termios.PARENB),
    ({"parity": "O"}, termios.CS8 | termios.PARENB | termios.PARODD),
    ({"stop": 2}, termios.CS8 | termios.CSTOPB), ({"baud": 115200}, termios.CS8),
])
def test_speed_and_parity_are_asked_of_the_kernel(changes, flags, ends,
                                                  monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(termios, "tcsetattr", lambda fd, when, values: asked.append(values))
    line = port(ends[1], **changes)
    line.open(0)
    line.close()
    ((iflag, oflag, cflag, lflag, ispeed, ospeed, characters),) = asked
    speed = getattr(termios, f"B{changes.get('baud', 9600)}")
    assert (iflag, oflag, lflag, ispeed, ospeed) == (0, 0, 0, speed, speed)
    assert cflag == flags | termios.CREAD | termios.CLOCAL
    assert (characters[termios.VMIN], characters[termios.VTIME]) == (1, 0)


@pytest.mark.parametrize("changes", [{"path": "/dev/no-such-line"}, {"path": "/dev/null"},
                                     {"baud": 12345}, {"rs485": 1}])
def test_a_line_that_cannot_be_so_is_an_os_error(changes, ends):
    line = port(**{"path": ends[1], **changes})
    with pytest.raises(OSError):  # noqa: PT011 - each of these has another number
        line.open(0)
    assert not line.is_open()


def test_a_line_that_is_pulled_out_is_an_os_error():
    ours, theirs = os.openpty()
    line = port(os.ttyname(theirs))
    line.open(0)
    os.close(theirs)
    os.close(ours)
    with pytest.raises(OSError):  # noqa: PT011 - hung up or input/output error
        line.recv(bytearray(8), 0)
    line.close()
