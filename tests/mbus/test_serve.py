"""From the meter to the gateway: M-Bus on a terminal, `parkedge serve mbus`, Modbus TCP, and a
whole gateway on CPython and on MicroPython. What a scan prints is a file."""

import socket

import pytest
from click.testing import CliRunner

from boards import mbus_scan, serve_mbus
from boards.cli import parkedge
from boards.mbus_file import load
from hil.mbus_meter import Bus, Meter, on_terminal
from tests.devices.simulated import client_of, read
from tests.mbus.served import LINE, METERS, gateway, serving
from tests.mbus.telegrams import KNOWN, sealed
from tests.shown.served import wait

WATER, HEAT = KNOWN["elster_water"].frame, KNOWN["kamstrup_601"].frame
NOT_THERE, NO_UNIT, NO_WRITE = 0x0B, 0x0A, 2


@pytest.mark.parametrize("kind", ["cpython", "micropython"])
def test_a_gateway_knows_what_the_meters_show(kind, tmp_path):
    meters = [Meter([HEAT]), Meter([WATER])]
    with on_terminal(Bus(meters)) as path, serving(tmp_path, path) as (port, log), \
            gateway(kind, tmp_path, port) as now:
        wait(lambda: (now().get("heat_wh"), now().get("water_l")) == (37_351_000, 1_234_567),
             "the readings do not come")
        meters[1].telegrams = [sealed(WATER, at_21=0x77)]  # 10 l later
        wait(lambda: now().get("water_l") == 1_234_577, "the next reading does not come")
    assert log.read_text().splitlines()[1:4] == ["heat: answers", "water: answers",
                                                 "nobody: silent"]


def test_registers_are_those_of_the_profile_and_of_nobody_else(tmp_path):
    with on_terminal(Bus([Meter([HEAT])])) as path, serving(tmp_path, path) as (port, log), \
            client_of(port) as client:
        wait(lambda: "nobody" in log.read_text(), "it does not read")
        words = read(client, 3, 0, 23, unit=1)
        values = [words[at:at + 4] for at in range(0, 20, 4)]
        assert values[0] == [0, 0, 569, 61016], "37,351 kWh"
        assert values[3] == [0, 0, 8, 36792], "561.08 m3"
        assert values[1] == values[2] == values[4] == [0x8000, 0, 0, 0], "not available"
        assert words[22] == 0
        assert read(client, 3, 0, 4, unit=2) == -NOT_THERE, "silent"
        assert read(client, 3, 0, 4, unit=3) == -NOT_THERE
        assert read(client, 3, 0, 4, unit=4) == -NO_UNIT
        reply = client.write_register(0, 1, device_id=1)
        assert reply.isError()
        assert reply.exception_code == NO_WRITE


def test_a_scan_is_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(mbus_scan, "ADDRESSES", (0, 1, 17, 18))
    hidden = sealed(WATER, at_5=18, at_10=0x10)
    with on_terminal(Bus([Meter([HEAT]), Meter([WATER]), Meter([hidden]),
                          Meter([sealed(hidden, at_10=0x20)])])) as path:
        file = tmp_path / "meters.toml"
        file.write_text(LINE.format(path=path).replace("[line]", "[line]\ngrace_ms = 50"))
        done = CliRunner().invoke(parkedge, ["serve", "mbus", str(file), "--scan"])
        assert done.exit_code == 0, done.output
        file.write_text(file.read_text() + done.stdout)
    found = {one.name: one for one in load(file).meters}
    assert {name: (one.address, one.medium) for name, one in found.items()} == {
        "els-70112345": (1, "water"), "kam-06855817": (17, "heat"),
        "els-10112345": (None, "water"), "els-20112345": (None, "water")}
    assert str(found["kam-06855817"].identity) == "06855817 KAM 08 04"
    assert '# name = "els-00112345"' in done.stdout, "of two that look like one"
    assert "# 04 06          37351000 Wh -> heat_wh" in done.stdout
    assert "# 84 10 06       0 Wh, tariff 1" in done.stdout


def test_what_cannot_be_served_is_one_line(tmp_path):
    file = tmp_path / "meters.toml"
    file.write_text('[line]\npath = "/dev/no-such-line"\n')
    for more, line in (([], "meter: found nothing, expected tables [[meter]]"),
                       (["--scan"], "No such file or directory: '/dev/no-such-line'")):
        done = CliRunner().invoke(parkedge, ["serve", "mbus", str(file), *more])
        assert done.exit_code == 1
        assert done.stderr.splitlines()[-1].startswith("meters.toml: ")
        assert line in done.stderr.splitlines()[-1]


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "meters.toml"
        file.write_text(METERS.replace("port = 0", f"port = {taken.getsockname()[1]}")
                        + LINE.format(path="/dev/no-such-line"))
        said = serve_mbus.main(file)
    assert len(said) == 1
    assert "nobody can listen there" in said[0]
