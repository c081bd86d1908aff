"""A record on flash that loses power in the middle of any byte and any erase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.blocks import FileBlocks, RamBlocks
from edge.keep import Keep
from hil.nor import Nor

MOST = 100
records = st.lists(st.binary(max_size=MOST), max_size=12)


def test_an_empty_device_has_no_record():
    assert Keep(RamBlocks(256, 2), MOST).load() == b""


@given(records, st.integers(2, 4))
def test_the_newest_is_loaded(stored, sectors):
    device = Nor(sectors=sectors)
    keep = Keep(device, MOST)
    for record in stored:
        keep.store(record, len(record))
        assert keep.load() == record
        assert Keep(device, MOST).load() == record


@pytest.mark.parametrize("sectors", [2, 3])
def test_a_power_cut_leaves_the_record_before_or_after(sectors):
    device = Nor(sectors=sectors)
    keep, last, cuts = Keep(device, MOST), b"", []
    for i in range(24):
        record = bytes((i + k) & 255 for k in range(i * 37 % (MOST + 1)))
        images = []
        device.on_event = lambda torn, images=images: images.extend(torn())
        keep.store(record, len(record))
        device.on_event = lambda torn: None
        cuts += [(bytes(image), last, record) for image in images]
        last = record
    assert len(cuts) > 3000
    for image, before, after in cuts:
        again = Nor(image, sectors)
        found = Keep(again, MOST)
        assert found.load() in (before, after)
        found.store(b"next", 4)  # on whatever was left, never over a byte programmed before
        assert Keep(again, MOST).load() == b"next"


@given(st.binary(min_size=768, max_size=768))
def test_whatever_lies_on_the_device(image):
    device = Nor(image, 3)
    keep = Keep(device, MOST)
    assert keep.load() == b""  # a CRC-32 is not met by chance here
    keep.store(b"mine", 4)
    assert Keep(device, MOST).load() == b"mine"


@given(records, st.integers(0, 767), st.integers(1, 255))
def test_a_flipped_bit_never_makes_a_record(stored, at, flip):
    device = Nor(sectors=3)
    keep = Keep(device, MOST)
    for record in stored:
        keep.store(record, len(record))
    device.memory[at] ^= flip
    assert Keep(device, MOST).load() in [b"", *stored]


def test_a_device_that_fails_keeps_what_was_there():
    device = RamBlocks(256, 2)
    keep = Keep(device, MOST)
    keep.store(b"first", 5)
    program = device.program

    def broken(sector, offset, buf, n):
        program(sector, offset, buf, n // 2)
        raise OSError(5)

    device.program = broken
    for _ in range(3):
        with pytest.raises(OSError, match="5"):
            keep.store(b"second", 6)
        assert Keep(device, MOST).load() == b"first"
    device.program = program
    keep.store(b"third", 5)
    assert Keep(device, MOST).load() == b"third"


def test_it_is_on_the_file(tmp_path):
    device = FileBlocks(str(tmp_path / "keep.bin"), 4096, 2)
    keep = Keep(device, 1000)
    for i in range(20):
        keep.store(bytes(900 + i), 900 + i)
    device.close()
    device = FileBlocks(str(tmp_path / "keep.bin"), 4096, 2)
    assert Keep(device, 1000).load() == bytes(919)
    device.close()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="two sectors"):
        Keep(RamBlocks(256, 1), MOST)
    with pytest.raises(ValueError, match="two sectors"):
        Keep(RamBlocks(256, 2), 250)
    with pytest.raises(ValueError, match="at most 100"):
        Keep(RamBlocks(256, 2), MOST).store(bytes(101), 101)


def test_a_record_stored_after_a_failure_wins_over_what_failed():
    """Programmed whole, but the device could not say so: the next record must be the newer one."""
    device = Nor(sectors=2)
    keep = Keep(device, MOST)
    keep.store(b"old", 3)
    device.sync = lambda: fail()
    with pytest.raises(OSError, match="5"):
        keep.store(b"unsure", 6)
    del device.sync
    keep.store(b"sure", 4)
    assert keep.load() == b"sure"
    assert Keep(device, MOST).load() == b"sure"


def fail():
    raise OSError(5)
