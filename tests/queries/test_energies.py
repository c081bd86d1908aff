"""Holes in the rows, filled by the energies of quarter-hours: exactly, or not at all.

The second opinion is what a made-up gateway has really counted in each minute. Messages of both its
streams are lost, births among them; it starts anew, and its registers with it.
"""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import batch_bulk
from cloud_bridge.queries import answers
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps
from cloud_bridge.queries.spans import Span, utc_of
from edge.energies import ENERGY
from edge.outbox import GAP
from tests.queries.stores import DAY_UTC, NAMES, batch, birth, energy, fill, row

HOURS = 4
END_UTC = DAY_UTC + HOURS * 3_600
VITAL = 10  # epoch of the energies; 9 is that of the rows
UTC = ZoneInfo("UTC")


class Sent(NamedTuple):
    """Messages (seq, kind, body, epoch) and when each began; what was counted in each minute by its
    beginning; times of rows by their message; when its lives began and ended."""

    messages: list[tuple[int, int, bytes, int]]
    times: list[int]
    counted: dict[int, int]
    rows: dict[int, list[int]]
    edges: list[int]

    def is_one_life(self, start, end):
        """Else what came after the last reading of a life is in none."""
        return not any(start - 120 <= edge <= end + 120 for edge in self.edges)


@st.composite
def gateways(draw):
    """One that runs for some hours, in one to three lives, each from one second to another."""
    period_s, late_s = draw(st.sampled_from([15, 30, 60])), draw(st.integers(0, 9))
    cuts = sorted(draw(st.sets(st.integers(1, HOURS * 3_600), max_size=2) | st.sets(
        st.integers(2_000, 10_000), min_size=1, max_size=3)))
    edges = [DAY_UTC - draw(st.integers(0, 2_000)), *(DAY_UTC + cut for cut in cuts), END_UTC + 900]
    untold = draw(st.sets(st.integers(0, 4 * HOURS), max_size=4))  # quarter-hours without a word
    sent = Sent([], [], {}, {}, [])
    for begin, end in pairwise(edges):
        begin += draw(st.sampled_from([0, 5, 400]))
        is_graceful = draw(st.booleans())
        if begin < end:
            growth = draw(st.integers(1, 97)), draw(st.sampled_from([1, 30, 900]))
            _live(sent, begin, end, (period_s, late_s), growth, untold, is_graceful)
    return sent


@st.composite
def losses(draw):
    """(epoch, from, s): hours of rows, and some energies of that time."""
    first, s = draw(st.integers(-2_000, 7_200)), draw(st.integers(600, 12_000))
    return [(9, first, s), *((VITAL, first + at, length) for at, length in draw(st.lists(
        st.tuples(st.integers(-2_000, 12_000), st.sampled_from([300, 1_800])),
        max_size=4)))]


def _live(sent, begin, end, times, growth, untold, is_graceful):
    period_s, late_s = times
    sent.edges.extend((begin, end))
    stood, rows, quarters = {begin // 60 * 60: 0}, [], []
    for minute in range(begin // 60 * 60 + 60, end + 1, 60):  # the first one began before
        grown = minute * growth[0] % 811 * growth[1] if minute - 60 >= begin else 0
        sent.counted[minute - 60] = sent.counted.get(minute - 60, 0) + grown
        stood[minute] = stood[minute - 60] + grown

    def at(utc):
        return stood[utc // 60 * 60]

    for utc in range(begin, end, period_s):
        rows.append(row(utc, import_wh=at(utc), cost_e4=-at(utc)))
    for utc in range(-(-begin // 900) * 900 + late_s, end, 900):
        if (utc - DAY_UTC) // 900 not in untold:
            quarters.append(energy(utc, at(utc), -at(utc)))
    if is_graceful:
        quarters.append(energy(end - 1, at(end - 1), -at(end - 1)))
    for epoch, kind, some, size in ((9, 1, rows, 12), (VITAL, ENERGY, quarters, 2)):
        _send(sent, epoch, 2, birth(period_s), begin)
        for i in range(0, len(some), size):
            seq = _send(sent, epoch, kind, batch(some[i:i + size]),
                        DAY_UTC + (some[i][0] - 9_500) * 86_400 + some[i][1])
            if kind == 1:
                sent.rows[seq] = [begin + k * period_s
                                  for k in range(i, min(i + size, len(rows)))]


def _send(sent, epoch, kind, body, utc):
    sent.times.append(utc)
    seq = 1 + sum(one[3] == epoch for one in sent.messages)
    sent.messages.append((seq, kind, body, epoch))
    return seq


def asked(resolution="15min"):
    return Span(DAY_UTC, END_UTC, resolution, UTC)


def told_of(archive, most=10_000):
    """Intervals of three sizes, in pages of so many, and gaps."""
    archive.refresh(*NAMES)
    told = {"gaps": gaps(archive, *NAMES, asked("raw"), END_UTC)}
    for resolution in ("15min", "1h", "1d"):
        span, told[resolution] = asked(resolution), []
        while True:
            page = answers.page(archive, *NAMES, span, most)
            told[resolution] += page.found
            if page.next is None:
                break
            span = span._replace(start=page.next)
    return told


def moved_in(sent, start, end):
    return sum(grown for minute, grown in sent.counted.items() if start <= minute < end)


def check(sent, told):
    """No interval and no hole says more than was counted in it, and one that says it knows of each
    second of a life tells all of it."""
    for resolution, size_s in (("15min", 900), ("1h", 3_600), ("1d", HOURS * 3_600)):
        for one in told[resolution]:
            start = utc_of("time", one["time"], UTC)
            really = moved_in(sent, start, start + size_s)
            moved = one.get("import_wh.moved") or 0
            assert 0 <= moved <= really
            assert (one.get("cost_e4.moved") or 0) == -moved
            assert one["covered_s"] + one["energies_s"] <= size_s
            if one["covered_s"] + one["energies_s"] == size_s and "field_2.last" not in one and \
                    sent.is_one_life(start, start + size_s):  # and its rows have their names
                assert moved == really
    assert told["gaps"]["energies_s"] <= told["gaps"]["uncovered_s"]
    for one in told["gaps"]["uncovered"]:
        start, end = (utc_of("time", one[name], UTC) for name in ("start", "end"))
        if any(start < edge < end for edge in sent.edges):  # nothing is known across a restart
            assert one["energies_s"] < one["s"]
        # The row before it speaks for at most a minute, and stood as of a minute before that.
        assert 0 <= one["moved"].get("import_wh", 0) <= moved_in(sent, start - 120, end + 60)


@settings(max_examples=12, deadline=None)
@given(gateways(), losses())
def test_what_is_told_of_a_hole_was_counted_in_it(sent, losses):
    lost = {i for epoch, first, s in losses for i, utc in enumerate(sent.times)
            if sent.messages[i][3] == epoch and first <= utc - DAY_UTC < first + s}
    kept = [one for i, one in enumerate(sent.messages) if i not in lost]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "park.db")
        fill(path, kept[::2])
        grown = Path(folder, "grown")
        if kept[::2]:
            with Archive.open(path, grown) as archive:
                told_of(archive)
        fill(path, kept[1::2])
        if not kept:
            return
        with Archive.open(path, grown) as one, Archive.open(path, ":memory:") as other:
            told = told_of(one)
            assert told == told_of(other, most=7)
            with pytest.MonkeyPatch.context() as patch, Archive.open(path, ":memory:") as plain:
                patch.setattr(batch_bulk, "np", None)
                assert told_of(plain) == told
    check(sent, told)


@settings(max_examples=12, deadline=None)
@given(gateways(), st.sets(st.integers(2, 130), max_size=60))
def test_with_all_energies_a_hole_costs_no_energy_but_at_a_restart(sent, lost):
    """Between the first reading of a life and its last the sum is the register's difference."""
    births = [seq for seq, kind, _, epoch in sent.messages if kind == 2 and epoch == VITAL]
    lost &= sent.rows.keys()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "park.db")
        fill(path, [one for one in sent.messages if one[3] == VITAL or one[0] not in lost])
        with Archive.open(path) as archive:
            told = told_of(archive)
    check(sent, told)
    if len(births) == 1:
        known = min(utc for seq, utcs in sent.rows.items() if seq not in lost for utc in utcs) \
            if len(lost) < len(sent.rows) else END_UTC
        for one in told["15min"]:
            start = utc_of("time", one["time"], UTC)
            if start >= max(known, min(sent.rows[2]) + 899):
                assert one["covered_s"] + one["energies_s"] == 900
                assert one["import_wh.moved"] == moved_in(sent, start, start + 900)


def test_a_birth_that_was_lost_with_the_rest_proves_nothing(tmp_path):
    """The register stands higher than before, though it began anew meanwhile."""
    path = tmp_path / "park.db"
    fill(path, [(1, 2, birth(), VITAL), (2, ENERGY, batch([energy(DAY_UTC, 100)]), VITAL),
                (4, ENERGY, batch([energy(DAY_UTC + 900, 600)]), VITAL)])
    with Archive.open(path) as archive:
        (one,) = told_of(archive)["1d"]
        assert (one["energies_s"], one.get("import_wh.moved")) == (0, None)
        fill(path, [(3, 3, b"a leaf", VITAL)])  # it was no birth
        one, rest = told_of(archive)["15min"]
        assert (one["energies_s"], one["import_wh.moved"], one["import_wh.last"]) == (900, 500, 600)
        assert (rest["covered_s"], rest["energies_s"]) == (0, 0)
        fill(path, [(5, 2, birth(), VITAL)])
        fill(path, [(6, ENERGY, batch([energy(DAY_UTC + 1_800, 900)]), VITAL)])
        assert told_of(archive)["1d"][0]["import_wh.moved"] == 500
        assert "grid_w.mean" not in one


def test_carbon_is_told_as_rows_tell_it(tmp_path):
    path, fields = tmp_path / "park.db", ("day", "second", "carbon_kg", "carbon_g")
    fill(path, [(1, 2, birth(fields=fields), VITAL),
                (2, ENERGY, batch([energy(DAY_UTC, carbon_mg=1_999),
                                   energy(DAY_UTC + 900, carbon_mg=31_000)]), VITAL),
                (1, GAP, msgpack.packb([1, 1, 1]))])
    with Archive.open(path) as archive:
        told = told_of(archive)
    assert (told["15min"][0]["carbon_g.moved"], told["15min"][0]["carbon_g.last"]) == (30, 31)
    assert told["gaps"]["uncovered"][0]["moved"] == {"carbon_g": 30}
    assert told["gaps"]["uncovered"][0]["energies_s"] == 900


@pytest.mark.parametrize("version", [1, 2])
def test_an_index_of_a_release_before_is_made_anew(tmp_path, version):
    path = tmp_path / "park.db"
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC)]))])
    with Archive.open(path, tmp_path / "i") as archive:
        told = told_of(archive)
        for table in ("media", "energies")[:3 - version]:
            archive.index._db.execute(f"DROP TABLE {table}")
        archive.index._db.execute(f"PRAGMA user_version = {version}")
    with Archive.open(path, tmp_path / "i") as archive:
        assert told_of(archive) == told


HALF_HOUR = [energy(DAY_UTC - 900, 100), energy(DAY_UTC, 200), energy(DAY_UTC + 900, 800),
             energy(DAY_UTC + 1_800, 900)]


@pytest.mark.parametrize(("vital", "known_s", "moved"), [
    ([(1, 2, birth()), (2, ENERGY, batch(HALF_HOUR))], 1_170, 550),
    ([(1, 2, birth()), (2, ENERGY, batch(HALF_HOUR[:2])), (3, 2, birth()),
      (4, ENERGY, batch(HALF_HOUR[2:]))], 315, 50),  # another life
    ([(1, 2, birth()), (2, ENERGY, batch(HALF_HOUR[:2])), (4, ENERGY, batch(HALF_HOUR[2:]))],
     315, 50),  # 3 may have been a birth
    ([(1, 2, birth()), (2, ENERGY, batch(HALF_HOUR[:2]))], 0, None),
])
def test_a_row_and_an_energy_are_of_one_life_when_it_is_proven(tmp_path, vital, known_s, moved):
    """The rows' next message is missing: their own stream does not say that a life goes on."""
    path = tmp_path / "park.db"
    fill(path, [(1, 2, birth()), (2, 1, batch([row(DAY_UTC + 15, import_wh=200),
                                               row(DAY_UTC + 30, import_wh=300)])),
                (4, 1, batch([row(DAY_UTC + 1_215, import_wh=850)]))])
    fill(path, [(*one, VITAL) for one in vital])
    span = asked()._replace(end=DAY_UTC + 1_800)
    with Archive.open(path) as archive:
        archive.refresh(*NAMES)
        found = gaps(archive, *NAMES, span, END_UTC)["uncovered"]
    (hole,) = [one for one in found if one["start"].endswith("00:00:45Z")]
    assert (hole["s"], hole["energies_s"]) == (1_170, known_s)
    assert hole["moved"].get("import_wh") == moved
