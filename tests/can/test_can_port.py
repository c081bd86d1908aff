"""The port of a Linux CAN interface. CI has no CAN, so frames go through a socket of another family
whose ends keep them whole; their layout is judged by python-can, the options by linux/can.h."""

import errno
import socket
import struct

import can
import pytest
from can.interfaces.socketcan.socketcan import build_can_frame, dissect_can_frame
from hypothesis import given
from hypothesis import strategies as st

from boards import can_port
from edge.devices.canbus import bus
from edge.wire.can import FRAME, identifier, length, number, put
from tests.can.bench import BUS, PUBLISHED, Battery, driver_of


def message(ident, data, **kinds):
    return build_can_frame(can.Message(arbitration_id=ident, data=data,
                                       is_extended_id=kinds.pop("extended", False), **kinds))


@given(st.integers(0, 0x7FF), st.binary(max_size=8))
def test_python_can_writes_and_reads_the_same_frames(ident, data):
    frame = bytearray(message(ident, data))
    assert len(frame) == FRAME
    assert (identifier(frame), length(frame)) == (ident, len(data))
    for at in range(len(data) - 1):
        assert number(frame, at, "u8") == data[at]
        assert (number(frame, at, "u16"),) == struct.unpack_from("<H", data, at)
        assert (number(frame, at, "i16"),) == struct.unpack_from("<h", data, at)
    ours = bytearray(FRAME)
    put(ours, ident, data)
    assert dissect_can_frame(bytes(ours)) == (ident, len(data), 0, data)


@given(st.integers(0, 0x7FF), st.sampled_from(["extended", "is_remote_frame", "is_error_frame"]))
def test_python_can_frames_of_another_kind_are_none_of_ours(ident, kind):
    data = None if kind == "is_remote_frame" else bytes(8)
    assert identifier(bytearray(message(ident, data, **{kind: True}))) == -1


class Fake:
    """A raw CAN socket as far as the kernel of a CI machine has one."""

    def __init__(self, missing=False):
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.asked = []
        self.missing = missing

    def socket(self, *kind):
        self.asked.append(kind)
        return self

    def setsockopt(self, *option):
        self.asked.append(option)

    def bind(self, address):
        self.asked.append(address)
        if self.missing:
            raise OSError(errno.ENODEV, "No such device")

    def __getattr__(self, name):
        return getattr(self.ours, name)


@pytest.fixture
def fake(monkeypatch):
    made = Fake()
    monkeypatch.setattr(can_port.socket, "socket", made.socket)
    yield made
    made.ours.close()
    made.theirs.close()


def test_a_bus_hears_and_tells_through_the_port(fake):
    battery = Battery()
    one = bus(BUS, can_port.CanPort(BUS))
    one.add(driver_of(battery))
    one.step(100)
    ids = (0x351, 0x355, 0x356, 0x359, 0x35C)
    assert fake.asked == [
        (29, 3, 1),  # PF_CAN, SOCK_RAW, CAN_RAW
        (101, 1, b"".join(struct.pack("=II", ident, 0xC00007FF) for ident in ids)),
        ("can0",)]
    for ident, data in PUBLISHED:
        fake.theirs.send(message(ident, bytes.fromhex(data)))
    battery.setpoint_ms = 150
    one.step(150)
    assert battery.values == {"soc_pm": 260, "charge_max_w": 18285, "discharge_max_w": 18285}
    assert dissect_can_frame(fake.theirs.recv(64)) == (0x305, 8, 0, bytes(8))
    assert one.foreign() == 1


def test_a_controller_that_nobody_hears_takes_no_more(fake, monkeypatch):
    port = can_port.CanPort(BUS)
    with pytest.raises(OSError, match="not open"):
        port.send(bytearray(FRAME), FRAME)
    port.open(0, [0x351])

    def full(data):
        raise OSError(errno.ENOBUFS, "No buffer space available")

    monkeypatch.setattr(fake, "send", full, raising=False)
    assert port.send(bytearray(FRAME), FRAME) == 0
    assert port.recv(bytearray(FRAME), 0) == 0


def test_an_interface_that_is_not_there_is_tried_again(fake):
    fake.missing = True
    one = bus(BUS, can_port.CanPort(BUS))
    one.step(0)
    one.step(500)
    assert one.breaks == 1
    one.step(1000)
    assert one.breaks == 2
