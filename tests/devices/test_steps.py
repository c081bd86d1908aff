"""A setpoint of several writes: never a stale power, never the wrong way, and the end of a lease
whatever feeds the device's own timer; and what is stored for good is written no more than it bears.
"""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profiles
from boards.profile_control import power_range, watts
from boards.profile_schema import TYPES, registers
from edge.devices import lease as leases
from edge.devices import slots, steps
from hil.device_simulator import DeviceSimulator
from tests.devices import wired
from tests.devices.profile_text import BASE
from tests.devices.simulated import load
from tests.devices.test_conformance import COMMANDED
from tests.devices.wired import Wired

LIMIT_W = 20_000
LIMITS = {"charge_max_w": LIMIT_W, "discharge_max_w": LIMIT_W}


def wired_to(profile, told, step_ms=1, **more):
    """A driver on a device that tells each power it is commanded, and the device."""
    def hear(name, value):
        if name == profile.control.setpoint:
            told.append(value)

    device = DeviceSimulator(profile, lambda: LIMITS, hear)
    image = profiles.compile_device(profile, "one", 0, 1, min_w=-LIMIT_W, max_w=LIMIT_W, **more)
    return Wired(device, image, step_ms)


def stale(data, profile):
    """What an earlier life may have left in the registers: modes and powers in any combination."""
    control = profile.control
    steps = (*control.enter, *control.leave, *control.together, *control.idle, *control.charge,
             *control.discharge, (control.write, None), *((name, None) for name in control.slot))
    for name in dict.fromkeys(name for name, _ in steps if name):
        point = profile.writes[name]
        known = [value for other, value in steps if other == name and value is not None]
        if not known or data.draw(st.booleans()):
            _, low, high = TYPES[point.kind]
            known += [int(raw * point.scale) for raw in (0, max(low, -150), min(high, 150))]
        raw = int(data.draw(st.sampled_from(known)) / point.scale)
        words = [raw >> 16 * at & 0xFFFF for at in range(registers(point.kind))]
        yield point, words if point.kind.endswith("s") else words[::-1]


def as_asked(profile, wish_w):
    """What of a wish the device can be told, W."""
    low_w, high_w = power_range(profile)
    step_w = abs(watts(profile))
    w = min(max(wish_w, low_w, -LIMIT_W), high_w, LIMIT_W)
    return int(int(w / step_w) * step_w)


FAULTS = st.sampled_from([wired.OK, wired.OK, wired.LOST, wired.MUTE, wired.DENIED])


@pytest.mark.parametrize("profile_id", [name for name in COMMANDED if not load(name).control.slot])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_between_any_two_writes_it_does_the_old_the_new_or_nothing(profile_id, data):
    """Whatever the registers held before, whatever is lost on the way: each time the commanded
    power changes, it becomes 0 or exactly what was wished last, or a moment before."""
    profile = load(profile_id)
    told = []
    gateway = wired_to(profile, told, 100)
    for point, words in stale(data, profile):
        gateway.device.write(point.fc, point.addr, words)
    told.clear()
    before = gateway.device.power_w
    wish_w = last_w = 0
    chunks = data.draw(st.integers(1, 5))
    faulty = data.draw(st.integers(0, chunks - 1))
    for chunk in range(chunks):
        last_w, wish_w = wish_w, data.draw(st.one_of(
            st.integers(-30_000, 30_000), st.sampled_from([-5000, 5000, 0, 1, -1])))
        if chunk == faulty:  # four in a row would end in silence
            gateway.wire.faults = data.draw(st.lists(FAULTS, max_size=3))
        gateway.run(data.draw(st.integers(1, 4)), wish_w)
        allowed = {0, as_asked(profile, wish_w), as_asked(profile, last_w), before}
        assert set(told) <= allowed, (told, allowed)
        told.clear()
        before = gateway.device.power_w
    gateway.wire.faults = []
    gateway.run(12, wish_w)
    assert gateway.device.power_w == as_asked(profile, wish_w)
    gateway.run(30)
    assert gateway.device.power_w == 0
    assert gateway.driver.lease.state == leases.FREE


def test_the_states_are_those_of_the_lease():
    assert (steps._ENTERING, steps._HOLDING) == (leases.ENTERING, leases.HOLDING)
    assert slots._HOLDING == leases.HOLDING


CONTROLS = {
    "signed": '''readback = "p_back"
shape = "signed"
write = "set"
together = [["q", 0]]
refresh_s = 10
''',
    "mode": '''shape = "mode"
readback = "writes"
refresh_s = 10
enter = [["mode", 3]]
idle = [["mode", 3]]
charge = ["much", ["mode", 1]]
discharge = ["much", ["mode", 2]]
leave = [["mode", 0]]
''',
}
WRITES = '''[writes]
set = [16, 50, "i16", 100, "W"]
q = [16, 51, "i16", 100, "var"]
mode = [6, 60, "u16", 1, "code"]
much = [6, 61, "u16", 10, "W"]
heart = [6, 70, "u16", 1, "s"]
'''


def made_up(shape, fed_by, beat=""):
    """A device of our own."""
    head = BASE[:BASE.index("[writes]")].replace("[points]", '[points]\np_back = [3, 50, "i16",'
                                                             ' 100, "W"]')
    middle = BASE[BASE.index("[sign]"):BASE.index("[control]")].replace(
        "[sign]", '[sign]\np_back = "charge"')
    return profiles.parse(f"{head}{WRITES}{middle}[control]\n{CONTROLS[shape]}{beat}"
                          f'[control.dead_man]\ntimeout_s = 40\nfed_by = "{fed_by}"\n',
                          "unit_test.toml")


BEAT = '[control.heartbeat]\nevery_s = 15\nwrite = [["heart", 40]]\n'


@pytest.mark.parametrize("shape", CONTROLS)
@pytest.mark.parametrize("fed_by", ["any", "write", "setpoint", "heartbeat"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_when_the_beat_stops_it_comes_to_rest_whatever_feeds_its_timer(shape, fed_by, data):
    """With the bus alive and every write refused, lost or not done: the device is at 0 W when the
    lease (5 s), the tries to end it (10 s) and its own timer (40 s) are over, for good."""
    profile = made_up(shape, fed_by, BEAT if fed_by == "heartbeat" else "")
    gateway = wired_to(profile, [], 100)
    gateway.run(data.draw(st.integers(20, 70)), 5000)
    assert gateway.device.power_w == 5000
    assert not gateway.device.expired
    gateway.wire.faults = data.draw(st.lists(FAULTS, max_size=4))
    gateway.wire.always = data.draw(st.sampled_from(
        [wired.OK, wired.LOST, wired.MUTE, wired.DENIED, wired.IGNORED]))
    gateway.run(5 + 10 + 40)
    assert gateway.device.power_w == 0
    gateway.run(200)
    assert gateway.device.power_w == 0


def test_a_heartbeat_is_kept_while_the_lease_lives_and_only_then():
    gateway = wired_to(made_up("signed", "heartbeat", BEAT), [])
    heard = []
    gateway.device._on_write = lambda name, value: heard.append((gateway.now_ms, name))
    gateway.run(5)
    assert [name for _, name in heard] == ["q", "set"], "released, as nobody knows what it holds"
    gateway.run(60, 3000)
    hearts = [ms for ms, name in heard if name == "heart"]
    assert len(hearts) == 4
    assert all(15_000 <= later - earlier < 15_200
               for earlier, later in itertools.pairwise(hearts))
    end_ms = gateway.battery.setpoint_ms + gateway.battery.lease_ms
    gateway.run(100)
    assert max(ms for ms, name in heard if name == "heart") <= end_ms


def test_limits_are_read_first_and_kept():
    """The device refuses what is above its own limits, so it is not asked for it."""
    gateway = wired_to(load("huawei_sun2000"), told := [])
    limits = dict(LIMITS)
    gateway.device._values = lambda: limits
    limits["charge_max_w"] = 3000
    gateway.run(10, -9000)
    assert (gateway.device.power_w, gateway.driver.exceptions) == (-3000, 0)
    limits["charge_max_w"] = 2000
    gateway.run(4, -9000)
    assert gateway.device.power_w == -2000
    assert set(told) == {-3000, -2000}
    unknown = wired_to(load("huawei_sun2000"), [])
    unknown.device._values = dict  # it shows them as not available
    unknown.run(30, -9000)
    assert unknown.device.power_w == 0


# What is stored for good.

DAY_S = 86_400


@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_no_day_sees_more_writes_than_the_memory_bears(data):
    """Over twenty-six hours of whatever wishes, dead beats, power cuts and lost answers."""
    profile = load("growatt_sph")
    gateway = wired_to(profile, [], 2400, poll_ms=60_000)
    writes = []
    gateway.device._on_write = lambda name, value: writes.append(gateway.now_ms // 1000) \
        if name == "slot_on" else None
    pattern = data.draw(st.lists(st.tuples(
        st.sampled_from([-5000, 0, None]), st.integers(10, 7000), st.booleans(),
        st.lists(FAULTS, max_size=3)), min_size=2, max_size=8))
    while gateway.now_ms < 26 * 3_600_000:
        for wish_w, seconds, cut, faults in pattern:
            if cut:
                gateway.restart()
            gateway.wire.faults = list(faults)
            gateway.run(seconds, wish_w)
    for first in writes:
        inside = [at for at in writes if first <= at < first + DAY_S]
        assert len(inside) <= profile.control.nv_per_day


def test_a_window_is_extended_and_goes_on_over_midnight():
    profile = load("growatt_sph")
    gateway = wired_to(profile, [], 2400, poll_ms=60_000)
    gateway.run(2 * 3600, 0)
    gateway.run(60, -5000)
    rested = 0
    for _ in range(24 * 60):
        gateway.run(60, -5000)
        rested += gateway.device.power_w == 0
    assert rested <= 2, "the last minute of the day has no window"
    assert gateway.device.stored <= 24 * 60 / 40


def test_a_restart_writes_nothing_where_nothing_was_left():
    gateway = wired_to(load("growatt_sph"), [], 2400, poll_ms=20_000)
    for _ in range(50):
        gateway.restart()
        gateway.run(120, -5000)
    assert gateway.device.stored == 0


# Percent of a rated power.


def test_percent_is_of_the_rated_power():
    text = BASE.replace('set = [6, 50, "i16", 100, "W"]', 'set = [6, 50, "i16", 0.1, "%"]')
    text = text.replace('shape = "signed"', 'shape = "percent"\nrated_w = 50000')
    profile = profiles.parse(text, "unit_test.toml")
    told = []
    gateway = wired_to(profile, told)
    for wish_w, held_w in ((12_345, 12_300), (-12_345, -12_300), (49, 0), (99_999, LIMIT_W)):
        gateway.run(3, wish_w)
        assert gateway.device.power_w == gateway.driver.lease.held_w == held_w
    with pytest.raises(ValueError, match="expected one in the site or profile"):
        profiles.compile_device(profiles.parse(text.replace("rated_w = 50000", ""),
                                               "unit_test.toml"), "one", 0, 1, min_w=-1, max_w=1)
