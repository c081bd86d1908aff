"""The picture: well-formed, inside its frame, and no peak is lost in drawing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.picture import Day, draw
from tests.hil.little import ROOT

KW = st.floats(-500, 1500)


def day(kw: list[float], minutes: int = 1440, dear: float = 1.0) -> Day:
    line = [kw[at % len(kw)] for at in range(minutes)]
    quarters = minutes // 15
    return Day(load=line, grid=line, battery=line, demand=[max(line)] * quarters,
               target=[0.0, *[400.0] * (quarters - 1)], soc=[50.0] * (quarters + 1),
               price=[0.3, *[dear] * (quarters - 1)], strip=[-1, *[0] * (quarters - 1)])


@given(st.lists(KW, min_size=1, max_size=50), st.sampled_from([358, 940]), st.floats(-2, 2))
@settings(max_examples=30)
def test_everything_lies_inside_the_frame(kw: list[float], width: int, dear: float) -> None:
    root = ElementTree.fromstring(draw(day(kw, dear=dear), width))
    _, _, wide, high = (float(part) for part in root.attrib["viewBox"].split())
    assert wide == width
    for path in root.iter("path"):
        for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path.attrib["d"]):
            assert 0 <= float(x) <= wide
            assert 0 <= float(y) <= high
    for text in root.iter("text"):
        assert 0 <= float(text.attrib["y"]) <= high


@pytest.mark.parametrize("width", [358, 940])
@given(at=st.integers(0, 1439))
@settings(max_examples=20)
def test_a_peak_of_one_minute_is_drawn(width: int, at: int) -> None:
    line = [100.0] * 1440
    line[at] = 777.0
    quiet, loud = day([100.0]), day([100.0])._replace(load=line)
    top = {name: min(float(y) for _, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path))
           for name, path in (("quiet", _load(quiet, width)), ("loud", _load(loud, width)))}
    assert top["loud"] < top["quiet"] - 50


def _load(of: Day, width: int) -> str:
    root = ElementTree.fromstring(draw(of, width))
    return next(path.attrib["d"] for path in root.iter("path") if path.attrib["class"] == "load")


def test_the_billed_quarter_hour_is_named() -> None:
    shown = day([10.0])
    demand = [10.0] * 96
    demand[41] = 432.4
    assert ">432 kW 10:15<" in draw(shown._replace(demand=demand), 940)


def test_the_price_is_a_line_with_its_figures() -> None:
    """A dearer hour lies higher, and one below nothing lies below the line of 0."""
    root = ElementTree.fromstring(draw(day([10.0])._replace(
        price=[0.3321] * 40 + [1.0856] * 40 + [-0.05] * 16), 940))
    [line] = [path.attrib["d"] for path in root.iter("path") if path.attrib["class"] == "price"]
    cheap, dear, paid = (float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line))
    assert dear < cheap < paid
    told = [text.text for text in root.iter("text")]
    assert {"0.3321", "1.0856", "-0.05", "price"} <= set(told)


def test_an_unknown_target_leaves_a_gap() -> None:
    root = ElementTree.fromstring(draw(day([10.0]), 940))
    target = next(path for path in root.iter("path") if path.attrib["class"] == "target")
    first = float(re.findall(r"M([\d.]+)", target.attrib["d"])[0])
    assert first > 44  # not from the left edge on


def test_a_day_without_any_power_can_be_drawn() -> None:
    root = ElementTree.fromstring(draw(day([0.0], minutes=60), 358))
    drawn = " ".join(value for node in root.iter() for value in node.attrib.values())
    assert re.search(r"\d", drawn)
    assert not re.search(r"\b(nan|inf)\b", drawn)


def test_the_picture_of_the_readme_stands_by_itself(tmp_path: Path) -> None:
    page = f'<style>p {{ x: y }}</style><div class="wide">{draw(day([10.0]), 940)}</div>'
    report, target = tmp_path / "report.html", tmp_path / "day.svg"
    report.write_text(page, encoding="utf-8")
    subprocess.run([sys.executable, str(ROOT / "tools" / "day_picture.py"), str(report),
                    str(target)], check=True, timeout=60)
    root = ElementTree.fromstring(target.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "x: y" in "".join(root.itertext())
