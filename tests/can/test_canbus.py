"""A battery management system on CAN: what it says becomes limits, what it leaves out 0 W."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import profiles
from edge.devices.can_bms import driver
from tests.can.bench import IMAGE, PUBLISHED, US5000, Gateway, frame

NEEDED = (0x351, 0x356, 0x359, 0x35C)
SOUND = dict(PUBLISHED)
EXTENDED, REMOTE, ERROR = 0x80, 0x40, 0x20


def hearing(frames=PUBLISHED, **more):
    gateway = Gateway(**more)
    gateway.run(100)
    gateway.hear(*frames)
    return gateway


def test_the_image_is_what_the_profile_says():
    assert profiles.compile_device(profiles.load("pylontech_lv"), "bms", 0, 0) == IMAGE


@pytest.mark.parametrize(("frames", "soc_pm", "most_w"), [
    (PUBLISHED, 260, 3700 * 4942 // 1000),  # 370.0 A at 49.42 V
    (US5000, 880, 4800 * 4986 // 1000)])
def test_published_frames_are_understood(frames, soc_pm, most_w):
    gateway = hearing(frames)
    assert gateway.battery.values == {"soc_pm": soc_pm, "charge_max_w": most_w,
                                      "discharge_max_w": most_w}
    assert gateway.bus.foreign() == 1, "the name of the maker"
    assert gateway.bms.refused == 0


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(1000, 10_000),
       st.sampled_from([0, 0x40, 0x80, 0xC0, 0xE0, 0x3F]), st.integers(0, 100))
def test_a_limit_is_current_times_voltage_where_it_is_enabled(charge, discharge, volts, flags, soc):
    def le(*numbers):
        return b"".join(one.to_bytes(2, "little", signed=one < 0) for one in numbers).hex()

    gateway = hearing(((0x351, le(532, charge, discharge)), (0x355, le(soc, 100)),
                       (0x356, le(volts, -300, 250)), (0x359, "00000000"),
                       (0x35C, bytes([flags]).hex())))
    assert gateway.battery.limits() == (charge * volts // 1000 if flags & 0x80 else 0,
                                        discharge * volts // 1000 if flags & 0x40 else 0)
    assert gateway.battery.values["soc_pm"] == 10 * soc


def test_nothing_is_allowed_before_it_was_said():
    gateway = Gateway()
    assert gateway.battery.limits() == (0, 0)
    gateway.run(100)
    for number in range(len(PUBLISHED)):
        gateway.hear(*PUBLISHED[:number])
        whole = number > 4
        assert (gateway.battery.limits() == (0, 0)) != whole


@pytest.mark.parametrize("ident", NEEDED)
def test_each_frame_that_a_limit_needs_has_an_age_of_its_own(ident):
    gateway = hearing()
    for _ in range(10):
        gateway.hear(*[one for one in PUBLISHED if one[0] != ident])
        gateway.run(900)
    assert gateway.battery.limits() == (0, 0)
    gateway.hear((ident, SOUND[ident]))
    assert 0 not in gateway.battery.limits()


def test_silence_ends_the_limits_in_time_and_for_ever():
    """Also when ticks have wrapped, or half of them have passed and an old stamp looks young."""
    gateway = hearing(start_ms=(1 << 30) - 2000)
    gateway.run(4_700)
    assert 0 not in gateway.battery.limits()
    gateway.run(400)
    assert gateway.battery.limits() == (0, 0)
    gateway.now_ms += 1 << 29
    gateway.run(100)
    gateway.now_ms += 1 << 29
    gateway.run(100)
    assert gateway.battery.limits() == (0, 0)


@pytest.mark.parametrize("data", ["01000000", "00800000", "00000100", "00000080"])
def test_a_protection_or_an_alarm_rests_both_directions_until_it_is_gone(data):
    gateway = hearing()
    gateway.hear((0x359, data))
    assert gateway.battery.limits() == (0, 0)
    gateway.hear((0x359, "00000000"))
    assert 0 not in gateway.battery.limits()


@pytest.mark.parametrize(("ident", "data"), [
    (0x351, "1402ffffffff"),  # -0.1 A
    (0x351, "1402ff7fff7f"),  # 3276.7 A
    (0x356, "0000"), (0x356, "0080"), (0x356, "1127"),  # 0, -327.68 and 100.01 V
    (0x351, "1402740e74"), (0x356, "4e"), (0x359, "000000"), (0x35C, "")])
def test_what_is_impossible_or_too_short_is_refused_and_ages(ident, data):
    gateway = hearing()
    before = gateway.battery.limits()
    for _ in range(6):
        gateway.hear((ident, data), *[one for one in PUBLISHED if one[0] != ident])
        assert gateway.battery.limits() in (before, (0, 0))
        gateway.run(900)
    assert gateway.battery.limits() == (0, 0)
    assert gateway.bms.refused >= 6


@pytest.mark.parametrize("data", ["6500", "ffff", "00"])
def test_no_state_of_charge_beyond_what_there_is(data):
    gateway = hearing()
    stamp_ms = gateway.battery.stamps["soc_pm"]
    gateway.hear((0x355, data))
    assert gateway.battery.values["soc_pm"] == 260
    assert gateway.battery.stamps["soc_pm"] == stamp_ms


@pytest.mark.parametrize("flags", [EXTENDED, REMOTE, ERROR])
def test_frames_of_another_kind_are_nobodys(flags):
    gateway = Gateway()
    gateway.run(100)
    gateway.port.queue += [frame(ident, data, flags) for ident, data in PUBLISHED]
    gateway.port.queue += [frame(ident | 1 << 12, data) for ident, data in PUBLISHED]
    gateway.port.queue += [frame(0x355, SOUND[0x355], length=9), frame(0x355, "1a00")[:15]]
    gateway.run(100)
    assert gateway.battery.values == {"charge_max_w": 0, "discharge_max_w": 0}
    assert gateway.bus.foreign() == 14


def test_a_frame_is_no_younger_than_the_moment_the_queue_was_last_empty():
    gateway = hearing()
    empty_ms = gateway.now_ms = gateway.now_ms + 40_000 - gateway.now_ms % 1000
    gateway.run(1)
    gateway.port.queue.append(frame(0x355, "3200"))  # at any moment of the next 3 s
    gateway.now_ms = empty_ms + 3_000
    gateway.run(1)
    assert gateway.battery.values["soc_pm"] == 500
    assert gateway.battery.stamps["soc_pm"] == empty_ms


def test_a_flood_costs_a_bounded_step_and_ends_as_silence():
    gateway = hearing()
    port, step = gateway.port, gateway.bus.step
    for _ in range(200):
        port.queue += [frame(ident, data) for ident, data in PUBLISHED] * 20
        waiting = len(port.queue)
        gateway.now_ms += 30
        assert step(gateway.now_ms) == 1
        assert waiting - len(port.queue) == 32
    assert gateway.battery.limits() == (0, 0), "what is read lay in the queue for too long"
    port.queue.clear()
    gateway.run(100)
    gateway.hear(*PUBLISHED)
    assert 0 not in gateway.battery.limits()


def test_it_is_told_each_second_that_somebody_is_there_while_the_beat_lives():
    gateway = hearing()
    gateway.run(2_000)
    assert gateway.port.sent == [], "no beat has spoken"
    gateway.run(60_000, beat=True)
    assert 58 <= len(gateway.port.sent) <= 61
    assert set(gateway.port.sent) == {frame(0x305, bytes(8))}
    gateway.run(3_100)
    told = len(gateway.port.sent)
    gateway.run(60_000)
    gateway.now_ms += 1 << 29
    gateway.run(60_000)
    assert len(gateway.port.sent) == told, "the beat has stopped"


def test_a_controller_that_takes_nothing_is_not_hurried():
    gateway = hearing()
    gateway.port.takes = 0
    gateway.run(10_000, beat=True)
    assert 9 <= gateway.bus.timeouts <= 11
    gateway.port.takes = 16
    gateway.run(1_000, beat=True)
    assert len(gateway.port.sent) == 1


def test_an_interface_that_goes_down_rests_the_battery_and_comes_back():
    gateway = hearing()
    gateway.port.fails = True
    gateway.run(60_000)
    assert gateway.battery.limits() == (0, 0)
    assert gateway.bus.breaks == 6, "after 1, 2, 4, 8, 16 s"
    gateway.port.fails = False
    gateway.run(32_000)
    gateway.hear(*PUBLISHED)
    assert 0 not in gateway.battery.limits()
    assert gateway.port.ids == [0x351, 0x355, 0x356, 0x359, 0x35C]


def test_it_needs_a_battery():
    with pytest.raises(ValueError, match="no role is a battery"):
        driver(IMAGE, [])
