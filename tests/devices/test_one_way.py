"""A line on which answers are lost and requests are not: whoever asks again and again keeps the
device's own timer fed, and the setpoint with it."""

import pytest

from tests.devices import wired
from tests.devices.simulated import load
from tests.devices.test_conformance import COMMANDED
from tests.devices.test_steps import as_asked, wired_to

WISH_W = 5000
QUICK = [name for name in COMMANDED if not load(name).control.slot]  # a window ends by itself


@pytest.mark.parametrize("old_s", [3, 5, 8, 15])
@pytest.mark.parametrize("profile_id", QUICK)
def test_who_answers_no_more_hears_that_it_shall_rest(profile_id, old_s):
    """The beat lives, and wishes 0 W when its readings are too old. Fifteen seconds later the
    device is at rest, and stays so; one that is told so in several writes has a timer that only a
    setpoint feeds."""
    profile = load(profile_id)
    timer = profile.control.dead_man
    own_s = timer.timeout_s if timer and timer.fed_by == "setpoint" else 0
    gateway = wired_to(profile, [], 100)
    gateway.run(40, WISH_W)
    assert gateway.device.power_w == as_asked(profile, WISH_W) != 0
    gateway.wire.always = wired.MUTE
    gateway.run(old_s, WISH_W)
    gateway.run(15 + own_s, 0)
    assert gateway.device.power_w == 0
    for _ in range(20):
        gateway.run(10, 0)
        assert gateway.device.power_w == 0
    gateway.wire.always = wired.OK
    gateway.run(320, 0)  # five minutes of silence where nobody knows its timer
    gateway.run(20, WISH_W)
    assert gateway.device.power_w == as_asked(profile, WISH_W)


@pytest.mark.parametrize("way", [wired.DENIED, wired.IGNORED, wired.MUTE, wired.LOST])
@pytest.mark.parametrize("before", [wired.MUTE, wired.LOST])
@pytest.mark.parametrize("profile_id", QUICK)
def test_whoever_does_not_do_it_is_left_to_its_own_timer(profile_id, before, way):
    """After a silence it answers and refuses, or says that it did it and has not, or is silent on:
    it is at rest when forty seconds of telling it and its timer are over, where it has one."""
    control = load(profile_id).control
    timer = control.dead_man
    if timer is None or timer.fed_by == "none" or (way == wired.IGNORED and not control.readback):
        return  # who says that it was done, and cannot be looked at, is believed
    gateway = wired_to(load(profile_id), [], 100)
    gateway.run(40, WISH_W)
    gateway.wire.always = before
    gateway.run(8, WISH_W)
    gateway.wire.always = way
    gateway.run(40 + timer.timeout_s + 60, 0)
    assert gateway.device.power_w == 0
    gateway.run(300, 0)
    assert gateway.device.power_w == 0


def test_a_beat_that_ends_meanwhile_ends_in_silence():
    """Not even the 0 W is told for ever: the device's own timer has to bite."""
    gateway = wired_to(load("sinexcel_pcs"), [], 100)
    gateway.run(40, WISH_W)
    gateway.wire.always = wired.MUTE
    gateway.run(15, WISH_W)
    gateway.run(10, 0)
    gateway.run(40)
    asked = gateway.wire.asked
    gateway.run(40)
    assert gateway.wire.asked == asked
