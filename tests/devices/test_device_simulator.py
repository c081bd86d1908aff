"""What a simulated device shows and hears, without a wire: units, life, the dead-man timer."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profiles
from boards.profile_schema import SIGNALS, TYPES, registers
from boards.registers import to_raw, to_words
from hil.simulators import DeviceSimulator
from hil.wire_rate import Line
from tests.devices.profile_text import BASE
from tests.devices.simulated import every_profile, judge, simulate


@every_profile
def test_signals_come_in_the_units_and_signs_of_the_busbar(profile_id):
    profile = profiles.load(profile_id)
    values = {signal: 1000 * number for number, signal in enumerate(profile.signals, start=-1)
              if signal != "soc_pm"} | {"soc_pm": 370}
    device, _ = simulate(profile_id, values)
    for entry in profiles.compile_device(profile, "one", 0, 1)["points"]:
        signal, kind, num, den = entry[0], *entry[3:6]
        if signal[0] == "+":
            continue  # one part of a sum; what they come to is tried end to end
        if kind != "bit" and (SIGNALS[signal].signs or values[signal] > 0):
            point = profile.points[profile.signals[signal].removeprefix("-")]
            words = device.read(point.fc, point.addr, registers(kind))
            assert judge(kind, words) * Fraction(num, den) == values[signal]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TYPES.keys() - {"bit"})), st.data())
def test_the_encoder_agrees_with_another_implementation(kind, data):
    _, low, high = TYPES[kind]
    raw = data.draw(st.integers(low, high))
    words = to_words(kind, raw)
    assert judge(kind, words) == raw == to_raw(kind, words)
    if not kind.startswith("f"):
        with pytest.raises(ValueError, match="fits"):
            to_words(kind, high + 1)


def test_a_device_that_counts_the_other_way_is_told_and_understood_in_the_busbar_s_signs():
    heard = []
    device = DeviceSimulator(profiles.parse(BASE, "unit_test.toml"), lambda: {"store_w": -5000},
                             lambda name, value: heard.append((name, value)))
    assert device.read(3, 10, 1) == [50]  # its point p: 0.1 kW, charge positive
    assert device.write(6, 50, to_words("i16", 30))  # its point set: 100 W, charge positive
    assert heard == [("set", -3000)]


# Life.


@every_profile
def test_voltage_and_frequency_never_stand_still_and_repeat_with_the_seed(profile_id):
    profile = profiles.load(profile_id)
    moving = [point for point in profile.points.values() if point.unit in ("V", "Hz")]
    one, _ = simulate(profile_id, seed=3)
    same, _ = simulate(profile_id, seed=3)
    other, _ = simulate(profile_id, seed=4)

    def digits(device, now_ms):
        device.advance(now_ms)
        return [tuple(device.read(point.fc, point.addr, registers(point.kind)))
                for point in moving]

    history = [digits(one, now_ms) for now_ms in range(0, 20_000, 1000)]
    assert history == [digits(same, now_ms) for now_ms in range(0, 20_000, 1000)]
    assert not moving or history != [digits(other, now_ms) for now_ms in range(0, 20_000, 1000)]
    for before, after in pairwise(history):
        assert all(old != new for old, new in zip(before, after, strict=True))


@every_profile
def test_what_proves_a_device_alive_moves_in_its_fast_blocks(profile_id):
    profile = profiles.load(profile_id)
    if not profile.frozen_s:
        assert profile.kind != "meter", "a frozen meter must be noticed"
        return
    device, _ = simulate(profile_id, {"grid_w": 0})
    fast = [block[:3] for block in profiles.compile_device(profile, "one", 0, 1)["blocks"]
            if block[3] == 1]
    before = [device.read(*block) for block in fast]
    device.advance(1000)
    assert [device.read(*block) for block in fast] != before


# The dead-man timer.


def test_silence_lets_the_dead_man_bite_once():
    device, heard = simulate("sinexcel_pcs")
    assert device.write(6, 135, to_words("i16", 250))
    device.advance(1_000)
    device.advance(60_999)
    assert not device.expired
    device.advance(61_000)
    device.advance(200_000)
    assert device.expired
    assert heard == [("p_set", 25_000), ("p_set", 0)]
    assert device.read(3, 135, 1) == [0]
    device.write(6, 135, to_words("i16", -1))
    assert not device.expired
    assert heard[-1] == ("p_set", -100)


def test_reads_feed_this_dead_man_and_its_register_sets_it():
    device, heard = simulate("sinexcel_pcs")
    device.write(6, 327, [5])
    device.write(6, 135, [100])
    for now_ms in range(0, 100_000, 4000):
        device.read(3, 122, 1)
        device.advance(now_ms)
    assert not device.expired
    device.advance(now_ms + 5000)
    assert device.expired
    assert heard == [("ems_timeout", 5), ("p_set", 10_000), ("p_set", 0)]


def test_a_device_that_only_writes_feed_is_not_kept_alive_by_reads():
    text = (profiles.FOLDER / "sinexcel_pcs.toml").read_text(encoding="utf-8")
    profile = profiles.parse(text.replace('fed_by = "any"', 'fed_by = "setpoint"'),
                             "sinexcel_pcs.toml")
    device = DeviceSimulator(profile, dict, lambda name, value: None)
    device.write(6, 135, [100])
    device.advance(0)
    device.read(3, 122, 1)
    device.write(6, 136, [1])
    device.advance(60_000)
    assert device.expired


# The wire.


@settings(deadline=None)
@given(st.sampled_from((1200, 9600, 115_200)),
       st.lists(st.tuples(st.floats(0, 1), st.integers(1, 260)), min_size=1))
def test_no_two_bytes_share_the_line(baud, frames):
    line = Line(baud)
    now_s = free_s = 0.0
    for pause_s, characters in frames:
        now_s += pause_s
        arrival_s = line.arrival_s(now_s, characters)
        assert arrival_s == pytest.approx(max(now_s, free_s) + characters * 11 / baud)
        free_s = arrival_s


def test_a_line_without_a_rate_is_never_busy():
    line = Line(None)
    assert [line.arrival_s(1.0, 200), line.arrival_s(1.0, 200)] == [1.0, 1.0]
