"""The outbox on flash that loses power in the middle of any byte and any erase.

One story is played on a simulated NOR device. Before each byte that is programmed and each erase,
copies of the flash are taken as a power cut at that very moment could leave it; afterwards every
copy is mounted and held against what was durable then, before the operation or after it.
"""

import random
import struct
from typing import NamedTuple

import pytest

from cloud_bridge.batches import decode_gap
from edge.outbox import GAP, Outbox
from tests.sync.nor import SECTORS, Nor

RESENT_MAX = 18  # acknowledged frames that a power cut may bring back: 15, or one sector's


class Truth(NamedTuple):
    """What must be so between two operations."""

    last: int  # sequence number
    acked: int
    gone: frozenset  # sequence numbers given up unacknowledged, so far as the story saw it


class Story:
    """Plays operations on an outbox and keeps what a power cut in each of them may leave."""

    def __init__(self, make, image=None, frames=None):
        self.make = make
        self.device = Nor(image)
        self.frames = dict(frames or {})  # all that was ever given to append, by number
        self.cuts = []  # (image, truth before, truth after)
        self.mount()
        last, gone = survey(self.box, self.frames)
        self.truth = Truth(last, self.box.acked, gone)
        self.lost_before = self.box.lost() - len(gone)
        self.epoch = self.box.epoch

    def mount(self):
        self.box = self.make(self.device)
        self.box.mount()

    def play(self, operation):
        images = []
        self.device.on_event = lambda torn: images.extend(torn())
        operation()
        self.device.on_event = lambda torn: None
        before = self.truth
        last, gone = survey(self.box, self.frames)
        self.truth = Truth(last, self.box.acked, before.gone | gone)
        assert self.box.lost() == self.lost_before + len(self.truth.gone)
        self.cuts += [(image, before, self.truth) for image in images]

    def append(self, payload):
        seq = self.truth.last + 1
        self.frames[seq] = payload
        self.play(lambda: self.box.append(1, payload, len(payload)))
        assert self.truth.last == seq

    def ack(self, seq):
        self.play(lambda: self.box.ack(self.epoch, seq))
        assert self.truth.acked == seq

    def restart(self):
        before = self.truth
        self.play(self.mount)
        self.check_resent(self.box, before, before)

    def check_resent(self, box, before, after):
        assert box.acked <= after.acked
        resent = set(range(box.acked + 1, before.acked + 1)) - before.gone
        assert len(resent) <= RESENT_MAX

    def check(self, image, before, after):
        """Mount what a power cut left: nothing lost, nothing invented, no number used twice."""
        box = self.make(Nor(image))
        box.mount()
        assert box.epoch == self.epoch or before.last == 0
        self.check_resent(box, before, after)
        last, gone = survey(box, self.frames)
        assert before.last <= last <= after.last
        assert any(box.lost() == self.lost_before + len(truth.gone)
                   and gone == {seq for seq in truth.gone if seq > box.acked}
                   for truth in (before, after))
        return last


def survey(box, frames):
    """Read every frame that waits: right to the byte, or reported as gone; the last one, these."""
    into = bytearray(box.max_payload)
    gone = set()
    seq = box.acked
    while (n := box.read(seq + 1, into)) >= 0:
        seq += 1
        assert seq in frames, "a frame that nobody stored"
        if box.kind == GAP:
            assert decode_gap(bytes(into[:n])).last == seq
            gone.add(seq)
        else:
            assert box.kind == 1
            assert bytes(into[:n]) == frames[seq]
    return seq, frozenset(gone)


def play_days(make, operations):
    """Days with restarts, an outage in which the ring overflows, and all acknowledged after it."""
    story = Story(make)
    rnd = random.Random(3)
    for _ in range(operations):
        story.append(rnd.randbytes(rnd.choice([3, 17, 40, 90])))
        if rnd.random() < 0.7 and story.truth.acked < story.truth.last:
            story.ack(rnd.randint(story.truth.acked + 1, story.truth.last))
        if rnd.random() < 0.06:
            story.restart()
    for _ in range(operations):
        story.append(rnd.randbytes(rnd.randint(0, 4)))
    for seq in range(story.truth.acked + 1, story.truth.last + 1):
        story.ack(seq)
    story.restart()
    story.append(b"and on")
    return story


def cut_everywhere(make, operations=40, every=50):
    """Cut a story at every point; after each `every`-th one, cut the recovery at every point."""
    story = play_days(make, operations)
    assert story.truth.gone
    assert story.truth.acked
    cuts = len(story.cuts)
    for i, cut in enumerate(story.cuts):
        last = story.check(*cut)
        if i % every == 0:
            known = {seq: story.frames[seq] for seq in range(1, last + 1)}
            recovery = Story(make, cut[0], known)
            recovery.append(b"the first frame after the cut")
            for second in recovery.cuts:
                recovery.check(*second)
            cuts += len(recovery.cuts)
    return cuts


def test_no_power_cut_loses_invents_or_renumbers_a_frame():
    assert cut_everywhere(Outbox) > 5_000


class AppendsToOldHead(Outbox):
    def mount(self):
        super().mount()
        if self._newest >= 0:
            self._at = self._header_bytes
            while (end := self._load(self._newest, self._at)) and self._good:
                self._at = end


class RestartsNumbers(Outbox):
    def mount(self):
        super().mount()
        self._next = self.acked + 1


class FreesOneTooMany(Outbox):
    def ack(self, epoch, seq):
        return super().ack(epoch, seq + 1)


class ForgetsTheLost(Outbox):
    def _open(self):
        lost = self._lost
        super()._open()
        self._lost = lost


class ForgetsTheAcknowledged(Outbox):
    def _put(self, kind, seq, buf, n):
        if kind < GAP:
            super()._put(kind, seq, buf, n)


class ErasesWhatItKeeps(Outbox):
    def _open(self):
        self._device.erase((self._newest + 2) % SECTORS)
        super()._open()


class NeverErases(Outbox):
    def _open(self):
        erase, self._device.erase = self._device.erase, lambda sector: None
        super()._open()
        self._device.erase = erase


class BelievesEveryFrame(Outbox):
    def _load(self, number, at):
        end = super()._load(number, at)
        self._good = end > 0
        return end


class BelievesEveryHeader(Outbox):
    def _header(self, sector):
        view = memoryview(bytearray(32))
        self._device.read(sector, 0, view)
        header = struct.unpack("<8I", view)
        return header if header[0] == 0x31424F50 and header[2] % SECTORS == sector else None


@pytest.mark.parametrize("mutant", [
    AppendsToOldHead, RestartsNumbers, FreesOneTooMany, ForgetsTheLost, ForgetsTheAcknowledged,
    ErasesWhatItKeeps, NeverErases, BelievesEveryFrame, BelievesEveryHeader])
def test_the_power_cut_test_finds_seeded_bugs(mutant):
    with pytest.raises(AssertionError):
        cut_everywhere(mutant)
