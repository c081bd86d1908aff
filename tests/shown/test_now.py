"""What is so now: whole, the same on every interpreter, and null where nothing is known."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.image import compile_site
from edge.controller import Controller
from edge.now import BYTES, Now
from edge.site import Site
from tests.boards.sites import valid
from tests.conftest import ROOT, Interpreter
from tests.core.park import Park, image

SCRIPT = Path(__file__).with_name("now_script.py")
MADE = image(without=("phase", "share"))
SECOND = 36_000
SITES = sorted(path for path in ROOT.glob("examples/*/*.toml") if "\n[site]" in path.read_text())


def tell(site: Site, made: dict[str, Any] = MADE, now_ms: int = SECOND * 1000 + 250
         ) -> dict[str, Any]:
    """What is written of a site, as somebody else reads it."""
    buf = bytearray(BYTES + 10)
    now = Now(site, made)
    end = now.write(buf, 5, now_ms)
    assert now.cut == 0
    assert buf[:5] == bytes(5)
    assert buf[end:] == bytes(len(buf) - end)
    told: dict[str, Any] = json.loads(buf[5:end])
    return told


def lived(**readings: int) -> Park:
    """A park a quarter of a minute old, with the same readings all the time."""
    park = Park(image(without=("phase", "share")))
    for second in range(SECOND - 15, SECOND + 1):
        park.fresh_beat(second, **{"grid_w": 300_000, "store_w": 0, "pv_w": 20_000, "soc_pm": 400,
                                   **readings})
    return park


def test_every_interpreter_says_the_same(micropython: Interpreter, tmp_path: Path) -> None:
    path = tmp_path / "image.json"
    path.write_text(json.dumps(MADE))
    here = subprocess.run([sys.executable, SCRIPT, path], cwd=ROOT, capture_output=True, text=True,
                          check=True, env={"PYTHONPATH": str(ROOT)}).stdout
    assert micropython.run(SCRIPT, path).stdout == here
    *states, cut = here.splitlines()
    assert cut == "0"
    first, last = json.loads(states[0]), json.loads(states[-1])
    assert (first["grid_w"], first["grid_age_ms"], first["grid_fresh"]) == (None, None, 0)
    assert (first["load_w"], first["by"], first["trusted"]) == (None, "fresh", 0)
    assert (last["fault"], last["trusted"], last["by"], last["gate"]) == (1, 0, None, 7)
    assert last["load_mg_per_kwh"] == 570_300
    loads = {state["load_w"] for state in map(json.loads, states)}
    assert loads == {None, 450_000, 480_000}, "without PV, and with it"


def test_it_says_what_the_journal_says() -> None:
    park = lived(grid_w=900_000)
    told, row = tell(park.site), park.row
    for name in ("day", "second", "grid_w", "pv_w", "store_w", "soc_pm", "command_w", "lo_w",
                 "hi_w", "demand_w", "peak_w", "price_e4"):
        assert told[name] == row[name], name
    names = park.site.rule_names
    assert (told["lo_by"], told["hi_by"]) == (names[row["lo_by"]], names[row["hi_by"]])
    assert told["by"] == told["lo_by"] == "contract"
    assert told["command_w"] > 0
    assert told["load_w"] == 920_000
    assert (told["beat_age_ms"], told["grid_age_ms"]) == (250, 250)
    assert [told[f"{name}_fresh"] for name in ("grid", "pv", "store", "soc")] == [1, 1, 1, 1]


def test_a_reading_newer_than_the_beat_is_told_and_an_old_one_is_stale() -> None:
    park = lived()
    park.site.grid_meter.take("grid_w", 310_000, SECOND * 1000 + 200)
    told = tell(park.site)
    assert (told["grid_w"], told["grid_age_ms"], told["store_age_ms"]) == (310_000, 50, 250)
    park.beat(now_ms=(SECOND + 30) * 1000, second=SECOND + 30)
    told = tell(park.site, now_ms=(SECOND + 30) * 1000)
    assert [told[f"{name}_fresh"] for name in ("grid", "pv", "store", "soc")] == [0, 0, 0, 1]
    assert (told["load_w"], told["trusted"], told["by"]) == (None, 0, "fresh")
    assert told["grid_age_ms"] == 30_000


def test_a_target_is_told_when_there_is_one() -> None:
    assert tell(lived().site)["target_w"] is None, "nothing is learned yet"
    made = image(without=("phase", "share"), rules={"demand": {"target_w": 350_000}})
    park = Park(made)
    park.fresh_beat(SECOND, grid_w=300_000, store_w=0, soc_pm=400)
    told = tell(park.site, made)
    assert told["target_w"] == 350_000
    assert told["hold_w"] > 0
    assert told["left_s"] == 900
    few = image(without=("phase", "share", "demand"))
    assert tell(Park(few).site, few)["target_w"] is None


@pytest.mark.parametrize("path", SITES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_example_is_told(path: Path) -> None:
    """Of several batteries and of an island, too."""
    made = compile_site(valid(path))
    site = Site(copy.deepcopy(made))
    Controller(site).beat(1000, 9657, 0)
    told = tell(site, made, 1250)
    assert (told["gateway"], told["fault"]) == (made["site"]["gateway"], 0)
    assert told["by"] == {"depot": "device", "clinic": "island"}.get(path.parent.name, "fresh")
    assert (told["beat_age_ms"], told["load_w"]) == (250, None)


def test_the_widest_leaves_room_for_other_parts() -> None:
    made = image(without=("phase", "share", "curtail"),
                 site={"park": "p" * 32, "gateway": "g" * 32})
    site = Site(made)
    Controller(site).beat(0, 0, 0)
    now = site.now
    for name, value in vars(now).items():
        if type(value) is int and name not in ("flags", "known"):
            setattr(now, name, -(1 << 30))
    for at in range(len(now.row)):
        now.row[at] = -(1 << 30)
    now.known = now.flags = 255 & ~64
    now.grid_ms = now.pv_ms = now.store_ms = now.soc_ms = 0
    site.rule_names[:] = ["x" * 12] * len(site.rule_names)
    site.envelope.lo_w = site.envelope.hi_w = -(1 << 30)
    usual = len(tell(site, made))
    site.live = [lambda put: [put(f"part_number_{part}_mg_per_kwh", 2_000_000)
                              for part in range(7)]]
    buf = bytearray(BYTES)
    writer = Now(site, made)
    end = writer.write(buf, 0, (1 << 29) - 1)
    assert writer.cut == 0
    assert len(json.loads(buf[:end])) == usual + 7


@settings(max_examples=40)
@given(st.lists(st.tuples(st.from_regex("[a-z_0-9]{1,40}", fullmatch=True), st.one_of(
    st.none(), st.integers(-2**31, 2**31), st.from_regex("[a-z_0-9-]{0,40}", fullmatch=True)))))
def test_too_much_is_left_out_whole(pairs: list[tuple[str, Any]]) -> None:
    site: Any = Site(MADE)
    site.live = [lambda put: [put(name, value) for name, value in pairs]]
    buf = bytearray(BYTES + 3)
    now = Now(site, MADE)
    end = now.write(buf, 3, 0)
    assert end <= len(buf)
    told = json.loads(buf[3:end], object_pairs_hook=list)
    kept = told[-(len(pairs) - now.cut):] if len(pairs) > now.cut else []
    rest = iter(pairs)
    assert all(any(pair == other for other in rest) for pair in kept), "in order, none altered"
    assert not now.cut or end > len(buf) - 100
