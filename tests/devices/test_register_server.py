"""Registers served for devices that speak something else, read and written by pymodbus' client."""

import asyncio
import socket
from contextlib import closing
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient

from boards import profiles
from boards.profile_schema import Profile, registers
from boards.register_server import Served, ServeError, serve
from boards.registers import to_raw, to_words

METER = profiles.load("eastron_sdm630")  # floats, input registers
CONVERTER = profiles.load("huawei_sun2000")  # writes of several kinds
SILENT, ILLEGAL, REFUSED, NOBODY = 11, 2, 4, 10


def deaf(name: str, value: Fraction) -> bool:
    raise AssertionError(f"{name} was written")


def played(units, talk):
    """What `talk(client)` finds on a server of `units`."""

    async def play():
        async with serve(units, "127.0.0.1", 0) as port:
            client = AsyncModbusTcpClient("127.0.0.1", port=port)
            assert await client.connect()
            try:
                return await talk(client)
            finally:
                client.close()

    return asyncio.run(play())


def read(client, profile: Profile, name: str, unit: int = 7):
    point = profile.points[name]
    ask = client.read_input_registers if point.fc == 4 else client.read_holding_registers
    return ask(point.addr, count=registers(point.kind), device_id=unit)


@given(st.integers(-1_000_000, 1_000_000))
def test_a_value_comes_out_as_its_registers(raw):
    name = METER.signals["grid_w"].removeprefix("-")
    point = METER.points[name]
    values = {name: raw * point.scale}
    reply = played([Served(METER, 7, lambda: values, deaf)], lambda c: read(c, METER, name))
    assert to_raw(point.kind, reply.registers) == raw


@pytest.mark.parametrize("value", [None, 1 << 80])
def test_what_is_unknown_or_does_not_fit_is_not_available(value):
    name, point = next((name, point) for name, point in CONVERTER.points.items() if point.na)
    values = {} if value is None else {name: value}
    reply = played([Served(CONVERTER, 7, lambda: values, deaf)], lambda c: read(c, CONVERTER, name))
    assert reply.registers == to_words(point.kind, point.na[0])


def test_a_device_that_cannot_be_reached_is_told_apart_from_one_that_is_not_here():
    async def talk(client):
        name = next(iter(METER.points))
        return [(await read(client, METER, name, unit)).exception_code for unit in (7, 8)]

    assert played([Served(METER, 7, lambda: None, deaf)], talk) == [SILENT, NOBODY]


@pytest.mark.parametrize(("taken", "code"), [(True, 0), (False, REFUSED)])
def test_a_write_is_heard_in_the_unit_of_its_point(taken, code):
    name, point = next((name, point) for name, point in CONVERTER.writes.items()
                       if point.fc == 16 and registers(point.kind) == 2)
    heard = []

    def on_write(what, value):
        heard.append((what, value))
        return taken

    async def talk(client):
        words = to_words(point.kind, 1234)
        return await client.write_registers(point.addr, words, device_id=7)

    reply = played([Served(CONVERTER, 7, dict, on_write)], talk)
    assert heard == [(name, 1234 * point.scale)]
    assert getattr(reply, "exception_code", 0) == code


def test_half_a_value_and_what_no_point_has_are_not_written():
    point = next(point for point in CONVERTER.writes.values() if registers(point.kind) == 2)

    async def talk(client):
        half = await client.write_registers(point.addr, [1], device_id=7)
        wrong_code = await client.write_register(point.addr, 1, device_id=7)
        return half.exception_code, wrong_code.exception_code

    assert played([Served(CONVERTER, 7, dict, deaf)], talk) == (ILLEGAL, ILLEGAL)


def test_who_cannot_listen_says_so_in_one_line():
    unit = Served(METER, 7, dict, deaf)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        async def play():
            async with serve([unit], "127.0.0.1", port):
                raise AssertionError("two listen at one port")

        with pytest.raises(ServeError, match=f"port {port}: nobody can listen there"):
            asyncio.run(play())


@pytest.mark.parametrize("units", [(0,), (248,), (3, 3)])
def test_units_are_one_to_247_and_no_two_alike(units):
    with pytest.raises(ServeError, match=r"expected 1 \.\. 247, once"):
        played([Served(METER, unit, dict, deaf) for unit in units], None)
