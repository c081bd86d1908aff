"""The outbox in a file: made whole, kept over restarts, on the medium when `append` returns."""

import errno
import os

import pytest

from edge.blocks import FileBlocks, RamBlocks
from edge.outbox import Outbox


def mounted(device):
    box = Outbox(device)
    box.mount()
    return box


def put(box, payload):
    return box.append(1, payload, len(payload))


def get(box, seq):
    into = bytearray(box.max_payload)
    return bytes(into[:box.read(seq, into)])


def test_a_file_is_made_once_and_keeps_its_frames(tmp_path):
    path = str(tmp_path / "outbox.bin")
    device = FileBlocks(path, 512, 8)
    box = mounted(device)
    for i in range(5):
        put(box, bytes([i]) * 100)
    device.close()
    assert os.listdir(tmp_path) == ["outbox.bin"]
    device = FileBlocks(path, 512, 8)
    box = mounted(device)
    assert [get(box, seq) for seq in (1, 5)] == [bytes(100), b"\x04" * 100]
    device.close()
    with pytest.raises(ValueError, match="has 4096 bytes instead of 8192"):
        FileBlocks(path, 1024, 8)


def test_a_frame_is_on_the_medium_when_append_returns(tmp_path, monkeypatch):
    """What another process sees in the file at the last fsync already holds the frame."""
    path = tmp_path / "outbox.bin"
    synced = []
    real = os.fsync

    def fsync(handle):
        real(handle)
        synced.append(path.read_bytes() if path.exists() else b"")

    monkeypatch.setattr(os, "fsync", fsync)
    device = FileBlocks(str(path), 512, 4)
    box = mounted(device)
    for i in range(20):
        seq = put(box, bytes([i]) * 100)
        survivor = RamBlocks(512, 4)
        survivor.memory[:] = synced[-1]
        assert get(mounted(survivor), seq) == bytes([i]) * 100
    device.close()


def test_a_file_that_could_not_be_made_whole_is_not_there(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "no space left")

    path = tmp_path / "outbox.bin"
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            FileBlocks(str(path), 512, 4)
    assert os.listdir(tmp_path) == []
    device = FileBlocks(str(path), 512, 4)
    assert put(mounted(device), b"x") == 1
    device.close()


def test_a_full_disk_leaves_nothing_half_made(tmp_path):
    """The kernel's own word: every write to this device finds no space."""
    path = tmp_path / "outbox.bin"
    os.symlink("/dev/full", str(path) + ".new")
    with pytest.raises(OSError, match="No space left"):
        FileBlocks(str(path), 512, 4)
    assert os.listdir(tmp_path) == []


def test_a_file_has_all_its_blocks_from_the_start(tmp_path):
    """So a disk that fills up later is none of its business."""
    path = tmp_path / "outbox.bin"
    FileBlocks(str(path), 4096, 64).close()
    assert path.stat().st_size == 64 * 4096 <= 512 * path.stat().st_blocks


@pytest.mark.parametrize("loses", [False, True])
def test_a_failed_fsync_costs_no_frame_and_no_number(tmp_path, monkeypatch, loses):
    """After a failed fsync Linux may call the lost pages clean, so the next fsync succeeds with
    nothing written: the frame must be stored anew elsewhere, and not be synced again."""
    path = tmp_path / "outbox.bin"
    device = FileBlocks(str(path), 512, 8)
    box, failing = mounted(device), []
    real = os.fsync

    def fsync(handle):
        if failing:
            if loses:  # the pages go back to what the medium has
                with path.open("r+b", buffering=0) as file:
                    file.write(failing[0])
            raise OSError(errno.EIO, "input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    bodies = {}
    for i in range(8):
        body = bytes([i]) * 60
        if i % 3 == 2:
            failing.append(path.read_bytes())
            with pytest.raises(OSError, match="input/output"):
                put(box, body)
            failing.clear()
        bodies[put(box, body)] = body
    assert sorted(bodies) == list(range(1, 9))
    device.close()
    device = FileBlocks(str(path), 512, 8)
    box = mounted(device)
    assert {seq: get(box, seq) for seq in bodies} == bodies
    device.close()


def test_a_file_that_shrank_fails_as_a_medium_does(tmp_path):
    path = tmp_path / "outbox.bin"
    device = FileBlocks(str(path), 512, 4)
    os.truncate(path, 600)
    with pytest.raises(OSError, match="5"):
        device.read(1, 80, bytearray(100))
    device.close()
