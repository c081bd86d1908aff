"""Our driver on SunSpec maps that pysunspec2 makes, in virtual time: found wherever they lie, read
as they are meant, and never believed further than they go."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profiles
from edge.devices.bus import Bus
from edge.devices.sunspec import driver
from tests.devices import modbus_slave as fault
from tests.devices.bench import LINKS
from tests.devices.modbus_slave import Device, run
from tests.devices.sunspec_maps import BASES, MapSlave, chain, model_words, place

COMMON = {"Mn!": "Maker", "Md!": "Model", "SN!": "1"}
START_MS = 1 << 20


class Taker:
    """A role for every signal: it remembers the newest values, and how often each came."""

    def __init__(self, signals):
        self.SIGNALS = tuple(signals)
        self.values = {}
        self.count = 0

    def take(self, signal, value, stamp_ms):
        self.values[signal] = value
        self.count += 1
        return True


class Bench:
    """One SunSpec device behind a bus, and the driver of a profile."""

    def __init__(self, profile_id, words, link="tcp"):
        profile = profiles.load(profile_id)
        self.image = profiles.compile_device(profile, "one", 0, 1)
        self.device = Device(words)
        self.slave = MapSlave({1: self.device}, rtu=link == "rtu", start_ms=START_MS)
        self.role = Taker(profile.signals)
        self.bus = Bus(LINKS[link], self.slave)
        self.driver = driver(self.image, [self.role])
        self.bus.add(self.driver)

    def run(self, seconds):
        run(self.bus, self.slave, int(seconds * 1000))
        return self.role.values


METER = {"W": -1500, "WphA": -400, "WphB": -500, "WphC": -600, "W_SF": 0, "TotWhImp": 654_300,
         "TotWhExp": 12_300, "TotWh_SF": 2}
FLOATS = {name: value for name, value in METER.items() if not name.endswith("_SF")}
METERED = {"grid_w": -1500, "l1_w": -400, "l2_w": -500, "l3_w": -600, "import_wh": 654_300,
           "export_wh": 12_300}
MODELS = {
    **dict.fromkeys((201, 202, 203, 204), ("sunspec_meter", METER, METERED)),
    **dict.fromkeys((211, 212, 213, 214), ("sunspec_meter", FLOATS, METERED)),
    **{model: ("sunspec_inverter", {"W": 12_340, "W_SF": 1, "WH": 98_765_000, "WH_SF": 3},
               {"pv_w": 12_340, "pv_wh": 98_765_000}) for model in (101, 102, 103)},
    **{model: ("sunspec_inverter", {"W": 12_340, "WH": 98_765_000},
               {"pv_w": 12_340, "pv_wh": 98_765_000}) for model in (111, 112, 113)},
    701: ("sunspec_battery", {"W": -20_500, "W_SF": 2, "TotWhInj": 10**13, "TotWhAbs": 3 * 10**13,
                              "TotWh_SF": 0},
          {"store_w": -20_500, "discharge_wh": 10**13, "charge_wh": 3 * 10**13}),
    802: ("sunspec_battery", {"W": -700, "W_SF": 0, "SoC": 42.5, "SoC_SF": -1,
                              "WChaRteMax": 50_000, "WDisChaRteMax": 60_000,
                              "WChaDisChaMax_SF": 1},
          {"store_w": -700, "soc_pm": 425, "charge_max_w": 50_000, "discharge_max_w": 60_000}),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_found_and_read_at_every_base(model, base):
    profile_id, values, expected = MODELS[model]
    bench = Bench(profile_id, chain(base, model_words(1, COMMON), model_words(model, values)))
    assert bench.run(4) == expected
    assert not bench.driver.stranger
    assert bench.slave.strays == list(BASES[:BASES.index(base)])


@pytest.mark.parametrize("base", BASES)
def test_a_chain_of_all_models_is_walked(base):
    words = chain(base, model_words(1, COMMON), *(model_words(model, MODELS[model][1])
                                                  for model in MODELS),
                  *(model_words(model, {}) for model in (120, 121, 122, 123)),
                  model_words(124, {"ChaState": 37, "ChaState_SF": 0}),
                  model_words(160, {}, length=48), model_words(703, {}), model_words(704, {}),
                  model_words(702, {"WChaRteMax": 4000, "WDisChaRteMax": 5000, "W_SF": 0}),
                  model_words(713, {"SoC": 12, "Pct_SF": 0}))
    assert Bench("sunspec_meter", words).run(4) == METERED
    assert Bench("sunspec_battery", words).run(5) == {
        **MODELS[701][2], "soc_pm": 120, "charge_max_w": 4000, "discharge_max_w": 5000}


def test_each_signal_comes_from_the_first_model_there_is():
    words = chain(40000, model_words(1, COMMON), model_words(111, {"W": 5.0}),
                  model_words(103, {"W": 7, "W_SF": 0}), model_words(713, {"SoC": 31, "Pct_SF": 0}),
                  model_words(802, {"SoC": 99, "SoC_SF": 0, "W": 3, "W_SF": 0}),
                  model_words(124, {"ChaState": 98, "ChaState_SF": 0}))
    assert Bench("sunspec_battery", words).run(3) == {"store_w": 7, "soc_pm": 310}
    assert Bench("sunspec_inverter", words).run(3) == {"pv_w": 7}


def test_a_hybrid_s_powers_are_the_sums_of_its_inputs():
    inputs = {"DCW_SF": 1, "module.1.DCW": 4000, "module.2.DCW": 2500, "module.3.DCW": 0,
              "module.4.DCW": 1200}
    bench = Bench("sunspec_hybrid", chain(
        40000, model_words(103, {"W": 7, "W_SF": 0}), model_words(160, inputs, length=88),
        model_words(124, {"ChaState": 61.25, "ChaState_SF": -2})))
    assert bench.run(3) == {"store_w": 1200, "pv_w": 6500, "soc_pm": 613}
    at = place(bench.device.registers, 160)
    bench.device.registers[at + 10 + 20 * 2 + 11] = 300  # the third input: charging
    bench.device.registers[at + 10 + 20 * 3 + 11] = 0
    assert bench.run(3)["store_w"] == -3000
    bench.device.registers[at + 10 + 20 * 3 + 11] = 0xFFFF
    bench.device.registers[at + 10 + 20 * 2 + 11] = 5
    assert bench.run(3)["store_w"] == -3000, "a sum without a part is none"


# Values.


@pytest.mark.parametrize("power", range(-10, 11))
def test_every_scale_factor(power):
    bench = Bench("sunspec_inverter", chain(0, model_words(103, {"W!": -1234, "W_SF": power})))
    exact = -1234 * 10.0**power
    assert bench.run(2) == {"pv_w": math.floor(exact + 0.5)}


@pytest.mark.parametrize("power", [-32768, 11, -11, 32767])
def test_no_scale_factor_no_value(power):
    bench = Bench("sunspec_inverter", chain(0, model_words(103, {"W!": 5, "W_SF": power})))
    assert bench.run(2) == {}


def test_the_scale_may_change_from_one_reading_to_the_next():
    words = chain(40000, model_words(103, {"W!": 5000, "W_SF": 0}))
    bench = Bench("sunspec_inverter", words)
    at = place(words, 103)
    seen = set()
    for second in range(40):
        raw, power = ((50, 0), (5, 3), (32_000, -1))[second % 3]
        bench.device.registers[at + 14], bench.device.registers[at + 15] = raw, power & 0xFFFF
        seen.add(bench.run(1)["pv_w"])
    assert seen == {50, 5000, 3200}, "a value is never taken with the scale of another"


ABSENT = {
    "i16": ("sunspec_inverter", 103, {"W_SF": 0, "WH!": 5, "WH_SF": 0}, "pv_wh"),
    "acc32": ("sunspec_inverter", 103, {"W!": 5, "W_SF": 0, "WH!": 0, "WH_SF": 0}, "pv_w"),
    "u16": ("sunspec_battery", 802, {"W!": 5, "W_SF": 0, "SoC_SF": 0}, "store_w"),
    "u64": ("sunspec_inverter", 701, {"W!": 5, "W_SF": 0, "TotWh_SF": 0}, "pv_w"),
    "f32": ("sunspec_inverter", 113, {"WH": 5.0}, "pv_wh"),
    "f32 energy": ("sunspec_inverter", 113, {"W": 5.0}, "pv_w"),
}


@pytest.mark.parametrize("kind", ABSENT)
def test_what_is_not_implemented_is_not_taken(kind):
    profile_id, model, values, other = ABSENT[kind]
    assert Bench(profile_id, chain(0, model_words(model, values))).run(3) == {other: 5}


@pytest.mark.parametrize("bits", [0x7FC00000, 0xFFC00000, 0x7F800000, 0xFF800000, 0x7F800001])
def test_a_float_that_is_no_number_is_not_taken(bits):
    words = chain(0, model_words(213, {"W": 5.0, "TotWhImp": 7.0}))
    at = place(words, 213) + 28
    words[at], words[at + 1] = bits >> 16, bits & 0xFFFF
    assert Bench("sunspec_meter", words).run(3) == {"import_wh": 7}


# Maps that are not as they should be.


def test_of_a_model_that_comes_twice_the_first_counts():
    words = chain(40000, model_words(103, {"W": 1, "W_SF": 0}),
                  model_words(103, {"W": 2, "W_SF": 0}))
    assert Bench("sunspec_inverter", words).run(3) == {"pv_w": 1}


def test_a_model_that_is_too_short_is_none():
    short = [103, 13] + [1] * 13
    words = chain(0, short, model_words(102, {"W": 2, "W_SF": 0}))
    assert Bench("sunspec_inverter", words).run(3) == {"pv_w": 2}


def test_a_map_without_an_end_is_read_as_far_as_it_goes():
    words = chain(0, model_words(103, {"W": 3, "W_SF": 0}))
    for at in sorted(words)[-2:]:
        del words[at]
    assert Bench("sunspec_inverter", words).run(3) == {"pv_w": 3}


def test_a_device_that_is_silent_where_it_has_nothing_is_found():
    bench = Bench("sunspec_inverter", chain(50000, model_words(103, {"W": 3, "W_SF": 0})))
    bench.slave.silent = True
    assert bench.run(15) == {"pv_w": 3}


@pytest.mark.parametrize("link", ["tcp", "rtu"])
def test_it_is_found_whatever_goes_wrong_on_the_way(link):
    plan = [fault.SILENCE, fault.LATE, fault.OK, fault.BUSY, fault.FOREIGN_UNIT, fault.LATE,
            fault.DUPLICATE, fault.PIECES, fault.OK, fault.LATE]
    bench = Bench("sunspec_inverter", chain(40000, model_words(1, COMMON),
                                            model_words(103, {"W": 3, "W_SF": 0})), link)
    bench.device.plan = list(plan)
    assert bench.run(90) == {"pv_w": 3}
    assert bench.device.plan == []


def test_no_map_is_a_stranger_that_is_left_alone():
    bench = Bench("sunspec_inverter", dict.fromkeys(range(40000, 40100), 7))
    bench.run(60)
    assert bench.driver.stranger
    assert len(bench.slave.log) == 6, "three places, twice in a minute"


def test_a_dead_device_is_no_stranger_and_found_when_it_comes_back():
    words = chain(40000, model_words(103, {"W": 3, "W_SF": 0}))
    bench = Bench("sunspec_inverter", words)
    bench.device.always = fault.SILENCE
    bench.run(300)
    assert not bench.driver.stranger
    assert len(bench.slave.log) < 30
    bench.device.always = fault.OK
    assert bench.run(65) == {"pv_w": 3}, "30 s of back-off, and a round that began in between"


def test_a_device_without_what_the_profile_needs_is_a_stranger_until_it_has_it():
    bench = Bench("sunspec_inverter", chain(40000, model_words(203, METER)))
    bench.run(20)
    assert bench.driver.stranger
    bench.device.registers = chain(0, model_words(103, {"W": 3, "W_SF": 0}))
    assert bench.run(20) == {"pv_w": 3}
    assert not bench.driver.stranger


words16 = st.integers(0, 0xFFFF)
headers = st.lists(st.tuples(st.sampled_from([1, 103, 113, 701, 0, 64000]) | words16,
                             st.sampled_from([0, 1, 13, 50, 60, 153, 25_000, 0xFFFF]) | words16),
                   max_size=120)


@settings(max_examples=60, deadline=None)
@given(headers, st.sampled_from(BASES), st.integers(0, 0xFFFF))
def test_no_map_leads_it_on_for_ever_or_out_of_the_address_space(found, base, filler):
    words = dict.fromkeys(range(65536), filler)
    for at in BASES:
        words[at] = 0
    words[base], words[base + 1] = 0x5375, 0x6E53
    at = base + 2
    for model, length in found:
        if at < 0xFFFF:
            words[at], words[at + 1] = model, length
        at += 2 + length
    bench = Bench("sunspec_inverter", words)
    bench.run(60)
    assert bench.slave.strays == []
    assert all(start + count <= 0x10000 for _, _, _, start, count in bench.slave.log)
    assert len(bench.slave.asked(function=3)) < 60 * 40
    assert bench.driver.searches <= 60


# A device that comes back as another.


@pytest.mark.parametrize("quietly", [True, False])
def test_another_layout_is_found_and_no_value_of_the_old_one_is_taken(quietly):
    before = chain(40000, model_words(1, COMMON), model_words(103, {"W": 1, "W_SF": 0}))
    after = chain(40000, model_words(1, COMMON), model_words(120, {}),
                  model_words(103, {"W": 2, "W_SF": 0}))
    bench = Bench("sunspec_inverter", before)
    assert bench.run(5) == {"pv_w": 1}
    bench.role.values.clear()
    if not quietly:
        bench.slave.hang_up()
    bench.device.registers = after
    assert bench.run(12) == {"pv_w": 2}
    assert bench.driver.searches == 2


def test_the_same_layout_after_a_loss_is_only_proven():
    bench = Bench("sunspec_inverter", chain(40000, model_words(1, COMMON),
                                            model_words(103, {"W": 1, "W_SF": 0})))
    bench.run(5)
    bench.slave.hang_up()
    bench.role.values.clear()
    asked = len(bench.slave.log)
    assert bench.run(5) == {"pv_w": 1}
    assert bench.driver.searches == 1
    assert [entry[4] for entry in bench.slave.log[asked:]][:3] == [1, 1, 16]
