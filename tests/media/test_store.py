"""Frames of meters in a store: each once, told by every question, whatever came twice or late."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.carbon import readings
from cloud_bridge.fields import DocumentError
from cloud_bridge.media import Meter, Reading
from cloud_bridge.queries import answers, media
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.spans import span
from edge.media import MEDIA
from tests.media.meters import HEAT, WATER, birth, frame
from tests.queries import stores
from tests.queries.stores import DAY_UTC, NAMES, batch, fill, row

VITAL = 10
METERS = (WATER, HEAT)
PLACE = "/".join(NAMES)


def run(*words: object) -> str:
    done = CliRunner().invoke(cloud_bridge, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def frames(n: int, late_s: int = 3) -> list[tuple[int, int, bytes, int]]:
    """A birth and a frame for each quarter-hour's end, from the day's beginning on."""
    return [(1, 2, birth(METERS), VITAL), *(
        (2 + place, MEDIA, frame(METERS, DAY_UTC + 900 * place + late_s,
                                 [1_000 + 40 * place, 7_000 * place], age_s=2), VITAL)
        for place in range(n))]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "park.db"
    rows = [(1, 2, stores.birth()), *((2 + place, 1, batch([row(DAY_UTC + 900 * place + 15 * each)
                                                           for each in range(60)]))
                                      for place in range(4))]
    fill(path, rows)
    fill(path, frames(9))
    return path


def test_every_question_tells_of_them(store: Path) -> None:
    with Archive.open(store) as archive:
        told = answers.last(archive, *NAMES, DAY_UTC + 9_000)["media"]
        assert told["town-water"] == {
            "medium": "water", "use": "fresh", "unit": "l", "reading": 1_320,
            "time": "2026-01-04T02:00:01Z", "age_s": 1_799}
        assert list(told) == ["district-heat", "town-water"]
        archive.refresh(*NAMES)
        asked = span("2026-01-04T00:00:00Z", "2026-01-04T03:00:00Z", "1h", "UTC", 0)
        found = answers.page(archive, *NAMES, asked, 100).found
        names = answers.columns(archive, *NAMES, "1h")
        lines = answers.table(archive, *NAMES, asked, ["time", *names[-4:]], 100).found
    assert [one.get("town-water_l.moved") for one in found] == [160, 160]
    assert [one.get("district-heat_wh.last") for one in found] == [28_000, 56_000]
    assert {"town-water_l.moved", "town-water_l.last"} <= {*names}
    assert lines[0] == ["2026-01-04T00:00:00Z", 160, 1_160, 28_000, 28_000]


def test_the_commands_tell_of_them(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.jsonl"
    assert "town-water" in run("query", "last", PLACE, "--store", store)
    said = json.loads(run("query", "media", PLACE, "--store", store, "--start", "2026-01-04",
                          "--end", "2026-01-05", "--out", out, "--json"))
    assert said == {"file": str(out), "meters": 2, "readings": 18}
    with out.open("rb") as lines:
        found = readings.parse(lines, "x")
    assert {*found} == {*METERS}
    assert found[WATER][2] == Reading(DAY_UTC + 1_803, 1_080, 2, 0)


@settings(max_examples=15)
@given(order=st.permutations(range(7)), twice=st.lists(st.integers(0, 6), max_size=5),
       cut=st.integers(0, 7))
def test_each_is_there_once_however_it_came(tmp_path_factory: pytest.TempPathFactory,
                                            order: list[int], twice: list[int], cut: int) -> None:
    path = tmp_path_factory.mktemp("s") / "park.db"
    sent = frames(6)
    coming = [sent[place] for place in [*order, *twice]]
    fill(path, coming[:cut])
    if cut:
        with Archive.open(path) as archive:
            archive.refresh(*NAMES)  # half of it is read in already
    fill(path, coming[cut:])
    with Archive.open(path) as archive:
        archive.refresh(*NAMES)
        shown = media.readings(archive, *NAMES, DAY_UTC, DAY_UTC + 86_400)
    assert [one.value for one in shown[WATER]] == [1_000 + 40 * place for place in range(6)]
    assert [one.value for one in shown[HEAT]] == [7_000 * place for place in range(6)]


def test_a_frame_that_nobody_can_read_is_told_and_is_no_reading(tmp_path: Path) -> None:
    path = tmp_path / "park.db"
    sent = frames(3)
    sent[2] = (3, MEDIA, b"\x02rubbish", VITAL)
    sent.append((5, MEDIA, frame((WATER,), DAY_UTC + 2_700, [5]), VITAL))  # of other meters
    fill(path, sent)
    with Archive.open(path) as archive:
        archive.refresh(*NAMES)
        shown = media.readings(archive, *NAMES, DAY_UTC, DAY_UTC + 86_400)
        assert archive.index.unreadable(archive.gateway(*NAMES)) == 1
    assert [one.value for one in shown[WATER]] == [1_000, 1_080]


@given(st.builds(Reading, st.integers(946_684_800, 4_102_444_800), st.integers(0, 2**53 - 1),
                 st.integers(0, 3599), st.integers(0, 2**30)), st.sampled_from(METERS))
def test_a_line_is_read_as_it_was_written(reading: Reading, meter: Meter) -> None:
    line = readings.line(meter, reading).encode()
    assert readings.parse([line, line], "f") == {meter: [reading, reading]}


@pytest.mark.parametrize(("change", "words"), [
    ({"unit": "kwh"}, "unit: found 'kwh', expected one of l m3"),
    ({"reading": -1}, "reading: found -1"), ({"time": "2026-01-01"}, "time: found '2026-01-01'"),
    ({"age_s": 3600}, "age_s: found 3600"), ({"meter": "=x"}, "meter: found '=x'"),
    ({"colour": 1}, "unknown key 'colour'")])
def test_a_line_that_is_wrong_is_one_line(change: dict[str, object], words: str) -> None:
    good = json.loads(readings.line(WATER, Reading(DAY_UTC, 5)))
    with pytest.raises(DocumentError, match=words):
        readings.parse([json.dumps({**good, **change}).encode()], "f")
