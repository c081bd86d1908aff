"""The same answers with an index that has grown, with a new one, and counted second by second."""

import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import batch_bulk
from cloud_bridge.queries import answers, interval_bulk
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps
from cloud_bridge.queries.spans import Span, text
from edge.outbox import GAP
from tests.queries.stores import DAY_UTC, NAMES, batch, birth, fill, row

FRESH = {"grid_w": 1, "net_w": 3, "soc_pm": 4}
END_UTC = DAY_UTC + 4 * 3_600


class Life:
    """Rows between two births; `first` numbers its messages."""

    def __init__(self, period_s, beat_s, batches):
        self.period_s, self.hold_s = max(period_s, beat_s), max(period_s, beat_s) + 2 * beat_s
        self.beat_s, self.batches = beat_s, batches


@st.composite
def lives(draw):
    """One to three lives; the register of import goes up within one, cost either way."""
    found, utc = [], DAY_UTC + draw(st.integers(0, 3_000))
    step = st.sampled_from([0, 1, 14, 15, 16, 17, 60, 61, 300, 301, 900, 1_500, 4_000, -700])
    for _ in range(draw(st.integers(1, 3))):
        import_wh = cost_e4 = 0
        batches = []
        for _ in range(draw(st.integers(1, 4))):
            rows = []
            for _ in range(draw(st.integers(1, 9))):
                utc += draw(step)
                import_wh += draw(st.integers(0, 900))
                cost_e4 += draw(st.integers(-9_000, 9_000))
                rows.append(row(utc, draw(st.sampled_from([7, 7, 7, 5, 0])),
                                draw(st.integers(-500_000, 500_000)), draw(st.integers(0, 3)),
                                import_wh, cost_e4, draw(st.integers(0, 1_000))))
            batches.append(rows)
        found.append(Life(draw(st.sampled_from([1, 15, 60, 300, 900])),
                          draw(st.sampled_from([1, 10])), batches))
        utc += draw(step)
    return found


def messages_of(found):
    """(seq, kind, body) of every message, and which rows of which life each holds."""
    made, holds, seq = [], {}, 0
    for life in found:
        seq += 1
        made.append((seq, 2, birth(life.period_s, life.beat_s)))
        holds[seq] = (life, [])
        for rows in life.batches:
            seq += 1
            made.append((seq, 1, batch(rows)))
            holds[seq] = (life, rows)
    return made, holds


def second_opinion(holds, missing, start, end, size_s):
    """Covered seconds, mean, least and most of fresh powers, moved and last, second by second. A
    hole in the rows books what registers moved by if all of it is of one interval and life, of
    which no number is missing there."""
    spoken = sorted(((DAY_UTC + (values[0] - 9_500) * 86_400 + values[1], seq, i, life, values)
                     for seq, (life, rows) in holds.items() for i, values in enumerate(rows)),
                    key=lambda one: one[:2])
    told = {}

    def at(utc):
        return told.setdefault(start + (utc - start) // size_s * size_s,
                               {"covered_s": 0, "rows": 0, "grid_w": [], "net_w": [], "soc_pm": [],
                                "import_wh": None, "cost_e4": None, "last": None})

    for i, (utc, _, _, life, values) in enumerate(spoken):
        following = spoken[i + 1] if i + 1 < len(spoken) else None
        joined = following is not None and following[0] - utc <= life.hold_s
        until = following[0] if joined else utc + life.period_s
        at(utc)["rows"] += 1
        for second in [utc, *range(utc + 1, until)]:
            one = at(second)
            one["covered_s"] += 1 if until > utc else 0
            for name, place in (("grid_w", 4), ("net_w", 5), ("soc_pm", 11)):
                if values[3] & FRESH[name] == FRESH[name]:
                    one[name].append((values[place], 1 if until > utc else 0))
            one["last"] = values
        if following is None or following[3] is not life:
            continue
        energy = 1_000 * (following[4][7] - values[7]) + following[4][8] - values[8]
        cost = 10_000 * (following[4][9] - values[9]) + following[4][10] - values[10]
        if energy >= 0:
            minute = following[0] - following[0] % 60 - 1
            booked = max(minute, utc if joined else utc // 60 * 60)
            seqs = range(spoken[i][1], following[1] + 1)
            if joined or (size_s >= 900 and seqs and not missing & {*seqs}
                          and (booked - start) // size_s == (utc // 60 * 60 - start) // size_s):
                one = at(booked)
                one["import_wh"] = (one["import_wh"] or 0) + energy
                one["cost_e4"] = (one["cost_e4"] or 0) + cost
    return {begin: one for begin, one in told.items() if start <= begin < end}


def check(page, opinion):
    """All that the second opinion tells, and no more."""
    found = {one["time"]: one for one in page if one["covered_s"] or one["rows"]}
    assert found.keys() == {text(begin) for begin in opinion}
    for begin, expected in opinion.items():
        one = found[text(begin)]
        assert (one["covered_s"], one["rows"]) == (expected["covered_s"], expected["rows"])
        for name in ("grid_w", "net_w", "soc_pm"):
            values, s = [value for value, _ in expected[name]], sum(n for _, n in expected[name])
            total = sum(value * n for value, n in expected[name])
            assert one[f"{name}.mean"] == ((2 * total + s) // (2 * s) if s else None)
            assert one[f"{name}.min"] == min(values, default=None)
            assert one[f"{name}.max"] == max(values, default=None)
        assert one["import_wh.moved"] == expected["import_wh"]
        assert one["cost_e4.moved"] == expected["cost_e4"]
        assert one["import_wh.last"] == 1_000 * expected["last"][7] + expected["last"][8]
        assert one["flags.last"] == expected["last"][3]


def asked(resolution, zone="UTC"):
    span = Span(DAY_UTC, END_UTC, resolution, ZoneInfo(zone))
    return span._replace(start=span.begin(DAY_UTC), end=span.next(span.begin(END_UTC - 1)))


def everything(archive, most=10_000):
    """Every answer there is; ranges in pages of so many."""
    archive.refresh(*NAMES)
    told = {"gaps": gaps(archive, *NAMES, asked("raw"), END_UTC),
            "last": answers.last(archive, *NAMES, END_UTC)}
    for resolution, zone in (("raw", "UTC"), ("1min", "UTC"), ("15min", "UTC"), ("1h", "UTC"),
                             ("1h", "Asia/Kathmandu"), ("1d", "America/New_York")):
        span = asked(resolution, zone)
        told[resolution, zone] = []
        while True:
            page = answers.page(archive, *NAMES, span, most)
            told[resolution, zone] += page.found
            names = answers.columns(archive, *NAMES, resolution)
            assert answers.table(archive, *NAMES, span, names, most) == page._replace(
                found=[[one.get(name) for name in names] for one in page.found])
            if page.next is None:
                break
            span = span._replace(start=page.next)
    return told


@settings(max_examples=20, deadline=None)
@given(lives(), st.data())
def test_with_and_without_an_index_and_by_the_second(found, data):
    made, holds = messages_of(found)
    order = data.draw(st.permutations(made))
    lost = data.draw(st.sets(st.sampled_from([seq for seq, *_ in made]), max_size=2))
    order = [one for one in order if one[0] not in lost or one[1] == 2]
    parts = data.draw(st.integers(1, 3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "park.db")
        fill(path, [])
        grown = Path(folder, "grown")
        given_up = [(max(lost), GAP, msgpack.packb([1, min(lost), max(lost) - min(lost) + 1]))] \
            if lost else []
        fill(path, given_up)  # what comes after all is below the number that is forgotten
        for part in range(parts):
            fill(path, order[part::parts])
            with Archive.open(path, grown) as archive:
                if any(kind == 1 for _, kind, _ in order[part::parts]):
                    everything(archive)
        kept = {seq for seq, *_ in order}
        if not any(seq in kept and rows for seq, (_, rows) in holds.items()):
            return
        with Archive.open(path, grown) as one, Archive.open(path, ":memory:") as other:
            told = everything(one)
            assert told == everything(other, most=40)
        with pytest.MonkeyPatch.context() as patch, Archive.open(path, ":memory:") as plain:
            patch.setattr(batch_bulk, "np", None)
            assert everything(plain) == told
        with pytest.MonkeyPatch.context() as patch, Archive.open(path, ":memory:") as careful:
            patch.setattr(interval_bulk, "_SAFE", 1)  # every sum might leave 64 bits
            assert everything(careful) == told
        holds = {seq: hold for seq, hold in holds.items() if seq in kept}
        lost -= kept
        for resolution, size_s in (("1min", 60), ("15min", 900), ("1h", 3_600)):
            check(told[resolution, "UTC"], second_opinion(holds, lost, DAY_UTC, END_UTC, size_s))
        covered = sum(one["covered_s"] for one in told["15min", "UTC"])
        assert told["gaps"]["uncovered_s"] == END_UTC - DAY_UTC - covered
        assert [one["rows"] for one in told["1d", "America/New_York"] if one["rows"]]
