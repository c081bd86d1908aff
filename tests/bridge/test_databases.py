"""Both databases against one model: what is kept, acknowledged, dropped, and copied on."""


import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.databases import opener
from cloud_bridge.evidence.gathered import gather, sort
from cloud_bridge.intake import Cursor, Stream
from cloud_bridge.store import DAY_0_UTC, Store
from edge.outbox import GAP
from edge.sync import RESUME
from tests.audit import made
from tests.sync.test_mqtt_store import STREAM, TOPIC, batch, birth, gap, message, numbers

DAY_S = 86_400


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """The name of an empty store."""
    if request.param == "sqlite":
        return str(tmp_path / "park.db")
    return request.getfixturevalue("postgres_url")


def covered_by(cursor):
    ranges = [1, cursor.seq, *cursor.ahead]
    return {n for first, last in zip(ranges[::2], ranges[1::2], strict=True)
            for n in range(first, last + 1)}


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9))))
def test_cursor_is_a_set_of_numbers(runs):
    cursor, covered = Cursor(), set()
    for first, more in runs:
        cursor.cover(first, first + more)
        covered |= set(range(first, first + more + 1))
        assert covered_by(cursor) == covered
        assert cursor.seq == next(n for n in range(75) if n + 1 not in covered)
        edges = [cursor.seq, *cursor.ahead]
        assert all(b > a + 1 for a, b in zip(edges[::2], edges[1::2], strict=False))
    assert covered_by(Cursor(cursor.seq, cursor.ahead)) == covered


def test_cursor_remembers_a_bounded_number_of_ranges():
    """A gateway that sends every other number: what is forgotten comes again, none is invented."""
    cursor = Cursor()
    for seq in range(2_000, 1, -2):
        cursor.cover(seq, seq)
    assert len(cursor.ahead) == 512
    assert cursor.ahead[:2] == [2, 2]
    for seq in range(1, 2_001, 2):
        cursor.cover(seq, seq)
    assert cursor.seq == 513
    for seq in range(514, 2_001):  # as its gateway sends again, behind what was acknowledged
        cursor.cover(seq, seq)
    assert (cursor.seq, cursor.ahead) == (2_000, [])


def test_acknowledges_the_ranges_ahead_of_a_hole(where):
    with opener(where)() as store:
        payloads = [message(n) for n in (1, 2, 5, 6, 7, 9, 11, 13, 15)]
        receipt = store.commit([(TOPIC, payload) for payload in payloads], 1_000)
        assert list(receipt.answers()) == [(STREAM, [1, 9, 2, 5, 7, 9, 9, 11, 11, 13, 13])]
        receipt = store.commit([(TOPIC, gap(1, 4))], 1_000)
        assert list(receipt.answers()) == [(STREAM, [1, 9, 7, 9, 9, 11, 11, 13, 13, 15, 15])]
        receipt = store.commit([(TOPIC, message(12, RESUME, b""))], 1_000)
        assert list(receipt.answers()) == [(STREAM, [1, 9, 11, 13, 13, 15, 15])]
        receipt = store.commit([(TOPIC, message(3, epoch=8))], 1_000)
        assert list(receipt.answers()) == [(Stream("demo", "gw07", 8), [1, 8, 0, 3, 3])]


_EVENTS = st.one_of(
    st.tuples(st.just("message"), st.integers(1, 12), st.integers(0, 9).map(lambda n: n == 0)),
    st.tuples(st.just("gap"), st.integers(1, 12), st.integers(0, 3)),
    st.tuples(st.just("resume"), st.integers(1, 12), st.just(0)))


def _check(store, park, turns):
    """Commit, and compare with what a set of numbers says."""
    topic, held, bodies = f"parkedge/{park}/gw07/b", set(), {}
    for turn in turns:
        payloads, stored, resumed = [], 0, []
        for what, seq, extra in turn:
            if what == "message":
                body = b"other" if extra else b"body %d" % seq
                payloads.append(message(seq, body=body))
                stored += seq not in bodies
                if bodies.setdefault(seq, body) == body:
                    held.add(seq)
            elif what == "gap":
                payloads.append(message(seq + extra, GAP, msgpack.packb([1, seq, extra + 1])))
                held |= set(range(seq, seq + extra + 1))
            else:
                payloads.append(message(seq, RESUME, b""))
                resumed.append(seq)
        for seq in resumed:
            held |= set(range(1, seq))
        receipt = store.commit([(topic, payload) for payload in payloads], 1_000)
        assert receipt.tally["stored"] == stored
        assert receipt.tally.total() == len(payloads)
        for _, (_, _, seq, *ranges) in receipt.answers():
            assert seq == next(n for n in range(99) if n + 1 not in held)
            told = {n for first, last in zip(ranges[::2], ranges[1::2], strict=True)
                    for n in range(first, last + 1)}
            assert told <= held
            assert len(ranges) == 8 or told == {n for n in held if n > seq}
    assert sorted(body for _, body in store.bodies(park, "gw07", [1])) == sorted(bodies.values())


def test_any_order_gives_what_a_set_would(where):
    parks = iter(range(1_000_000))
    with opener(where)() as store:

        @given(st.lists(st.lists(_EVENTS, min_size=1, max_size=8), max_size=6))
        @settings(max_examples=60)
        def check(turns):
            _check(store, f"park-{next(parks)}", turns)

        check()


def test_rows_and_names_in_both(where):
    rows = [[9_000, 86_390 + i, i] for i in range(10)]
    with opener(where)() as store:
        store.commit([(TOPIC, payload) for payload in (
            message(1, 2, birth(["day", "second", "grid_w"])), message(2, body=batch(rows)),
            message(3))], 1_000)
        midnight = DAY_0_UTC + 9_001 * DAY_S
        found = list(store.rows("demo", "gw07", midnight - 2, midnight))
        assert [row.values[2] for row in found] == [8, 9]
        assert found[0].fields == ("day", "second", "grid_w")


def test_rows_of_the_future_move_nobody_elses_view(where):
    now = [[9_000, i, i] for i in range(10)]
    future = [[0x7FFFFFFF // 86_400, i, -1] for i in range(10)]
    with opener(where)() as store:
        store.commit([(TOPIC, message(1, body=batch(now)))], 1_000)
        start = DAY_0_UTC + 9_000 * DAY_S
        before = list(store.rows("demo", "gw07", start, start + DAY_S))
        store.commit([("parkedge/demo/liar/b", message(1, body=batch(future))),
                      (TOPIC, message(2, body=batch(future)))], 1_000)
        assert list(store.rows("demo", "gw07", start, start + DAY_S)) == before
        assert len(before) == 10
        assert store.drop(1_000) == 0  # age is when it came, not what it says


def test_age_is_dropped_told_and_not_taken_again(where):
    old = [(TOPIC, message(n, kind=3 if n == 4 else 1)) for n in range(1, 7)]
    with opener(where)() as store:
        store.commit([*old, (TOPIC, message(9))], 1_000)
        store.commit([(TOPIC, message(7))], 5 * DAY_S)
        assert store.drop(500) == 0
        assert store.drop(3 * DAY_S) == 5
        assert store.drop(3 * DAY_S) == 0
        kept = list(store.bodies("demo", "gw07", [1, 3]))
        # The ledger stays, what is new, and what is ahead of the cursor (its gateway has it still).
        assert kept == [(3, b"body 4"), (1, b"body 9"), (1, b"body 7")]
        receipt = store.commit([*old, (TOPIC, message(8))], 5 * DAY_S)
        assert receipt.tally == {"doubled": 6, "stored": 1}
        assert receipt.acks == {STREAM: 9}
        assert len(list(store.bodies("demo", "gw07", [1, 3]))) == 4


def test_what_was_dropped_is_told_in_ranges(tmp_path):
    path = tmp_path / "park.db"
    with Store(path) as store:
        for day in range(4):
            store.commit([(TOPIC, message(10 * day + n)) for n in range(1, 11)], day * DAY_S)
            store.drop((day - 1) * DAY_S + 1)
        assert numbers(path, "dropped", "first || '-' || last") == ["1-30"]


def test_copiers_keep_their_own_place_and_miss_nothing(where):
    with opener(where)() as store:
        store.commit([(TOPIC, message(n)) for n in (1, 2, 5)], 1_000)
        assert store.copied("a") == {STREAM: (0, 2, 0)}
        assert store.between(STREAM, 0, 2, 9) == [(1, 1, b"body 1"), (2, 1, b"body 2")]
        assert store.between(STREAM, 0, 2, 1) == [(1, 1, b"body 1")]
        store.copy_done("a", STREAM, 0, 2)
        assert store.copied("a") == {}
        assert store.copied("b") == {STREAM: (0, 2, 0)}
        store.commit([(TOPIC, gap(3, 4))], 1_000)
        assert store.copied("a") == {STREAM: (2, 5, 0)}
        store.commit([(TOPIC, message(3))], 1_000)  # it came after all
        store.copy_done("a", STREAM, 0, 5)  # of what it has seen before
        assert store.copied("a") == {STREAM: (2, 5, 1)}
        store.copy_done("a", STREAM, 1, 5)
        assert store.copied("a") == {}
        store.commit([(TOPIC, message(4))], 1_000)
        assert store.copied("a") == {STREAM: (3, 5, 2)}


def test_the_evidence_of_a_gateway_is_the_same_from_both(where):
    sent = made.messages()
    with opener(where)() as store:
        for at in range(0, len(sent), 4):
            store.commit([("parkedge/demo/mill/b", msgpack.packb([1, kind, 7, seq, body]))
                          for seq, (kind, body) in list(enumerate(sent, 1))[at:at + 4]], 1_000 + at)
        assert gather(store, "demo", "mill") == sort(sent)


def test_names_of_stores(tmp_path):
    for wrong in ("mysql://x", f"{tmp_path}/no/park.db", str(tmp_path)):
        with pytest.raises(ValueError, match=r"neither|folder"):
            opener(wrong)
