"""The guard of a task: how long a part rests, what is told, and that nothing gets past it."""

from hypothesis import given
from hypothesis import strategies as st

from edge.guard import FAULT, Guard

TICKS = 1 << 30


class Part:
    """Raises what a test puts into `error`; so does mending, and the outbox."""

    def __init__(self, start_ms=0):
        self.error = self.sick = self.full = None
        self.steps = self.mends = 0
        self.told = []
        self.guard = Guard("part", self.step, self.mend, self)
        self.now_ms = start_ms

    def step(self, now_ms):
        self.steps += 1
        if self.error is not None:
            raise self.error
        return 100

    def mend(self, now_ms):
        self.mends += 1
        if self.sick is not None:
            raise self.sick

    def append(self, kind, buf, n):
        if self.full is not None:
            raise self.full
        self.told.append((kind, bytes(buf[:n]).decode()))

    def live(self, seconds):
        """As a task does it; how long it was told to wait."""
        waits, left_ms = [], seconds * 1_000
        while left_ms > 0:
            waits.append(self.guard.step(self.now_ms))
            wait_ms = min(max(waits[-1], 1), left_ms)
            self.now_ms = (self.now_ms + wait_ms) % TICKS
            left_ms -= wait_ms
        return waits


class Wordless(Exception):  # noqa: N818 - what a part raises
    def __repr__(self):
        raise MemoryError


@given(st.integers(0, TICKS - 1))
def test_rests_double_and_are_forgotten_after_ten_good_minutes(start_ms):
    part = Part(start_ms)
    part.error = KeyError("k")
    waits = part.live(1_200)
    assert waits[:9] == [1_000 << n for n in range(9)]
    assert set(waits[9:]) == {300_000}
    part.error = None
    part.live(310)
    part.error = KeyError("k")
    assert part.live(1)[-1] == 300_000
    part.error = None
    part.live(1_000)
    part.error = KeyError("k")
    assert part.live(1)[-1] == 1_000


def test_a_reason_is_told_once_in_a_row_and_again_after_a_good_time():
    part = Part()
    for error in (KeyError("a"), KeyError("b")):
        part.error = error
        part.live(900)
    part.error = None
    part.live(1_000)
    part.error = KeyError("b")
    part.live(900)
    assert part.told == [(FAULT, f"part: KeyError('{name}')") for name in "abb"]


def test_what_cannot_be_stored_is_told_later_even_when_the_part_is_well():
    part = Part()
    part.full = OSError(28)
    part.error = ValueError("first")
    part.live(1)
    part.error = None
    part.live(300)
    assert part.told == []
    part.full = None
    part.live(61)
    assert part.told == [(FAULT, "part: ValueError('first')")]


def test_a_part_goes_on_only_once_it_has_been_mended():
    part = Part()
    part.error, part.sick = IndexError(), KeyError("mending")
    part.live(1_000)
    assert part.steps == 1
    assert 8 < part.mends < 30
    part.error = part.sick = None
    part.live(600)
    assert part.steps > 100


def test_nothing_gets_past_it():
    part = Part()
    for error in (Wordless(), MemoryError(), UnicodeError("ß" * 300), OSError(5)):
        part.error = part.sick = part.full = error
        part.live(400)
    part.error = part.sick = part.full = None
    part.live(1_000)
    assert part.told == [(FAULT, "part: OSError(5)")]
    assert part.guard.faults > 10


def test_an_error_that_cannot_say_what_it_is_is_told_all_the_same():
    part = Part()
    part.error = Wordless()
    part.live(10)
    assert part.told == [(FAULT, "internal fault")]
