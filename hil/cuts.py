"""Power cuts at every programmed byte and every erase of an outbox's flash.

A story is played on two rings of simulated NOR flash that share their buffer. Before each byte that
is programmed and each erase, copies of the flash are taken as a power cut at that very moment could
leave it; every copy is mounted and held against what was durable then, before the operation or
after it: no frame lost, none invented, no number used twice, few sent again. Schedules are named as
littlefs names them: `linear` cuts once, everywhere; `log` at every power of two, three times in a
row; `exhaustive` everywhere, and everywhere again in the recovery from it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import click

from cloud_bridge.batches import decode_gap
from edge.outbox import GAP, Outbox
from hil.nor import Nor

RESENT_MAX = 18  # acknowledged frames that a power cut may bring back: 15, or one sector's
_FRAMES_MAX = 2_000  # that may wait
KIND, OTHER = 1, 3  # of frames; only the first come in parts
SCHEDULES = {"linear": 1, "log": 3, "exhaustive": 2}  # cuts in a row

Make = Callable[..., Outbox]


class CutError(AssertionError):
    """A power cut did harm."""


def need(so: bool, what: str) -> None:
    """Raise CutError unless it is so."""
    if not so:
        raise CutError(what)


class Truth(NamedTuple):
    """What must be so of a ring between two operations."""

    last: int = 0  # sequence number of the last whole frame
    acked: int = 0
    gone: frozenset[int] = frozenset()  # given up unacknowledged, so far as the story saw it
    open: bytes | None = None  # durable parts of the frame being built


class Cut(NamedTuple):
    """What one power cut leaves of one ring, and what was so before and after the operation."""

    image: bytes | bytearray
    before: Truth
    after: Truth


class Story:
    """Plays operations on an outbox and keeps what a power cut in each of them may leave."""

    def __init__(self, make: Make, image: bytes | bytearray | None = None,
                 frames: dict[int, bytes] | None = None, scratch: bytearray | None = None) -> None:
        self.make = make
        self.device = Nor(image)
        self.frames = dict(frames or {})  # whole ones that were ever stored, by number
        self.cuts: list[Cut] = []
        self._scratch = scratch
        self.mount()
        found, gone = survey(self.box)
        self.truth = Truth(max(found, default=self.box.acked), self.box.acked, gone)
        self.lost_before = self.box.lost() - len(gone)
        self.epoch = self.box.epoch

    def mount(self) -> None:
        """Start the gateway."""
        self.box = self.make(self.device, scratch=self._scratch)
        self.box.mount()

    def append(self, payload: bytes, kind: int = OTHER) -> None:
        """A whole frame, or the last part of the one being built."""
        before = self.truth
        frames, last = {}, before.last
        if before.open is not None:
            last += 1
            frames[last] = before.open + (payload if kind == KIND else b"")
        if before.open is None or kind != KIND:
            last += 1
            frames[last] = payload
        self.frames.update(frames)
        self._play(lambda: self.box.append(kind, payload, len(payload)),
                   before._replace(last=last, open=None))

    def extend(self, payload: bytes) -> None:
        """One more part."""
        whole = (self.truth.open or b"") + payload
        self._play(lambda: self.box.extend(KIND, payload, len(payload)),
                   self.truth._replace(open=whole))

    def ack(self, seq: int, above: list[int] | None = None) -> None:
        """The cloud has all up to `seq`, and ranges above it."""
        self._play(lambda: self.box.ack(self.epoch, seq, above), self.truth._replace(acked=seq))
        self.box.resend()
        while (unsent := self.box.next_unsent()) > 0:
            for first, last in zip((above or [])[::2], (above or [])[1::2], strict=True):
                need(not first <= unsent <= last or unsent < self.box._floor,
                     "a frame is sent that the cloud has")
            self.box.sent(unsent)

    def restart(self) -> None:
        """Off and on: what was being built is whole, and the newest acknowledgements may be
        forgotten."""
        before = after = self.truth
        if before.open is not None:
            self.frames[before.last + 1] = before.open
            after = before._replace(last=before.last + 1, open=None)
        self.device.on_event = lambda torn: need(so=False, what="a mount that writes")
        self.mount()
        _check_resent(self.box, before, before)
        self._play(lambda: None, after._replace(acked=self.box.acked))

    def check(self, cut: Cut) -> Story:
        """Mount what a power cut left: nothing lost, nothing invented, no number used twice. The
        gateway after it."""
        before, after = cut.before, cut.after
        box = self.make(Nor(cut.image))
        box.mount()
        need(box.epoch == self.epoch or (before.last == 0 and before.open is None),
             "another epoch")
        _check_resent(box, before, after)
        found, gone = survey(box)
        last = max(found, default=box.acked)
        stored = [self._whole(truth) for truth in (before, after)]
        need(stored[0] <= last <= stored[1], f"{last} frames instead of {stored}")
        for seq, body in found.items():
            need(body in (self._body(before, seq), self._body(after, seq)),
                 f"frame {seq} is not what was stored")
        need(any(box.lost() == self.lost_before + len(truth.gone)
                 and gone == {seq for seq in truth.gone if box.acked < seq <= last}
                 for truth in (before, after)), "a loss that is not counted, or no loss that is")
        known = {seq: found.get(seq) or self.frames.get(seq, b"") for seq in range(1, last + 1)}
        return Story(self.make, cut.image, known)

    def go_on(self) -> None:
        """One more frame, on whatever was left, in a life without cuts."""
        into, number = bytearray(4), self.truth.last + 1
        need(self.box.append(OTHER, b"next", 4) == number, "a number left out, or used twice")
        need(self.box.read(number, into) == 4 and into == b"next", "a frame that is not stored")

    def _play(self, operation: Callable[[], object], after: Truth) -> None:
        images: list[bytes | bytearray] = []
        self.device.on_event = lambda torn: images.extend(torn())
        operation()
        self.device.on_event = lambda torn: None
        before = self.truth
        found, gone = survey(self.box)
        if self.box.parts and self.box._floor > self.box._next:
            gone |= {self.box._next}
        self.truth = after._replace(gone=before.gone | gone)
        need(self.box.acked == after.acked, "an acknowledgement that was not taken as it was")
        need(max(found, default=self.box.acked) == after.last, "another number than told")
        need(self.box.lost() == self.lost_before + len(self.truth.gone), "a wrong count of losses")
        for seq, body in found.items():
            need(body is None or body == self.frames[seq], f"frame {seq} is not what was stored")
        self.cuts += [Cut(image, before, self.truth) for image in images]

    def _whole(self, truth: Truth) -> int:
        """The last frame there is after a mount."""
        return truth.last + (truth.open is not None)

    def _body(self, truth: Truth, seq: int) -> bytes | None:
        if seq in truth.gone:
            return None
        return truth.open if seq == truth.last + 1 else self.frames.get(seq)


def _check_resent(box: Outbox, before: Truth, after: Truth) -> None:
    need(box.acked <= after.acked, "an acknowledgement that nobody gave")
    resent = set(range(box.acked + 1, before.acked + 1)) - before.gone
    need(len(resent) <= RESENT_MAX, f"{len(resent)} acknowledged frames are sent again")


def survey(box: Outbox) -> tuple[dict[int, bytes | None], frozenset[int]]:
    """Every frame that waits, None where it is reported as gone; and the numbers of those."""
    into = bytearray(box.max_payload)
    found: dict[int, bytes | None] = {}
    seq = box.acked + 1
    while (n := box.read(seq, into)) >= 0:
        need(len(found) < _FRAMES_MAX, "frames without end")
        if box.kind == GAP:
            need(decode_gap(bytes(into[:n])).last == seq, "a gap that ends elsewhere")
            found[seq] = None
        else:
            found[seq] = bytes(into[:n])
        seq += 1
    return found, frozenset(seq for seq, body in found.items() if body is None)


def calm(make: Make) -> Story:
    """All is acknowledged at once, for as long as it takes to go round the ring."""
    story = Story(make)
    for seq in range(1, 61):
        story.append(b"")
        story.ack(seq)
    return story


def days(make: Make, operations: int, seed: int = 3) -> list[Story]:
    """Days of two rings with restarts, an outage in which one overflows, and all acknowledged after
    it; the other must not notice."""
    scratch = bytearray(512)
    stories = [Story(make, scratch=scratch) for _ in range(2)]
    rnd = random.Random(seed)
    for _ in range(operations):
        story = stories[rnd.random() < 0.25]
        dice, truth = rnd.random(), story.truth
        if dice < 0.45:
            story.append(rnd.randbytes(rnd.choice([3, 17, 40, 90])))
        elif dice < 0.85 and len(truth.open or b"") < 120:
            story.extend(rnd.randbytes(rnd.randint(1, 60)))
        else:
            story.append(rnd.randbytes(rnd.choice([0, 8])), KIND)
        truth = story.truth
        if rnd.random() < 0.6 and truth.acked < truth.last:
            seq = rnd.randint(truth.acked + 1, truth.last)
            story.ack(seq, [seq + 2, truth.last] if seq + 2 <= truth.last else None)
        if rnd.random() < 0.06:
            for other in stories:
                other.restart()
    bulk = stories[0]
    for number in range(operations):
        if number % 7 < 3:
            bulk.extend(rnd.randbytes(rnd.randint(1, 40)))
        else:
            bulk.append(rnd.randbytes(rnd.randint(0, 4)), rnd.choice([KIND, OTHER]))
    for number in range(40):
        bulk.append(rnd.randbytes(number & 3), KIND)
    for seq in range(bulk.truth.acked + 1, bulk.truth.last + 1):
        bulk.ack(seq)
    need(bool(bulk.truth.gone), "a story in which nothing is given up")
    for story in stories:
        story.restart()
        story.append(b"and on")
    return stories


def count(make: Make = Outbox, operations: int = 60, schedule: str = "linear",
          seed: int = 3, every: int = 1) -> int:
    """Cut a story at each `every`-th point; how many cuts were checked, those of recoveries too.
    Raises CutError at the first that does harm."""
    return sum(_cut(story, story.cuts[::every], schedule, SCHEDULES[schedule])
               for story in [calm(make), *days(make, operations, seed)])


def _cut(story: Story, cuts: list[Cut], schedule: str, depth: int) -> int:
    checked = 0
    for number, cut in enumerate(cuts):
        if schedule == "log" and number & (number - 1):
            continue
        again = story.check(cut)
        checked += 1
        if depth > 1:
            again.extend(b"the first frame")
            again.append(b" after the cut", KIND)
            checked += _cut(again, again.cuts, schedule, depth - 1)
        else:
            again.go_on()
    return checked


@click.command("cuts")
@click.option("--schedule", type=click.Choice(list(SCHEDULES)), default="linear", show_default=True,
              help="Where the power is cut.")
@click.option("--operations", type=click.IntRange(30, 10_000), default=200, show_default=True,
              help="Length of a story.")
@click.option("--seed", type=int, default=3, show_default=True, help="Of the story.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True,
              help="First cuts, only at every so many points.")
def command(schedule: str, operations: int, seed: int, every: int) -> None:
    """Cut the power of an outbox's flash everywhere; fails at the first cut that does harm.

    \b
    Example:
      python -m hil cuts --operations 30 --every 50
    """
    try:
        checked = count(Outbox, operations, schedule, seed, every)
    except CutError as error:
        raise click.ClickException(f"a power cut does harm: {error}") from None
    click.echo(f"{checked:,} power cuts: nothing lost, nothing invented, no number used twice")
