"""SunSpec against pysunspec2, which shares no code with us: it scans, reads and commands what we
simulate, and we find, read and command what it describes, on both interpreters."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU, SunSpecModbusClientDeviceTCP

from boards import build, profiles
from boards.serial_port import SerialPort
from edge.devices.bus import Bus
from edge.devices.roles import Storage
from edge.devices.sunspec import driver
from edge.ticks import ticks_diff, ticks_ms
from hil.simulators import serve_rtu, serve_tcp
from hil.sunspec_simulator import Layout, SunspecSimulator, usual
from tests.core.park import snapshot
from tests.devices.bench import LINKS
from tests.devices.sunspec_maps import BASES, chain, model_words

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
HEAP_MAX = 6144

VALUES = {"grid_w": -12_340, "import_wh": 654_300, "export_wh": 7000, "l1_w": -4000, "l2_w": -4340,
          "l3_w": -4000, "pv_w": 45_670, "pv_wh": 123_456_000, "store_w": -23_450, "soc_pm": 425,
          "charge_wh": 10**10, "discharge_wh": 10**9, "charge_max_w": 90_000,
          "discharge_max_w": 80_000}
# profile: the models it may consist of, which judge reads what, and in which unit
SEEN = {
    "sunspec_meter": [(203, "W", "grid_w", 1), (203, "TotWhImp", "import_wh", 1),
                      (203, "WphB", "l2_w", 1)],
    "sunspec_inverter": [(103, "W", "pv_w", 1), (103, "WH", "pv_wh", 1)],
    "sunspec_battery": [(701, "W", "store_w", 1), (713, "SoC", "soc_pm", 10),
                        (701, "TotWhAbs", "charge_wh", 1), (702, "WChaRteMax", "charge_max_w", 1)],
}


class Judge:
    """pysunspec2's client on a port, after its scan."""

    def __init__(self, port):
        self.device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
        self.device.scan()

    def __enter__(self):
        return self.device

    def __exit__(self, *error):
        self.device.close()


def simulated(profile_id, **more):
    heard = []
    return SunspecSimulator(profiles.load(profile_id), lambda: VALUES,
                            lambda name, value: heard.append((name, value)), **more), heard


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("profile_id", SEEN)
def test_pysunspec2_finds_and_reads_what_we_simulate(profile_id, base):
    layout = usual(profiles.load(profile_id), base)
    device, _ = simulated(profile_id, layout=layout)
    with serve_tcp([device]) as port, Judge(port) as found:
        assert found.base_addr == base
        assert [model for model in found.models if isinstance(model, int)] == list(layout.chain)
        for model, point, signal, units in SEEN[profile_id]:
            one = found.models[model][0]
            one.read()
            assert one.points[point].cvalue * units == pytest.approx(VALUES[signal], rel=1e-9)


@pytest.mark.parametrize("model", [101, 102, 111, 112, 113, 201, 202, 204, 211, 212, 213, 214, 802])
def test_any_model_of_a_profile_can_be_what_the_device_has(model):
    profile_id = {1: "sunspec_inverter", 2: "sunspec_meter", 8: "sunspec_battery"}[model // 100]
    signal = {1: "pv_w", 2: "grid_w", 8: "store_w"}[model // 100]
    device, _ = simulated(profile_id, layout=Layout(40000, (1, model)))
    with serve_tcp([device]) as port, Judge(port) as found:
        one = found.models[model][0]
        one.read()
        assert one.points["W"].cvalue == pytest.approx(VALUES[signal], abs=5)


@pytest.mark.parametrize("power", [-1, 0, 2])
def test_pysunspec2_commands_what_we_simulate_in_w(power):
    layout = Layout(40000, (1, 701, 704), power)
    device, heard = simulated("sunspec_battery", layout=layout)
    with serve_tcp([device]) as port, Judge(port) as found:
        control = found.models[704][0]
        control.read()
        control.WSetMod.cvalue = 1
        control.WSet.cvalue = -25_000
        control.WSetRvrtTms.cvalue = 60
        control.WSetEna.cvalue = 1
        control.write()
        control.read()
        assert control.WSet.cvalue == -25_000
    assert ("WSet", -25_000) in heard
    device.advance(0)
    device.advance(60_000)
    assert heard[-1] == ("WSet", 0), "the reversion timer bites"


def test_pysunspec2_commands_what_we_simulate_in_per_cent():
    device, heard = simulated("sunspec_hybrid", rated_w=80_000)
    with serve_tcp([device]) as port, Judge(port) as found:
        storage = found.models[124][0]
        storage.read()
        assert storage.WChaMax.cvalue == 80_000
        storage.OutWRte.cvalue = -25.5
        storage.InWRte.cvalue = 25.5
        storage.StorCtl_Mod.cvalue = 3
        storage.write()
    assert ("OutWRte", -20_400) in heard


def test_pysunspec2_and_our_driver_find_the_same_on_a_serial_line():
    device, heard = simulated("sunspec_battery")
    with serve_rtu([device]) as path:
        found = SunSpecModbusClientDeviceRTU(slave_id=1, name=path, baudrate=9600)
        found.scan()
        battery = found.models[701][0]
        battery.read()
        assert battery.W.cvalue == VALUES["store_w"]
        found.models[704][0].WSet.cvalue = -5000
        found.models[704][0].write()
        found.close()
        assert heard == [("WSet", -5000)]
        now = snapshot()
        role = Storage(now, 100_000, 100_000, 5000)
        image = profiles.compile_device(profiles.load("sunspec_battery"), "one", 0, 1,
                                        min_w=-50_000, max_w=50_000)
        port = SerialPort({"path": path, "baud": 9600, "parity": "N", "stop": 1, "rs485": 0})
        bus = Bus(LINKS["rtu"] | {"path": path, "timeout_ms": 5000, "gap_ms": 1}, port)
        bus.add(driver(image, [role]))
        start_ms = ticks_ms()
        while ("WSet", -7000) not in heard or now.store_w == 0:
            now_ms = ticks_ms()
            assert ticks_diff(now_ms, start_ms) < 30_000
            role.setpoint_w, role.setpoint_ms = -7000, now_ms
            time.sleep(bus.step(now_ms) / 1000)
        bus.close()
    assert now.store_w == VALUES["store_w"]


# What pysunspec2 describes, served by pymodbus, found by our driver.


class Served:
    """Registers behind pymodbus' server; `writes` are those that were written."""

    fault = None

    def __init__(self, words, unit):
        self.words, self.unit, self.writes = words, unit, []
        self.readable = {3: set(words)}

    def read(self, fc, addr, count):
        wanted = range(addr, addr + count)
        return [self.words[at] for at in wanted] if fc == 3 and self.words.keys() >= set(wanted) \
            else None

    def write(self, fc, addr, words):
        self.words.update(enumerate(words, addr))
        self.writes.append((addr, words))
        return True


OFF = {"WSetEna": 0, "WSetMod": 0, "WSet_SF": 1, "WSet": 0, "WSetRvrt": 0, "WSetEnaRvrt": 0,
       "WSetRvrtTms": 0}
COMMON = model_words(1, {"Mn!": "Maker", "Md!": "Model", "SN!": "1"})
DER = model_words(701, {"W": -20_000, "W_SF": 1, "TotWhInj": 10**12, "TotWhAbs": 10**12,
                        "TotWh_SF": 0})
STORE = model_words(713, {"SoC": 42.5, "Pct_SF": -1})
METER = chain(50000, COMMON, model_words(213, {"W": 123_400.0, "TotWhImp": 5_000_000.0}))


def images(poll_ms):
    meter = profiles.load("sunspec_meter")
    meter = replace(meter, signals={name: meter.signals[name]
                                    for name in ("grid_w", "import_wh", "export_wh")})
    return [profiles.compile_device(meter, "meter", 0, 2, poll_ms=poll_ms),
            profiles.compile_device(profiles.load("sunspec_battery"), "battery", 0, 1,
                                    poll_ms=poll_ms, min_w=-50_000, max_w=50_000)]


@pytest.fixture
def site(tmp_path):
    """A meter and a battery behind one pymodbus server: its port, images, and the battery."""
    battery = Served(chain(40000, COMMON, DER, STORE, model_words(704, OFF)), unit=1)
    (tmp_path / "images.json").write_text(json.dumps(images(100)))
    with serve_tcp([Served(METER, unit=2), battery]) as port:
        yield port, tmp_path / "images.json", battery


STORY = "True\n123400 5000000 -20000 425 -30000\nTrue\n0 2 0 0 False\n"


def check(battery):
    at = 40000 + 2 + len(COMMON) + len(DER) + len(STORE)
    assert (at + 24, [0xFFFF, 0xF448]) in battery.writes, "-3000 steps of 10 W"
    assert battery.writes[-2:] == [(at + 24, [0, 0]), (at + 22, [0])], "0 W, and let go"


def test_on_a_socket_under_cpython(site):
    port, path, battery = site
    done = subprocess.run([sys.executable, HERE / "bus_client.py", "127.0.0.1", str(port), path,
                           "-30000", "425"], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == STORY
    check(battery)


def test_on_a_socket_under_micropython(site, micropython):
    port, path, battery = site
    done = micropython.run(HERE / "bus_client.py", "127.0.0.1", str(port), path, "-30000", "425")
    assert done.stdout == STORY
    check(battery)


@pytest.fixture
def case(tmp_path):
    """What sunspec_scenario.py plays."""
    meter, battery = images(1000)
    path = tmp_path / "case.json"
    path.write_text(json.dumps({
        "images": [battery, meter], "meter": METER,
        "battery": chain(0, COMMON, DER, STORE, model_words(704, OFF)),
        "moved": chain(0, COMMON, model_words(702, {"WChaRteMax": 4000, "W_SF": 0}), DER, STORE,
                       model_words(704, OFF))}))
    return path


def test_the_same_story_on_both_interpreters_and_from_a_built_tree(case, micropython):
    script = HERE / "sunspec_scenario.py"
    here = subprocess.run([sys.executable, script, case], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True).stdout
    assert len(here.splitlines()) > 1000
    assert here.count("charge_max_w 4000"), "the moved models were found"
    assert micropython.run(script, case, heap="4m").stdout == here
    tree = case.parent / "tree"
    for name in build.closure(["edge.devices.bus", "edge.devices.sunspec"]):
        target = tree / build.source(name).relative_to(ROOT).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(build.compile_module(name))
    built = subprocess.run([*micropython.command, "-X", "heapsize=4m", script, case],
                           env={"MICROPYPATH": f"{tree}:{ROOT}:.frozen"},
                           capture_output=True, text=True, check=False)
    assert built.stdout == here, built.stderr


def test_two_devices_are_small_and_do_not_grow(case, micropython):
    told = micropython.run(HERE / "sunspec_scenario.py", case, "weigh", heap="512k").stdout
    size, grown = map(int, told.split()[1:])
    assert 2000 < size <= HEAP_MAX
    assert grown <= 0
