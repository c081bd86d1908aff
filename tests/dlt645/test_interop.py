"""On a real socket and a real terminal: PyPI's dlt645 as the judge, and our own meter; read by
CPython and by a 32-bit MicroPython."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from hil.dlt645_meter import Demand
from tests.conftest import ROOT
from tests.dlt645.meters import ALL, CT, NUMBER, Plant, image, meter
from tests.dlt645.served import on_socket, on_terminal, pypi

HERE = ROOT / "tests" / "dlt645"
KNOWN = ("grid_w", "l1_w", "l2_w", "l3_w", "import_wh", "import_t1_wh", "import_t4_wh", "export_wh",
         "present_demand_w", "max_demand_w", "max_demand_at", "v_l3_mv", "f_mhz")
MOMENT = ((26 * 12 + 5) * 31 + 9) * 1440 + 13 * 60 + 45
JUDGED = {  # of what PyPI's server holds (served.py), as the secondary side of 120
    "grid_w": -12_345_6 * 12, "l1_w": 480_000, "l2_w": -780_000, "l3_w": 12,
    "import_wh": 123_456 * 1200, "import_t1_wh": 100_001 * 1200, "import_t4_wh": 405 * 1200,
    "export_wh": 7_890 * 1200, "present_demand_w": 1_380_000, "max_demand_w": 2_814_804,
    "max_demand_at": MOMENT, "v_l3_mv": 222_300, "f_mhz": 49_980}


@pytest.fixture(params=["cpython", "micropython"])
def client(request, tmp_path):
    """Run the client; what it prints."""
    micropython = request.getfixturevalue("micropython")

    def run(link, place, *signals, number=NUMBER):
        file = tmp_path / "image.json"
        file.write_text(json.dumps(image(*signals, number=number, poll_ms=100)))
        words = [str(file), link, place, *signals]
        if request.param == "micropython":
            return micropython.run(HERE / "client.py", *words, heap="192k").stdout
        return subprocess.run([sys.executable, HERE / "client.py", *words], cwd=ROOT, text=True,
                              env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True).stdout

    return run


def told(text):
    """Values by name, and the bus's counts."""
    *lines, counts = text.splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines}, counts


@pytest.fixture(scope="module", params=["dlt645", "dlt645_tcp"])
def judge(request):
    """PyPI's server, which takes seconds to start: the link and the place."""
    with pypi(NUMBER, request.param) as place:
        yield request.param, place


def test_another_s_server_is_read_right(client, judge):
    """It has no blocks, so all is read in parts; it is found by its number."""
    values, counts = told(client(*judge, *KNOWN))
    assert values == JUDGED
    assert counts == "0 0 0 0"


def test_another_s_server_is_found_without_its_number(client, judge):
    values, _ = told(client(*judge, "grid_w", number="A" * 12))
    assert values == {"grid_w": JUDGED["grid_w"]}


@contextmanager
def own(link):
    """Our meter, which has blocks and cuts them in two."""
    plant = Plant(-123_456)
    plant.import_wh, plant.export_wh = 987_654_321, 12_345_678
    demand = Demand(highest_w=345_600.0, highest_at=0)
    one = meter(plant, demand=demand, frame_max=13)
    with (on_terminal(one) if link == "dlt645" else on_socket(one)) as place:
        yield one, place


@pytest.mark.parametrize("link", ["dlt645", "dlt645_tcp"])
def test_our_own_meter_is_read_right(client, link):
    with own(link) as (one, place):
        values, counts = told(client(link, place, *[name for name in ALL if name != "l1_w"]))
    assert values["grid_w"] == -10_288 * 12
    assert values["import_wh"] == 987_654_321 // 1200 * 1200
    assert values["max_demand_w"] == 345_600
    assert values["i_l1_ma"] == 1500 * CT
    assert counts == "0 0 0 0"
    assert any(control == 0x12 for control, _ in one.heard), "what did not fit was fetched"
    assert one.wrong == []


def test_both_interpreters_say_the_same_and_a_driver_is_small(micropython):
    """Ten minutes on the bench, in virtual time: every reading, and the heap it takes."""
    script = HERE / "scenario.py"
    here = subprocess.run([sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=True).stdout.splitlines()
    there = micropython.run(script, heap="256k").stdout.splitlines()
    assert len(here) > 800
    assert there[:-1] == here[:-1]
    size, grown = map(int, there[-1].split())
    assert 1000 < size < 6144
    assert grown == 0
