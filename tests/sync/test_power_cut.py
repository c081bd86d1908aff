"""The outbox on flash that loses power in the middle of any byte and any erase (hil/cuts.py)."""

import struct

import pytest

from edge.outbox import GAP, Outbox
from hil import cuts
from hil.nor import SECTORS

OPERATIONS = 30  # of a story; `python -m hil cuts` plays longer ones


@pytest.mark.parametrize(("schedule", "every", "least"), [
    ("linear", 2, 7_000), ("log", 1, 3_000), ("exhaustive", 1_000, 4_000)])
def test_no_power_cut_loses_invents_or_renumbers_a_frame(schedule, every, least):
    assert cuts.count(Outbox, OPERATIONS, schedule, every=every) > least


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
    def ack(self, epoch, seq, above=None):
        return super().ack(epoch, seq + 1, above)


class ForgetsTheLost(Outbox):
    def _open(self):
        lost = self._lost
        super()._open()
        self._lost = lost


class NotesNothing(Outbox):
    def _put(self, kind, part, seq, buf, n):
        if kind & 127 < GAP:
            super()._put(kind, part, seq, buf, n)


class HeaderWithoutTheAcknowledged(Outbox):
    def _program(self, number, at, n, seed):
        if at == 0:
            struct.pack_into("<I", self.scratch, 16, 0)
        super()._program(number, at, n, seed)


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


class LosesWhatGoesOn(Outbox):
    """A sector that goes on with a frame counts as the one it begins in."""

    def _open(self):
        parts, self.parts = self.parts, 0
        super()._open()
        self.parts = parts


class UsesTheNumberOfAnUnfinishedFrame(Outbox):
    def mount(self):
        super().mount()
        if self._good and self._more:
            self._next -= 1


class SendsPartsOfAFrame(Outbox):
    def _join(self, seq, into):
        self._find(seq)
        into[:self._n] = self._view[8:8 + self._n]
        return self._n


class SendsAgainWhatIsAbove(Outbox):
    def ack(self, epoch, seq, above=None):
        return super().ack(epoch, seq)


@pytest.mark.parametrize("mutant", [
    AppendsToOldHead, RestartsNumbers, FreesOneTooMany, ForgetsTheLost, NotesNothing,
    HeaderWithoutTheAcknowledged, ErasesWhatItKeeps, NeverErases, BelievesEveryFrame,
    BelievesEveryHeader, LosesWhatGoesOn, UsesTheNumberOfAnUnfinishedFrame, SendsPartsOfAFrame,
    SendsAgainWhatIsAbove])
def test_the_power_cut_test_finds_seeded_bugs(mutant):
    with pytest.raises(AssertionError):
        cuts.count(mutant, OPERATIONS)


@pytest.mark.parametrize("mutant", [HeaderWithoutTheAcknowledged, NotesNothing])
def test_what_only_costs_a_resend_is_found_by_the_bound_on_resends(mutant):
    with pytest.raises(cuts.CutError, match="sent again"):
        cuts.count(mutant, OPERATIONS)
