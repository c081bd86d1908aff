"""Never two heads of one size: not by mistake, and not after power cuts at any byte."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import notes
from edge.evidence.signer import Signer
from edge.keep import Keep
from hil.nor import Nor
from tests.evidence.test_ed25519 import steps

SEED = bytes(range(32))
ORIGIN = "park.example/gateway-7"
A, B, C = (bytes([letter]) * 32 for letter in b"abc")


class Kept:
    """A store in memory that may refuse."""

    def __init__(self, payload=b""):
        self.payload = payload
        self.broken = False

    def load(self):
        return self.payload

    def store(self, buf, n):
        if self.broken:
            raise OSError(5)
        self.payload = buf[:n]


def signed(signer, size, root):
    signer.begin(size, root)
    assert signer.note == b""
    steps(signer)
    return signer.note


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([A, B])), max_size=8),
       st.sets(st.integers(0, 7)))
def test_heads_only_grow_whatever_is_asked_for_and_when_it_restarts(wishes, restarts):
    kept = Kept()
    signer = Signer(SEED, ORIGIN, kept)
    heads = {}
    for i, (size, root) in enumerate(wishes):
        if i in restarts:
            signer = Signer(SEED, ORIGIN, kept)
        if heads and (size < max(heads) or heads.get(size, root) != root):
            with pytest.raises(ValueError, match=r"head: found"):
                signer.begin(size, root)
            continue
        note = signed(signer, size, root)
        log = notes.Key(ORIGIN, signer.key.public)
        assert notes.head(note, log)[0] == notes.Checkpoint(ORIGIN, size, root)
        assert heads.setdefault(size, root) == root
        assert signer.size == size


def test_a_refused_head_leaves_the_one_before_as_it_was():
    signer = Signer(SEED, ORIGIN, Kept())
    note = signed(signer, 7, A)
    for size, root in ((6, A), (7, B), (-1, A), (8, b"short")):
        with pytest.raises(ValueError, match="found"):
            signer.begin(size, root)
        assert signer.step()
        assert signer.note == note
    assert signed(signer, 7, A) == note  # once more the same


def test_the_key_comes_before_the_first_head():
    signer = Signer(SEED, ORIGIN, Kept())
    assert signer.size == -1
    assert steps(signer) > 50
    assert len(signer.key.public) == 32
    assert signer.note == b""


def test_nothing_is_signed_that_was_not_stored():
    kept = Kept()
    signer = Signer(SEED, ORIGIN, kept)
    note = signed(signer, 7, A)
    kept.broken = True
    with pytest.raises(OSError, match="5"):
        signer.begin(8, B)
    assert signer.step()
    assert (signer.size, signer.note) == (7, note)
    kept.broken = False
    assert notes.checkpoint(notes.parse(signed(signer, 8, C)).text).root == C


@pytest.mark.parametrize("payload", [b"x", bytes(35), bytes(37)])
def test_a_record_of_something_else_is_refused(payload):
    with pytest.raises(ValueError, match="head record: found"):
        Signer(SEED, ORIGIN, Kept(payload))


def test_a_name_that_cannot_be_signed_is_refused_at_once():
    with pytest.raises(ValueError, match="name: found"):
        Signer(SEED, "two words", Kept())


def record(device):
    return Keep(device, 36)


def images_during(operation, image):
    """What a power cut at any byte and erase of `operation` may leave, and what is there after."""
    device = Nor(image, 2)
    images = []
    device.on_event = lambda torn: images.extend(bytes(torn) for torn in torn())
    operation(device)
    return images, bytes(device.memory)


@settings(max_examples=60)
@given(st.data())
def test_a_head_once_promised_survives_any_power_cuts(data):
    """A story of heads, each cut short at any moment or not; what was begun may be signed, so no
    restart may forget it."""
    image = None
    promised = {}
    for _ in range(data.draw(st.integers(1, 12))):
        signer = Signer(SEED, ORIGIN, record(Nor(image, 2)))
        largest = max(promised, default=-1)
        assert signer.size >= largest
        if promised:
            for size, root in ((largest, C), (largest - 1, A)):
                with pytest.raises(ValueError, match="head: found"):
                    signer.begin(size, root)
        size = signer.size + data.draw(st.integers(1, 3))
        root = data.draw(st.sampled_from([A, B]))
        images, whole = images_during(
            lambda device, size=size, root=root:
            Signer(SEED, ORIGIN, record(device)).begin(size, root), image)
        if data.draw(st.booleans()):
            before, image = image, data.draw(st.sampled_from(images))
            assert record(Nor(image, 2)).load() in (
                record(Nor(before, 2)).load(), struct.pack(">I", size) + root)
        else:
            image = whole
            promised[size] = root


def test_a_head_after_a_failed_one_is_the_one_that_counts():
    """The device stored a head whole and failed to say so; another root is signed at that size."""
    device = Nor(None, 2)
    signer = Signer(SEED, ORIGIN, record(device))
    device.sync = lambda: fail()
    with pytest.raises(OSError, match="5"):
        signer.begin(1, A)
    del device.sync
    signed(signer, 1, B)
    with pytest.raises(ValueError, match="another root at size 1"):
        Signer(SEED, ORIGIN, record(device)).begin(1, A)


def fail():
    raise OSError(5)
