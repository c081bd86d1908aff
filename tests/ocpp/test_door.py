"""Who gets in, and that nobody who means ill disturbs those that charge."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager, closing, suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.headers import build_authorization_basic

from boards import ocpp_connector, ocpp_door
from tests.ocpp.bench import (
    NAME,
    PASSWORD,
    UNREACHABLE,
    bench,
    box,
    point,
    system,
    until,
    wiring,
)
from tests.ocpp.talk import BOOT, CHARGING, now

OTHER = "CP02"
TWO = system(point(NAME, wiring(1, 1)), point(OTHER, wiring(1, 2)))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A lower limit is told at once."""
    monkeypatch.setattr(ocpp_connector, "_LOWER_S", 0)


def headers(name=NAME, password=PASSWORD):
    return {"Authorization": build_authorization_basic(name, password)}


def opened(here, name=NAME, **keys):
    keys = {"subprotocols": ["ocpp1.6"], "additional_headers": headers(name), "max_queue": None,
            "close_timeout": 2} | keys
    return connect(f"{here.url}/{name}", **keys)


def played(play, file=TWO, **keys):
    async def run():
        async with bench(file, **keys) as here:
            return await play(here)

    return asyncio.run(run())


@asynccontextmanager
async def charging(here):
    """A charge point that charges under the gateway while the block lives, and still does at its
    end."""
    car = box(OTHER)
    async with car.connected(here.url):
        car.plug(1, 32)
        async with here.gateway.holding(10, unit=2):
            await until(lambda: car.outlets[1].amps == 10)
            yield
        async with here.gateway.holding(8, unit=2):
            await until(lambda: car.outlets[1].amps == 8)


@pytest.mark.parametrize(("name", "keys", "status"), [
    ("CP03", {}, 404), ("", {}, 404), ("CP01/x", {}, 404),
    (NAME, {"additional_headers": {}}, 401),
    (NAME, {"additional_headers": headers(NAME, PASSWORD + "x")}, 401),
    (NAME, {"additional_headers": headers(OTHER)}, 401),
    (NAME, {"additional_headers": headers(NAME, "")}, 401),
    (NAME, {"additional_headers": {"Authorization": "Bearer x"}}, 401),
    (NAME, {"additional_headers": {"Authorization": "Basic ////"}}, 401),
    (NAME, {"additional_headers": [*headers().items(), *headers().items()]}, 401),
    (NAME, {"subprotocols": ["ocpp2.0.1"]}, 400), (NAME, {"subprotocols": None}, 400)])
def test_nobody_gets_in_without_name_password_and_protocol(name, keys, status, capsys):
    async def play(here):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(here, name, **keys):
                pass
        assert refused.value.response.status_code == status
        assert await here.gateway.read() == UNREACHABLE

    played(play)
    assert PASSWORD not in capsys.readouterr().err


def test_the_newer_of_two_sockets_is_the_charge_point():
    async def play(here):
        async with opened(here) as older, opened(here) as newer:
            await newer.send(json.dumps([2, "1", *CHARGING]))
            await asyncio.wait_for(older.wait_closed(), 10)
            assert (older.close_code, older.close_reason) == (
                1008, "another connection of its name has come")
            seen = await until(lambda: charges(here.gateway))
            assert seen["plugged"] == 1
        assert await until(lambda: unreachable(here.gateway))

    played(play)


async def charges(gateway):
    seen = await gateway.read()
    return seen != UNREACHABLE and seen["plugged"] and seen


async def unreachable(gateway):
    return await gateway.read() == UNREACHABLE


NO_OCPP = ["", "x", "{}", "[]", "[2]", "[9,1]", '[2,"1"]', '[2,[],"Heartbeat",{}]',
           '[2,"1",{},{}]', '[3,{},{}]', "[" * 30_000, '{"a":' * 9_000, "[2," + "9" * 9_000 + "]",
           '[2,"1","Heartbeat",NaN', b'[2,"1","Heartbeat",{}]', b"\xff\xfe"]


def test_what_is_not_ocpp_ends_its_own_connection_alone():
    names = [f"BAD{number}" for number in range(len(NO_OCPP))]

    async def mean(here, name, said):
        async with opened(here, name) as bad:
            with suppress(ConnectionClosed):
                for _ in range(10):
                    await bad.send(said)
            await asyncio.wait_for(bad.wait_closed(), 20)
            return bad.close_code

    async def play(here):
        async with charging(here):
            return await asyncio.gather(*(mean(here, name, said)
                                          for name, said in zip(names, NO_OCPP, strict=True)))

    points = [point(name, wiring(1, unit)) for unit, name in enumerate([NAME, OTHER, *names], 1)]
    codes = played(play, system(*points))
    assert set(codes) <= {1002, 1007, 1008}


def test_who_says_too_much_or_too_large_is_cut_off(monkeypatch):
    monkeypatch.setattr(ocpp_door, "_CLOSE_S", 1)

    async def play(here):
        async with charging(here):
            async with opened(here) as bad:
                with suppress(ConnectionClosed):
                    await bad.send(" " * (ocpp_door.MAX_FRAME + 1))
                await asyncio.wait_for(bad.wait_closed(), 10)
                assert bad.close_code == 1009
            async with opened(here) as bad:
                with suppress(ConnectionClosed):
                    while True:
                        await bad.send(BOOT)
                await asyncio.wait_for(bad.wait_closed(), 10)
                assert bad.close_code in (1008, 1006), "it does not even read that"

    played(play)


def test_answers_to_nothing_are_dropped():
    """The library would keep them for ever, and stumble over a thousand of them."""

    async def play(here):
        async with charging(here), opened(here) as bad:
            for number in range(400):
                await bad.send(f'[3,"{number}",{{}}]')
            await bad.send(BOOT)
            told = [json.loads(await bad.recv()) for _ in range(2)]
            assert told[0][:2] == [3, "19223201"]
            assert told[1][2] == "GetConfiguration"

    played(play)


LIES = {
    "LESS": [{"value": "-5"}, {"value": "-5", "measurand": "Power.Active.Import"}],
    "NONE": [{"value": "NaN"}, {"value": "1e400", "measurand": "Power.Active.Import"}],
    "MORE": [{"value": "99", "unit": "kW", "measurand": "Power.Active.Import"},
             {"value": "900000000", "unit": "kWh"}],
}


def test_who_lies_is_not_believed_and_grows_old():
    async def lies(here, name, unit):
        async with opened(here, name) as liar:
            await liar.send(json.dumps([2, "1", *CHARGING]))
            await liar.send(meter([{"value": "100"},
                                   {"value": "900", "measurand": "Power.Active.Import"}]))

            async def figures():
                seen = await here.gateway.read(unit)
                return seen != UNREACHABLE and (seen["power_w"], seen["energy_wh"])

            async def believed():
                return await figures() == (900, 100)

            async def grown_old():
                await liar.send(meter(LIES[name]))
                assert await figures() in ((900, 100), (None, 100), (900, None), (None, None))
                return await figures() == (None, None)

            await until(believed)
            await until(grown_old)

    async def play(here):
        await asyncio.gather(*(lies(here, name, unit) for unit, name in enumerate(LIES, 1)))

    played(play, system(*(point(name, wiring(1, unit)) for unit, name in enumerate(LIES, 1))))


def meter(samples):
    return json.dumps([2, "2", "MeterValues", {"connectorId": 1, "meterValue": [
        {"timestamp": now(), "sampledValue": samples}]}])


def test_who_comes_again_and_again_is_told_to_wait():
    async def play(here):
        async with charging(here):
            with pytest.raises(InvalidStatus) as refused:
                await storm(here)
            assert refused.value.response.status_code == 429

    async def storm(here):
        for _ in range(20):
            async with opened(here):
                pass

    played(play)


def test_sockets_that_say_nothing_are_few(monkeypatch):
    monkeypatch.setattr(ocpp_door, "_OPEN_S", 600)
    left = 2 * len(TWO.charge_points) + ocpp_door._SPARE - 1  # one is taken by who charges

    async def play(here):
        async with charging(here):
            silent = [await asyncio.open_connection("127.0.0.1", here.port) for _ in range(60)]
            ends = [asyncio.create_task(reader.read()) for reader, _ in silent]
            await until(lambda: sum(end.done() for end in ends) == 60 - left)
            for _, writer in silent:
                writer.close()
            await asyncio.gather(*ends, return_exceptions=True)

    played(play)


def test_a_socket_that_says_nothing_ends(monkeypatch):
    monkeypatch.setattr(ocpp_door, "_OPEN_S", 1)

    async def play(here):
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(b"GET /CP01 HTTP/1.1\r\n")  # and no more
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()

    played(play)


def test_any_bytes_at_the_door():
    rnd = random.Random(7)

    async def play(here):
        async with charging(here):
            for _ in range(300):
                with closing(socket.create_connection(("127.0.0.1", here.port))) as one:
                    one.setblocking(False)
                    with suppress(OSError):
                        one.send(rnd.randbytes(rnd.randrange(2000)))
                await asyncio.sleep(0)

    played(play)


def test_inside_tls(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=central", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    trusted = ssl.create_default_context(cafile=certificate)

    async def play(here):
        car = box()
        async with car.connected(here.url.replace("ws:", "wss:"), ssl=trusted):
            await until(lambda: charges_or_not(here.gateway))
        with pytest.raises((InvalidHandshake, OSError, EOFError)):
            async with opened(here):
                pass

    played(play, system(certificate=str(certificate), key=str(key)))


async def charges_or_not(gateway):
    seen = await gateway.read()
    return seen != UNREACHABLE and seen["plugged"] == 0
