"""A SunSpec device under the beat's lease, in virtual time: each way to command it, its scale read
first and followed, its reversion timer fed and left to bite, and 0 W when the lease ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profiles
from edge.devices.lease import FREE, HOLDING
from tests.devices import modbus_slave as fault
from tests.devices.sunspec_bench import (
    DER,
    IN_PCT,
    IN_W,
    INVERTER,
    NO_LIMIT,
    NO_LIMIT_123,
    RATES,
    WAYS,
    Bench,
    bench_of,
    every_way,
)
from tests.devices.sunspec_device import KACO, LIMIT_123, LIMIT_704, STORAGE, WSET, Engine
from tests.devices.sunspec_maps import chain, model_words, place


@pytest.mark.parametrize("base", [40000, 0, 50000])
@every_way
def test_a_power_is_in_force_at_the_scale_of_the_device(way, base):
    bench = bench_of(way, base)
    raw = WAYS[way][3]
    bench.run(10, -20_000)
    assert bench.engine.setpoint() == raw
    if bench.engine.control is STORAGE:
        assert bench.engine.window() == (raw, raw)
    lease = bench.driver.lease
    assert (lease.state, lease.held_w, lease.fault, lease.mismatches) == (
        HOLDING, -20_000, False, 0)
    bench.run(5, 20_000)
    assert bench.engine.setpoint() == -raw
    assert bench.slave.strays == list((40000, 0, 50000)[:(40000, 0, 50000).index(base)])


@pytest.mark.parametrize("fed_by", ["value", "timer", "enable", "write", "any"])
@every_way
def test_the_timer_never_bites_while_the_beat_lives_and_does_when_the_gateway_dies(way, fed_by):
    if WAYS[way][2] is KACO and fed_by == "enable":
        return  # its state is no enable: it is told once, the watchdog each time
    bench = bench_of(way, fed_by=fed_by)
    bench.run(10, -20_000)
    assert bench.run(90, -20_000) == [WAYS[way][3]]
    assert bench.engine.reverted == 0
    bench.die(59)
    bench.die(2)
    assert bench.engine.reverted == 1
    assert bench.engine.setpoint() in (0, None)
    bench.die(120)
    assert bench.engine.setpoint() in (0, None)


@every_way
def test_when_the_lease_ends_it_is_0_w_and_then_its_own_mode(way):
    bench = bench_of(way)
    bench.run(10, -20_000)
    seen = bench.run(12)
    assert seen[:2] == [WAYS[way][3], 0]
    assert bench.driver.lease.state == FREE
    assert bench.engine.reverted == 0
    assert bench.engine.setpoint() is None
    bench.run(3, 10_000)
    assert bench.engine.setpoint() not in (0, None), "and it can be taken again"


@every_way
def test_what_an_earlier_life_left_is_taken_back_before_anything_else(way):
    bench = bench_of(way)
    bench.run(10, -20_000)
    again = Bench(WAYS[way][0], bench.engine)
    again.run(5)
    assert again.engine.setpoint() is None
    assert again.driver.lease.state == FREE


def test_a_reversion_to_0_w_is_prepared_in_the_device():
    bench = bench_of("704 in W")
    bench.run(10, -20_000)
    at = place(bench.device.registers, 704)
    assert [bench.device.registers[at + offset] for offset in (22, 23, 26, 27, 30, 31, 32)] == [
        1, 1, 0, 0, 1, 0, 60]
    bench.die(70)
    assert bench.engine.setpoint() == 0, "held at 0 W, not let go"


# What a device may do meanwhile.


@pytest.mark.parametrize(("power", "raw"), [(1, -2000), (-2, -2_000_000)])
def test_the_setpoint_follows_a_scale_that_changes(power, raw):
    bench = bench_of("704 in W")
    bench.run(10, -20_000)
    bench.device.registers[place(bench.device.registers, 704) + 55] = power & 0xFFFF
    bench.run(15, -20_000)
    assert bench.engine.setpoint() == raw
    assert not bench.driver.lease.fault


@pytest.mark.parametrize(("way", "model", "offset"), [
    ("704 in %", 702, 26), ("124", 124, 2), ("64201", 121, 2)])
def test_a_per_cent_follows_the_power_it_is_of(way, model, offset):
    bench = bench_of(way)
    bench.run(10, -20_000)
    bench.device.registers[place(bench.device.registers, model) + offset] //= 2
    bench.run(15, -20_000)
    assert bench.engine.setpoint() == 2 * WAYS[way][3]
    bench.run(5, -150_000)
    assert abs(bench.engine.setpoint()) <= abs(WAYS[way][3] * 100_000 // 20_000), "100 % at most"


@pytest.mark.parametrize("way", ["704 in W", "704 in %", "124"])
def test_a_device_that_left_its_mode_is_brought_back(way):
    bench = bench_of(way)
    bench.run(10, -20_000)
    bench.device.registers[place(bench.device.registers, bench.engine.control.model)
                           + bench.engine.control.enable] = 0
    bench.run(12, -20_000)
    assert bench.engine.setpoint() == WAYS[way][3]


def test_per_cent_where_there_are_no_watts_and_no_control_without_a_timer():
    both = Bench("sunspec_battery", Engine(chain(
        0, DER, model_words(702, {"WMax": 80_000, "W_SF": 1}),
        model_words(704, IN_PCT | IN_W)), WSET))
    both.run(10, -20_000)
    assert both.engine.setpoint() == -20_000
    timeless = {name: value for name, value in IN_W.items() if name != "WSetRvrtTms"}
    none = Bench("sunspec_battery", Engine(chain(0, DER, model_words(704, timeless)), WSET))
    none.run(30, -20_000)
    assert none.driver.stranger
    assert none.slave.asked(function=16) == []


@pytest.mark.parametrize("way", ["704 in W", "124"])
def test_a_mode_that_the_device_does_not_have_is_left_out(way):
    profile_id, _, control, raw = WAYS[way]
    small = {704: model_words(704, {name: IN_W[name] for name in (
        "WSet_SF", "WSet", "WSetEna", "WSetMod", "WSetRvrtTms")}),
        124: model_words(124, {name: value for name, value in RATES.items()
                               if name != "ChaGriSet"})}[control.model]
    bench = Bench(profile_id, Engine(chain(0, DER if control is WSET else INVERTER, small),
                                     control))
    bench.run(10, -20_000)
    assert bench.engine.setpoint() == raw
    at = place(bench.device.registers, control.model)
    absent = (26, 30) if control is WSET else (17,)
    assert all(bench.slave.asked(function=16, address=at + offset) == [] for offset in absent)


def test_in_another_layout_nothing_is_written_where_the_setpoint_was():
    bench = bench_of("704 in W")
    bench.run(10, -20_000)
    old = place(bench.device.registers, 704)
    after = chain(40000, model_words(1, {}), model_words(120, {}), DER, model_words(704, IN_W))
    bench.device.registers.clear()
    bench.device.registers.update(after)
    bench.slave.hang_up()
    since = len(bench.slave.log)
    bench.run(20, -20_000)
    assert bench.engine.setpoint() == -20_000
    new = place(bench.device.registers, 704)
    written = {address for _, _, function, address, _ in bench.slave.log[since:] if function == 16}
    assert written == {new + 24, new + 23, new + 26, new + 30, new + 31, new + 22}
    assert old + 24 not in written


def test_a_stranger_that_was_commanded_is_left_alone_until_its_own_timer_has_bitten():
    bench = bench_of("124", fed_by="any")
    bench.run(10, -20_000)
    at = place(bench.device.registers, 103)
    bench.device.registers[at] = 64000  # whose power is no longer known
    bench.run(85, -20_000)
    assert bench.driver.stranger
    assert bench.engine.reverted == 1


@pytest.mark.parametrize("what", [fault.SILENCE, fault.LATE, fault.BUSY, fault.IGNORED])
@pytest.mark.parametrize("link", ["tcp", "rtu"])
def test_it_is_in_force_again_after_a_fault(what, link):
    bench = bench_of("704 in %", link=link)
    bench.run(10, -20_000)
    bench.device.plan = [what, fault.OK, what, what]
    bench.run(60, -10_000)
    assert bench.engine.setpoint() == WAYS["704 in %"][3] // 2
    assert not bench.driver.lease.fault


def test_a_device_that_takes_no_writes_is_a_fault():
    bench = bench_of("704 in W")
    bench.device.only = (16,)
    bench.device.always = fault.IGNORED
    bench.run(30, -20_000)
    assert bench.driver.lease.fault
    assert bench.engine.setpoint() is None


# The most that a PV plant may generate.

LIMITS = {
    "123": ([INVERTER, model_words(121, {"WMax": 100_000, "WMax_SF": 2}),
             model_words(123, NO_LIMIT_123)], LIMIT_123, 1000),
    "123 of the rating": ([INVERTER, model_words(120, {"WRtg": 100_000, "WRtg_SF": 2}),
                           model_words(123, NO_LIMIT_123)], LIMIT_123, 1000),
    "704": ([DER, model_words(702, {"WMax": 100_000, "W_SF": 2}), model_words(704, NO_LIMIT)],
            LIMIT_704, 10_000),
}


@pytest.mark.parametrize("way", LIMITS)
def test_pv_is_limited_and_at_the_lease_s_end_or_the_gateway_s_no_longer(way):
    models, control, full = LIMITS[way]

    def bench():
        return Bench("sunspec_inverter", Engine(chain(40000, *models), control), 0, 100_000)

    first = bench()
    first.run(10, 30_000)
    assert first.engine.setpoint() == full * 3 // 10
    first.run(5, 0)
    assert first.engine.setpoint() == 0
    seen = first.run(12)
    assert seen == [0, None], "the limit is switched off, not written as a power"
    assert first.driver.lease.state == FREE
    second = bench()
    second.run(10, 30_000)
    assert second.run(90, 30_000) == [full * 3 // 10]
    second.die(70)
    assert second.engine.setpoint() is None


def test_a_site_only_reads_an_inverter():
    profile = profiles.load("sunspec_inverter")
    assert profile.control is None
    assert profiles.compile_device(profile, "one", 0, 1)["control"] is None


FAULTS = st.lists(st.sampled_from([
    fault.OK, fault.OK, fault.SILENCE, fault.LATE, fault.BUSY, fault.IGNORED, fault.DUPLICATE,
    fault.PIECES, fault.CLOSE]), max_size=25)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(WAYS)), st.sampled_from(["value", "timer", "write", "any"]),
       st.sampled_from(["tcp", "rtu"]), FAULTS, FAULTS, st.integers(-60_000, 60_000))
def test_whatever_goes_wrong_a_dead_beat_s_setpoint_does_not_live_on(way, fed_by, link, before,
                                                                     after, wish_w):
    bench = bench_of(way, fed_by=fed_by, link=link)
    bench.device.plan = list(before)
    bench.run(60, wish_w)
    bench.device.plan = list(after)
    bench.run(200)
    assert bench.engine.setpoint() in (0, None)
