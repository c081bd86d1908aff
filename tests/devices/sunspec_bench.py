"""A SunSpec device that does what its control models say, behind a bus, under a beat's lease, in
virtual time; and every way to command one."""

import pytest

from boards import profiles
from edge.devices.bus import Bus
from edge.devices.sunspec import driver
from edge.ticks import ticks_diff
from tests.devices.bench import LINKS
from tests.devices.modbus_slave import Device, run
from tests.devices.sunspec_device import KACO, STORAGE, WSET, WSET_PCT, Engine
from tests.devices.sunspec_maps import MapSlave, chain, model_words

START_MS = 1 << 20
OFF = {"WSetEna": 0, "WSetMod": 0, "WSetRvrtTms": 0, "WSetEnaRvrt": 0}
IN_W = {"WSet_SF": 0, "WSet": 0, "WSetRvrt": 0, **OFF}
IN_PCT = {"WSetPct_SF": -1, "WSetPct": 0, "WSetPctRvrt": 0, **OFF}
NO_LIMIT = {"WMaxLimPctEna": 0, "WMaxLimPct_SF": -2, "WMaxLimPct": 100, "WMaxLimPctRvrtTms": 0,
            "WMaxLimPctEnaRvrt": 0}
NO_LIMIT_123 = {"WMaxLimPct_SF": -1, "WMaxLimPct": 100, "WMaxLimPct_RvrtTms": 0, "WMaxLim_Ena": 0}
RATES = {"WChaMax": 50_000, "WChaMax_SF": 1, "InOutWRte_SF": -2, "OutWRte": 100, "InWRte": 100,
         "InOutWRte_RvrtTms": 0, "StorCtl_Mod": 0, "ChaGriSet": 0, "ChaState": 50,
         "ChaState_SF": 0}
DER = model_words(701, {"W": 0, "W_SF": 0})
INVERTER = model_words(103, {"W": 0, "W_SF": 0})


def kaco_words():
    """Model 64201, by its register numbers."""
    words = [64201, 52] + [0] * 52
    words[46] = 0xFFFE  # W_SET_PCT_SF: -2
    return words


class Role:
    """What a beat leaves for the driver."""

    SIGNALS = ("store_w", "soc_pm", "pv_w", "pv_wh", "discharge_wh", "charge_wh", "charge_max_w",
               "discharge_max_w")

    def __init__(self):
        self.setpoint_w = self.setpoint_ms = 0
        self.lease_ms = 5000

    def take(self, signal, value, stamp_ms):
        return True


class Bench:
    """An engine behind a bus, and the driver of a profile with a beat every second."""

    def __init__(self, profile_id, engine, min_w=-200_000, max_w=200_000, link="tcp"):
        self.engine = engine
        self.device = Device(engine.registers)
        engine.registers = self.device.registers
        self.slave = MapSlave({1: self.device}, rtu=link == "rtu", start_ms=START_MS,
                              hears=engine.hears)
        self.role = Role()
        image = profiles.compile_device(profiles.load(profile_id), "one", 0, 1, min_w=min_w,
                                        max_w=max_w)
        self.bus = Bus(LINKS[link], self.slave)
        self.driver = driver(image, [self.role])
        self.bus.add(self.driver)

    def run(self, seconds, wish_w=None):
        """Let time pass; the beat wishes `wish_w`, or is dead. Returns all setpoints in force."""
        seen, beats, asked = [], [], [len(self.slave.log)]

        def each(now_ms):
            passed_ms = ticks_diff(now_ms, START_MS)
            self.engine.advance(passed_ms, len(self.slave.log) > asked[0])
            asked[0] = len(self.slave.log)
            if seen[-1:] != [self.engine.setpoint()]:
                seen.append(self.engine.setpoint())
            if wish_w is not None and beats[-1:] != [passed_ms // 1000]:
                beats.append(passed_ms // 1000)
                self.role.setpoint_w, self.role.setpoint_ms = wish_w, now_ms

        run(self.bus, self.slave, int(seconds * 1000), each)
        return seen

    def die(self, seconds):
        """The gateway is gone: nothing is asked or written any more."""
        self.bus.close()
        for _ in range(seconds):
            self.slave.now_ms += 1000
            self.engine.advance(ticks_diff(self.slave.now_ms, START_MS), False)


# name: profile, its map, where the setpoint is, the raw value that -20,000 W are
WAYS = {
    "704 in W": ("sunspec_battery", [DER, model_words(704, IN_W)], WSET, -20_000),
    "704 in 10 W": ("sunspec_battery", [DER, model_words(704, IN_W | {"WSet_SF": 1})], WSET, -2000),
    "704 in mW": ("sunspec_battery", [DER, model_words(704, IN_W | {"WSet_SF": -3})], WSET,
                  -20_000_000),
    "704 in %": ("sunspec_battery", [DER, model_words(702, {"WMax": 80_000, "W_SF": 1}),
                                     model_words(704, IN_PCT)], WSET_PCT, -250),
    "704 in % of its rating": ("sunspec_battery", [
        DER, model_words(702, {"WMaxRtg": 100_000, "W_SF": 2}), model_words(704, IN_PCT)],
        WSET_PCT, -200),
    "124": ("sunspec_battery", [INVERTER, model_words(124, RATES)], STORAGE, -4000),
    "124 of a hybrid": ("sunspec_hybrid", [
        INVERTER, model_words(160, {"DCW_SF": 0, "module.3.DCW": 0, "module.4.DCW": 0}, length=88),
        model_words(124, RATES)], STORAGE, -4000),
    "64201": ("kaco_gridsave", [INVERTER, model_words(121, {"WMax": 50_000, "WMax_SF": 1}),
                                kaco_words()], KACO, -4000),
}
every_way = pytest.mark.parametrize("way", WAYS)


def bench_of(way, base=40000, fed_by="write", link="tcp"):
    profile_id, models, control, _ = WAYS[way]
    return Bench(profile_id, Engine(chain(base, model_words(1, {}), *models), control, fed_by),
                 link=link)
