"""Simulated devices on a wire against clients that are not ours: pymodbus' and pysunspec2's."""

import random
import socket
import threading
import time
from contextlib import closing
from fractions import Fraction

import pytest
from pymodbus.exceptions import ModbusIOException
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from boards import profile_modbus, profiles
from boards.profile_schema import TYPES, registers
from boards.registers import to_words
from hil.simulators import serve_rtu, serve_tcp
from tests.devices.simulated import client_of, every_profile, judge, read, simulate


def some_values(profile, seed):
    """A value for every point, in its own unit, that its registers can show exactly."""
    chance = random.Random(seed)
    powers = {point.power for point in profile.points.values()}
    values = {name: chance.randint(-3, 3) for name in powers - {""}}
    for name, point in profile.points.items():
        if name not in powers:
            _, low, high = TYPES[point.kind]
            raw = chance.choice([raw for raw in (low, high, chance.randint(low, high))
                                 if raw not in point.na])
            values[name] = raw * point.scale * Fraction(10) ** values.get(point.power, 0)
    return values


# Conformance: every profile's simulator, read point by point and block by block.


def assert_reads_right(client, profile, values):
    """Hold every point against the values, once alone and once out of its block."""
    image = profile_modbus.compile_all_points(profile)
    blocks = [read(client, fc, start, count) for fc, start, count, _ in image["blocks"]]
    for name, block, offset, kind, num, den, _, power in image["points"]:
        point = profile.points[name]
        words = read(client, point.fc, point.addr, registers(kind))
        assert words == blocks[block][offset:offset + registers(kind)], name
        if kind == "bit":
            shown = Fraction(num if words[0] & num else 0)
        else:
            shown = Fraction(judge(kind, words)) * Fraction(num, den)
        if power >= 0:
            shown *= Fraction(10) ** judge("i16", [blocks[block][power]])
        assert shown == values[name], name


@every_profile
def test_another_client_reads_every_point_right_over_tcp(profile_id):
    profile = profiles.load(profile_id)
    values = {}
    device, _ = simulate(profile_id, values)
    with serve_tcp([device]) as port, client_of(port) as client:
        for seed in range(5):
            values.update(some_values(profile, seed))
            assert_reads_right(client, profile, values)


def test_another_client_reads_every_point_right_over_a_serial_line():
    profile = profiles.load("eastron_sdm630")
    values = some_values(profile, 1)
    device, _ = simulate("eastron_sdm630", values)
    with serve_rtu([device]) as path, client_of(path) as client:
        assert_reads_right(client, profile, values)


@every_profile
def test_every_write_comes_back_in_engineering_values(profile_id):
    profile = profiles.load(profile_id)
    device, heard = simulate(profile_id)
    control, expected = profile.control, []
    limits = control and control.shape == "current" and (control.write, control.failsafe)
    with serve_tcp([device]) as port, client_of(port) as client:
        for point in profile.writes.values():
            _, low, high = TYPES[point.kind]
            for raw in {low, 1, high}:
                words = to_words(point.kind, raw)
                if point.fc == 6:
                    single, several = client.write_register, client.write_registers
                    assert several(point.addr, words, device_id=1).exception_code == 2
                    reply = single(point.addr, words[0], device_id=1)
                else:
                    reply = client.write_registers(point.addr, words, device_id=1)
                assert not reply.isError()
                assert read(client, 3, point.addr, len(words)) == words
                scale = profile.setpoint_scale(point.name) if limits and point.name in limits \
                    else point.scale
                expected.append((point.name, round(raw * scale)))
    if profile.control and profile.control.is_power:  # what the registers say together
        told = profile.control.setpoint
        heard, expected = ([one for one in each if one[0] != told] for each in (heard, expected))
    assert heard == expected


@every_profile
def test_gaps_read_zero_and_what_lies_beyond_is_refused(profile_id):
    profile = profiles.load(profile_id)
    device, _ = simulate(profile_id)
    known = {(point.fc, at) for point in profile.points.values()
             for at in range(point.addr, point.end())}
    known |= {register[:2] for register in (*profile.identity, *profile.constants)}
    areas = {(fc, at) for fc, start, count in profile.areas for at in range(start, start + count)}
    areas |= {(3, at) for point in profile.writes.values() for at in range(point.addr, point.end())}
    for fc, start, count, _ in profile_modbus.compile_all_points(profile)["blocks"]:
        words = device.read(fc, start, count)
        assert not any(word for at, word in enumerate(words, start) if (fc, at) not in known)
        for outside in {(fc, start - 1), (fc, start + count), (7 - fc, start)} - areas:
            assert device.read(*outside, 1) is None


def test_what_a_device_has_not_is_refused_with_an_exception():
    device, heard = simulate("soltaro_bms")
    with serve_tcp([device]) as port, client_of(port) as client:
        assert read(client, 3, 0x2161, 2) == -2, "half of it is there"
        assert read(client, 4, 0x2103, 1) == -2, "no input registers"
        assert client.write_register(0x2103, 1, device_id=1).exception_code == 2, "only read"
        assert client.write_register(0xFFF0, 1, device_id=1).exception_code == 2
    assert heard == []


# SunSpec.


@pytest.mark.parametrize(("pv_w", "shown_w"), [
    (0, 0), (-150, -150), (32_767, 32_767), (87_654, 87_650), (1_234_567, 1_234_600),
    (-32_768, -32_770)])  # the last one looks like "not available" in whole watts
def test_a_sunspec_client_finds_the_models_and_reads_right(pv_w, shown_w):
    device, _ = simulate("sunspec_pv", {"pv_w": pv_w, "pv_wh": 4_200_000_123, "st": 4}, unit=9)
    with serve_tcp([device]) as port:
        scan = SunSpecModbusClientDeviceTCP(slave_id=9, ipaddr="127.0.0.1", ipport=port)
        with closing(scan):
            scan.scan()
            assert sorted(key for key in scan.models if isinstance(key, int)) == [1, 103]
            inverter = scan.models[103][0]
            assert inverter.W.cvalue == shown_w
            assert inverter.WH.cvalue == 4_200_000_123
            assert inverter.St.cvalue == 4
            assert inverter.A.cvalue is None, "nobody said what the current is"
            assert 228 < inverter.PhVphA.cvalue < 232
            assert 49.8 < inverter.Hz.cvalue < 50.2


# Faults, units and the thread.


def exception(reply):
    """A TCP reply turned into "device failure"."""
    return reply[:4] + b"\0\3" + bytes([reply[6], reply[7] | 0x80, 4])


def test_faults_are_injected_into_one_device_and_taken_away():
    ill, _ = simulate("soltaro_bms", {"soc_pm": 640}, unit=1)
    well, _ = simulate("soltaro_bms", {"soc_pm": 320}, unit=2)
    with serve_tcp([ill, well]) as port, client_of(port) as client:
        ill.fault = exception
        assert read(client, 3, 0x2103, 1) == -4
        ill.fault = lambda reply: reply[:-1] + bytes([reply[-1] ^ 0xFF])  # no checksum over TCP
        assert read(client, 3, 0x2103, 1) == [64 ^ 0xFF]
        assert read(client, 3, 0x2103, 1, unit=2) == [32]
        ill.fault = None
        assert read(client, 3, 0x2103, 1) == [64]


def answer(port, request, patience_s):
    """Send raw bytes and return what comes back within some time."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as pipe:
        pipe.sendall(request)
        try:
            return pipe.recv(300)
        except TimeoutError:
            return b""


READ_SOC = bytes.fromhex("0007 0000 0006 01 03 2103 0001".replace(" ", ""))


@pytest.mark.parametrize(("fault", "reply"), [
    (None, "0007 0000 0005 01 03 02 0040"),
    (lambda reply: b"", ""),
    (lambda reply: reply[:6] + b"\x05" + reply[7:], "0007 0000 0005 05 03 02 0040"),
    (lambda reply: reply[:9], "0007 0000 0005 01 03 02"),
])
def test_silence_wrong_unit_and_half_a_frame_go_out_as_ordered(fault, reply):
    device, _ = simulate("soltaro_bms", {"soc_pm": 640})
    device.fault = fault
    with serve_tcp([device]) as port:
        assert answer(port, READ_SOC, 0.3 if not reply else 5) == bytes.fromhex(reply)


def test_a_unit_that_is_not_there_is_silent():
    device, _ = simulate("soltaro_bms", {"soc_pm": 640}, unit=2)
    with serve_tcp([device]) as port:
        assert answer(port, READ_SOC, 0.3) == b""
    with serve_rtu([device]) as path, client_of(path) as client:
        client.comm_params.timeout_connect = 0.3
        with pytest.raises(ModbusIOException):
            client.read_holding_registers(0x2103, count=1, device_id=1)
        assert read(client, 3, 0x2103, 1, unit=2) == [64]


@pytest.mark.parametrize("unit", [-1, 256])
def test_units_that_are_no_address_are_refused(unit):
    with pytest.raises(ValueError, match=r"expected 0 \.\. 255"):
        simulate("soltaro_bms", unit=unit)


@pytest.mark.parametrize("serve", [serve_tcp, serve_rtu])
def test_a_server_leaves_nothing_behind(serve):
    before = threading.active_count()
    device, _ = simulate("soltaro_bms")
    with serve([device]) as place, client_of(place) as client:
        assert read(client, 3, 0x2103, 1) == [0]
    assert threading.active_count() == before
    if isinstance(place, int):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", place), timeout=1)


def test_two_buses_run_side_by_side():
    one, _ = simulate("soltaro_bms", {"soc_pm": 100})
    two, _ = simulate("soltaro_bms", {"soc_pm": 200})
    with serve_tcp([one]) as first, serve_tcp([two]) as second, serve_rtu([one]) as third:
        for place, soc in ((first, 10), (second, 20), (third, 10)):
            with client_of(place) as client:
                assert read(client, 3, 0x2103, 1) == [soc]


# The wire.


def test_a_slow_line_cannot_be_faster_than_its_bits():
    device, _ = simulate("soltaro_bms", {"soc_pm": 640})
    with serve_rtu([device], line_rate=1200, turnaround_s=0.2) as path, client_of(path) as client:
        start_s = time.monotonic()
        for _ in range(2):
            assert read(client, 3, 0x2103, 1) == [64]
        taken_s = time.monotonic() - start_s
    assert taken_s >= 2 * ((8 + 7) * 11 / 1200 + 0.2)  # a lower bound holds on any machine
