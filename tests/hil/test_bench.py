"""What the bench says of the beat holds for the built tree, the one that is flashed."""

from hil import bench


def test_a_beat_of_the_built_firmware_takes_no_heap(micropython) -> None:
    figures = bench._beat_heap(None)
    assert figures["beat.alloc_bytes"] == 0
