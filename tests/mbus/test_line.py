"""Meters on a real line: a pseudo-terminal and a socket, with what goes wrong on them."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import closing

import pytest

from boards.mbus_line import Line
from boards.mbus_master import fetch
from boards.mbus_records import TelegramError
from boards.serial_port import SerialPort
from edge.port import TcpPort
from hil.mbus_meter import Bus, Meter, on_socket, on_terminal
from tests.conftest import ROOT
from tests.mbus.telegrams import KNOWN, SVM_F22_SECOND

WATER, HEAT = KNOWN["elster_water"].frame, KNOWN["kamstrup_601"].frame
TWO = [KNOWN["svm_f22"].frame, SVM_F22_SECOND]
BAUD, GRACE_MS = 38_400, 200
LATE_S = 0.4  # behind the latest start of an answer
BETWEEN_S = 0.02  # within the pause that a frame may have


def terminal(path):
    # A pseudo-terminal has no parity bit.
    return SerialPort({"path": path, "baud": BAUD, "parity": "N", "stop": 1, "rs485": 0})


@pytest.fixture(params=["terminal", "socket"])
def play(request):
    """Run a coroutine over the line of a bus; `talk(line)` is what it makes."""

    def run(bus, talk, echo=False):
        serve = on_terminal if request.param == "terminal" else on_socket
        with serve(bus) as place:
            port = terminal(place) if request.param == "terminal" else TcpPort("127.0.0.1", place)
            with closing(Line(port, BAUD, GRACE_MS, echo)) as line:
                return asyncio.run(talk(line))

    return run


def test_meters_are_read_one_after_the_other(play):
    async def talk(line):
        return [await fetch(line, 1, None), await fetch(line, 17, None)]

    water, heat = play(Bus([Meter([WATER]), Meter([HEAT])]), talk)
    assert [str(one[0].identity) for one in (water, heat)] == [
        KNOWN["elster_water"].identity, KNOWN["kamstrup_601"].identity]


def test_a_converter_that_hears_itself_is_told_apart(play):
    bus = Bus([Meter(TWO)], echo=True)
    assert len(play(bus, lambda line: fetch(line, 1, None), echo=True)) == 2


class Once:
    """A fault of the first reply that is longer than an acknowledgement."""

    def __init__(self, how):
        self.how = how
        self.came = False

    def __call__(self, reply):
        if len(reply) == 1 or self.came:
            return reply
        self.came = True
        return self.how(reply)


@pytest.mark.parametrize("how", [lambda reply: b"", lambda reply: reply[:40],
                                 lambda reply: b"\x68" + reply, lambda reply: reply + b"\xe5",
                                 lambda reply: bytes(600)])
def test_a_reply_that_went_wrong_is_not_taken_for_the_next(play, how):
    """None, half, noise before it and behind it, and more than any frame is."""
    async def talk(line):
        return [await fetch(line, 1, None), await fetch(line, 17, None)]

    heat, meter = Meter([HEAT]), Meter(TWO, Once(how))
    told, after = play(Bus([meter, heat]), talk)
    assert [len(one.records) for one in told] == [13, 0]
    assert after[0].data == HEAT[19:-2]
    assert heat.requests == 1


def test_a_late_reply_is_not_taken_for_that_of_another(play):
    def late(reply):
        time.sleep(LATE_S)
        return reply

    async def talk(line):
        try:
            first = await fetch(line, 1, None)
        except TelegramError:  # what was asked again came all at a time
            first = None
        return first, await fetch(line, 17, None)

    first, heat = play(Bus([Meter([WATER], Once(late)), Meter([HEAT])]), talk)
    assert first is None or first[0].data == WATER[19:-2]
    assert heat[0].data == HEAT[19:-2]


def test_a_dead_meter_costs_three_requests_and_no_neighbour_anything(play):
    async def talk(line):
        with pytest.raises(TelegramError, match="silent"):
            await fetch(line, 5, None)
        return await fetch(line, 17, None)

    bus = Bus([Meter([HEAT])])
    assert play(bus, talk)[0].data == HEAT[19:-2]
    assert [frame[1:3] for frame in bus.heard] == [b"\x40\x05", *3 * [b"\x7b\x05"], b"\x40\x11",
                                                   b"\x7b\x11"]


def test_a_frame_in_parts_is_put_together():
    """A converter hands over what has come, whenever it likes."""
    ours, theirs = os.openpty()
    with closing(Line(terminal(os.ttyname(theirs)), BAUD, GRACE_MS)) as line:
        async def talk():
            asked = asyncio.create_task(line.exchange(b"\x10\x7b\x01\x7c\x16"))
            while not os.get_inheritable(ours) and not asked.done():
                heard = await asyncio.to_thread(os.read, ours, 64)
                assert heard == b"\x10\x7b\x01\x7c\x16"
                for part in (WATER[:1], WATER[1:30], WATER[30:]):
                    os.write(ours, part)
                    await asyncio.sleep(BETWEEN_S)
                return await asked

        assert asyncio.run(talk()) == WATER
    os.close(ours)
    os.close(theirs)


class Babbling:
    """A port at which it never ends."""

    def __init__(self):
        self.opened = self.closed = 0

    def open(self, now_ms):
        self.opened += 1

    def is_open(self):
        return True

    def send(self, buf, n):
        return n

    def recv(self, buf, at):
        buf[:] = bytes(len(buf))
        return len(buf)

    def close(self):
        self.closed += 1


def test_a_line_that_never_ends_is_given_up_and_opened_anew(monkeypatch):
    monkeypatch.setattr("boards.mbus_line._BABBLE_S", 0.01)
    port = Babbling()
    line = Line(port, BAUD, GRACE_MS)
    for _ in range(2):
        with pytest.raises(OSError, match="never quiet"):
            asyncio.run(line.exchange(b"\x10"))
    assert (port.opened, port.closed) == (2, 2)


def test_the_library_leaves_the_process_its_logger():
    code = ("import logging, boards.mbus_library as one; root = logging.getLogger();"
            "print(root.handlers, root.level == logging.WARNING, bool(one.meterbus))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert done.stdout == "[] True True\n"


def test_a_line_that_is_not_there_or_goes_is_said():
    with pytest.raises(FileNotFoundError):
        asyncio.run(Line(terminal("/dev/nowhere"), BAUD, GRACE_MS).exchange(b"\x10"))
    with on_socket(Bus([])) as port:
        line = Line(TcpPort("127.0.0.1", port), BAUD, GRACE_MS)
        assert asyncio.run(line.exchange(b"\x10")) == b""
    with pytest.raises(OSError, match=r"."):
        asyncio.run(line.exchange(b"\x10"))
