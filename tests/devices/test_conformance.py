"""What every Modbus profile on disk promises: read and commanded on its own simulated device, by
the firmware on CPython and, as bytecode, on MicroPython, with pymodbus as the judge of every frame.
"""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from boards import build, profiles
from boards.profile_control import power_range, watts
from boards.profile_schema import signal_terms
from edge.devices import lease as leases
from hil.simulators import serve_tcp
from tests.devices.simulated import MODBUS, load, showable, simulate
from tests.devices.test_end_to_end import VALUES, step_of

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

CHARGERS = [name for name in MODBUS if (control := profiles.load(name).control)
            and control.shape == "current"]
COMMANDED = [name for name in MODBUS
             if (control := profiles.load(name).control) and control.is_power]
LIMIT_W = 20_000
LIMIT_MA, SAFE_MA = 20_000, 8_000  # of a charger
RELEASED_S = 8  # lease, 0 W, its read-back and the leave sequence


class Told:
    """A gateway in a process of its own, a second of virtual time at a time."""

    def __init__(self, process, device, tick_s):
        self._process, self._device, self.tick_s = process, device, tick_s
        self.poll_s = 30 if tick_s > 1 else 1
        self.now = {}
        self.powers = []  # what the device was commanded to do at the end of each tick

    def run(self, seconds, wish="-"):
        for _ in range(0, seconds, self.tick_s):
            self._process.stdin.write(f"{self.tick_s * 1000} {wish}\n")
            self._process.stdin.flush()
            self.now = json.loads(self._process.stdout.readline())
            self._device.advance(self.now["now_ms"])
            self.powers.append(self._device.power_w)

    def die(self):
        self._process.kill()


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory):
    """The modules that drive a device, compiled as a build does it: with short names."""
    folder = tmp_path_factory.mktemp("bytecode")
    for name in build.closure(["edge.devices.bus", "edge.devices.shaped", "edge.devices.slots",
                               "edge.devices.charger"]):
        path = folder / build.source(name).relative_to(ROOT).with_suffix(".mpy")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(build.compile_module(name))
    return folder


@pytest.fixture(params=["cpython", "micropython"])
def command(request, monkeypatch):
    """What starts a script on either interpreter."""
    if request.param == "cpython":
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        return [sys.executable]
    monkeypatch.setenv("MICROPYPATH", f"{request.getfixturevalue('bytecode')}:.frozen")
    return [*request.getfixturevalue("micropython").command, "-X", "heapsize=128k"]


@contextmanager
def told(command, profile_id, values, tmp_path):
    """A gateway, its device, and what was written there."""
    profile = load(profile_id)
    device, heard = simulate(profile_id, values)
    limits = {"min_w": -LIMIT_W, "max_w": LIMIT_W} if profile_id in COMMANDED else {}
    if profile_id in CHARGERS:
        profile = replace(profile, control=replace(profile.control, failsafe_ma=SAFE_MA))
        limits = {"min_w": 0, "max_w": LIMIT_MA}
    slow = bool(limits) and profile.control.shape == "slots"  # a matter of hours, not of seconds
    tick_s = 60 if slow else 1
    image = tmp_path / "image.json"
    image.write_text(json.dumps(profiles.compile_device(
        profile, "one", 0, 1, poll_ms=30_000 if slow else 1000, **limits)))
    with serve_tcp([device]) as port:
        line = [*command, HERE / "told_gateway.py", str(port), image, "2000" if slow else "1"]
        with subprocess.Popen(line, cwd=tmp_path, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            yield Told(process, device, tick_s), device, heard
            process.kill()


@pytest.mark.parametrize("profile_id", MODBUS)
def test_every_signal_arrives_and_nothing_that_is_not_available(command, profile_id, tmp_path):
    profile = load(profile_id)
    values = showable(profile, VALUES[0])
    with told(command, profile_id, values, tmp_path) as (gateway, device, _):
        round_s = max(profile.every, 10) * gateway.poll_s + 2 * gateway.tick_s
        for newer in VALUES:
            values.update(showable(profile, newer))
            gateway.run(round_s)
            for signal in profile.signals:
                error = gateway.now["shown"][signal][0] - values[signal]
                assert abs(error) <= step_of(device, signal, values[signal]) / 2, signal
        before = gateway.now["shown"]
        values.clear()  # nobody knows anything
        gateway.run(round_s)
        for signal, text in profile.signals.items():
            if all(profile.points[name].na for name, _ in signal_terms(text)):
                assert gateway.now["shown"][signal] == before[signal], signal
        assert gateway.now["faults"] == 0


def wishes(profile):
    """A charge and a discharge that the device can be asked for, and what comes of them."""
    low_w, high_w = power_range(profile)
    step_w = abs(watts(profile))
    for wish_w in (-12_345, 7_654) if profile.control.slot else (-12_345, 7_654, -18_765, 0, 345):
        w = min(max(wish_w, low_w), high_w)
        yield wish_w, int(int(w / step_w) * step_w)


@pytest.mark.parametrize("profile_id", COMMANDED)
def test_a_setpoint_arrives_and_ends_with_its_lease(command, profile_id, tmp_path):
    profile = load(profile_id)
    control = profile.control
    values = {"charge_max_w": LIMIT_W, "discharge_max_w": LIMIT_W}
    with told(command, profile_id, values, tmp_path) as (gateway, device, heard):
        slow = gateway.tick_s > 1
        gateway.run(5 * gateway.tick_s)
        if slow:
            gateway.run(2 * 3600, 0)  # earn what is to be written
        steady_s = 3600 if slow else 2 * control.refresh_s
        for wish_w, power_w in wishes(profile):
            gateway.run(5 * gateway.tick_s, wish_w)
            assert (device.power_w, gateway.now["held_w"]) == (power_w, power_w)
            before = device.stored
            gateway.run(steady_s, wish_w)
            assert set(gateway.powers[-5:]) == {power_w}
            assert device.stored - before <= (2 if slow else 2 * _writes(control))
            steady_s = 7200 if slow else 0  # earn the next one
        gateway.run(5 * gateway.tick_s, -LIMIT_W)
        assert device.power_w < 0
        assert not gateway.now["fault"]
        gateway.run(RELEASED_S if not slow else 300)
        assert device.power_w == 0
        assert gateway.now["state"] == leases.FREE
        assert gateway.now["held_w"] == 0
        assert heard[len(heard) - len(control.leave):] == [
            (name, value) for name, value in control.leave if name != control.write]
        before = device.stored
        gateway.run(60)
        assert device.stored == before, "no heartbeat, nothing, once the lease has ended"
        assert gateway.now["faults"] == 0


def _writes(control):
    """How many writes a refresh and the heartbeats until the next one are."""
    beats = control.refresh_s // control.beat_s * len(control.beat) + 1 if control.beat_s else 0
    return max(1, len(control.idle), len(control.charge), len(control.discharge)) + beats


@pytest.mark.parametrize("profile_id", COMMANDED)
def test_the_dead_man_bites_when_the_gateway_dies(command, profile_id, tmp_path):
    control = profiles.load(profile_id).control
    timer = control.dead_man
    if timer is None or timer.fed_by == "none":
        assert "dead-man timer" in " ".join((*profiles.load(profile_id).quirks, *profiles.load(
            profile_id).unverified)) or control.beat, "nobody would know"
        return
    values = {"charge_max_w": LIMIT_W, "discharge_max_w": LIMIT_W}
    with told(command, profile_id, values, tmp_path) as (gateway, device, _):
        if gateway.tick_s > 1:
            gateway.run(2 * 3600, 0)
        gateway.run(2 * timer.timeout_s, -LIMIT_W)  # fed, it does not bite
        held_w = device.power_w
        assert held_w < 0
        assert not device.expired
        gateway.die()
        now_ms = gateway.now["now_ms"]
        for second in range(0, timer.timeout_s + gateway.tick_s, gateway.tick_s):
            device.advance(now_ms + second * 1000)
            assert device.power_w in (held_w, 0)
        assert device.power_w == 0


@pytest.mark.parametrize("profile_id", CHARGERS)
def test_a_current_limit_arrives_and_ends_at_the_safe_one(command, profile_id, tmp_path):
    control = profiles.load(profile_id).control
    with told(command, profile_id, {}, tmp_path) as (gateway, _, heard):
        for wish_ma in (16_000, 0, 6_000, 32_000, 12_340):
            gateway.run(5, wish_ma)
            limit_ma = min(wish_ma, LIMIT_MA)
            assert (control.write, gateway.now["held_w"]) in heard
            assert limit_ma - 1000 < gateway.now["held_w"] <= limit_ma, "rounded down"
        if control.failsafe:
            assert (control.failsafe, SAFE_MA) in heard
        gateway.run(RELEASED_S)  # the beat has died, the bus lives
        assert gateway.now["held_w"] == SAFE_MA
        assert gateway.now["state"] == leases.FREE
        assert [value for name, value in heard if name == control.write][-1] == SAFE_MA
        assert not gateway.now["fault"]
        assert gateway.now["faults"] == 0


@pytest.mark.parametrize("profile_id", CHARGERS)
def test_a_charger_falls_to_the_safe_current_when_the_gateway_dies(command, profile_id, tmp_path):
    control = profiles.load(profile_id).control
    if control.dead_man is None or control.dead_man.fed_by == "none":
        return
    with told(command, profile_id, {}, tmp_path) as (gateway, device, heard):
        gateway.run(2 * control.dead_man.timeout_s, 16_000)
        assert not device.expired
        gateway.die()
        now_ms = gateway.now["now_ms"]
        for second in range(control.dead_man.timeout_s + 1):
            device.advance(now_ms + second * 1000)
        assert device.expired
        assert heard[-1] == (control.write, SAFE_MA if control.failsafe else 0)
