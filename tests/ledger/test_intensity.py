"""What a kWh carries now: as the ledger books it, the same on a gateway, None while unknown."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ledger.intensity import Intensity
from tests.conftest import ROOT
from tests.ledger.kept import FACTORS, Park, keys_of

SCRIPT = ROOT / "tests" / "ledger" / "intensities.py"
GRID, PV = FACTORS[0][0], FACTORS[0][4]


class Lived(Park):
    """A park whose minutes the test makes: import, discharge, direct line, PV, charge, export."""

    def __init__(self):
        super().__init__(keys_of([]))
        self.intensity = Intensity(self.site, self.keeper.book)

    def live(self, *powers_w, direct=True):
        flows, site = self.site.flows, self.site
        imported, discharged, line, pv, charged, exported = powers_w
        flows.import_ws, flows.discharge_ws, flows.pv_ws = 60 * imported, 60 * discharged, 60 * pv
        flows.charge_ws, flows.export_ws, flows.seconds = 60 * charged, 60 * exported, 60
        for meter, w in ((0, imported), (2, discharged), (3, line), (4, pv), (5, charged),
                         (6, exported)):
            self.ws[meter] += 60 * w
        if direct:
            site.ledger.lines["direct"].take("grid_w", line, 0)
        self.minutes += 1
        if self.minutes % 15 == 0:
            self.read()
        site.now.day, site.now.second = self.minutes // 1440, self.minutes % 1440 * 60
        site.close_minute(site.now.day, site.now.second, 1)

    def told(self):
        found = {}
        self.intensity.tell(lambda name, value: found.update({name: value}))
        return tuple(found[f"{name}_mg_per_kwh"] for name in ("load", "export", "battery"))


def test_nothing_is_told_before_anything_is_known():
    assert Lived().told() == (None, None, None)


def test_the_last_minute_is_told_and_no_older_one():
    park = Lived()
    park.live(100_000, 0, 0, 0, 0, 0)
    assert park.told() == (GRID, None, None)
    park.live(0, 0, 0, 50_000, 0, 10_000)
    assert park.told() == (PV, PV, None)
    park.site.now.second += 60  # a minute that was not measured
    assert park.told() == (None, None, None)


def test_a_silent_line_may_flatter_so_nothing_is_told():
    park = Lived()
    park.live(100_000, 0, 0, 0, 0, 0, direct=False)
    assert park.told() == (None, None, None)


def test_without_load_or_against_physics_there_is_no_mix_for_it():
    park = Lived()
    park.live(0, 0, 0, 50_000, 20_000, 30_000)
    assert park.told() == (None, PV, None)
    park.live(0, 0, 0, 50_000, 60_000, 30_000)
    assert park.told() == (None, None, None)


def test_what_the_battery_gives_counts_as_what_was_charged_and_before_that_as_unknown():
    park = Lived()
    for _ in range(15):
        park.live(0, 100_000, 0, 0, 0, 0)
        assert park.told()[0] == FACTORS[0][2]
    park.work()  # opens the account
    park.site.now.soc_pm = 0
    for _ in range(15):
        park.live(100_000, 0, 0, 100_000, 200_000, 0)
    assert park.told() == (None, None, None)
    park.site.now.soc_pm = 125
    for _ in range(2):  # booked in the second half
        for _ in range(15):
            park.live(100_000, 0, 0, 100_000, 200_000, 0)
        park.work()
    assert park.told()[2] == GRID // 2
    park.live(0, 80_000, 0, 0, 0, 0)
    assert park.told()[0] == GRID // 2


@settings(max_examples=25)
@given(st.integers(50_000, 300_000), st.integers(0, 300_000), st.integers(0, 300_000),
       st.integers(0, 1000))
def test_a_steady_quarter_hour_is_booked_as_it_was_told(imported, direct, pv, part_pm):
    """To a part in ten thousand, and to a Wh of every minute: registers count whole ones."""
    park = Lived()
    park.site.now.soc_pm = 0
    for _ in range(30):
        park.live(imported, 0, direct, pv, 0, pv * part_pm // 1000)
        if park.minutes % 15 == 0:
            park.keeper._ledger.close()
            while park.keeper.book.busy:
                park.keeper.book.step()
    load, export, battery = park.told()
    assert battery is None
    view, flows = park.keeper.book.views[0], park.keeper.book.matrix.total
    for booked, told, wh in ((view.load, load, sum(flows[0::3])),
                             (view.export, export or 0, sum(flows[2::3]))):
        assert abs(booked - told * wh) <= told * wh // 10_000 + 15 * GRID


@pytest.mark.parametrize("micropython", ["i386"], indirect=True)
def test_both_interpreters_tell_the_same(micropython):
    here = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60).stdout
    assert micropython.run(SCRIPT, heap="256k").stdout == here
    lines = here.splitlines()
    assert lines[0] == "[None, None, None]"
    for told in zip(*map(ast.literal_eval, lines), strict=True):
        assert len(set(told) - {None}) >= 4
