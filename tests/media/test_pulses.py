"""Counts of pulses through power cuts: none twice, none taken back, few lost."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.blocks import RamBlocks
from edge.media import Meter
from edge.pulses import Pulses
from edge.ticks import ticks_add
from hil.nor import Nor

WHICH = 0xFFFF_FFF0
SAVE_S = 60  # a count is a minute in memory, at most
PERIOD = 1 << 30


class Source:
    """Counts what the test says."""

    def __init__(self, start: int = 0) -> None:
        self.n = start

    def count(self) -> int:
        return self.n % PERIOD


def begun(device: RamBlocks, source: Source, now_ms: int = 0, max_hz: int = 100,
          which: int = WHICH) -> tuple[Pulses, Meter]:
    meter = Meter("", 10, 1, 0, "")
    return Pulses([(meter, source, max_hz, which)], device, now_ms), meter


def test_power_cut_at_every_byte() -> None:
    """Whatever byte the power fails at: what is found is no more than there was, no less than was
    told, and short of the truth by the pulses of a minute at most."""
    rnd, device, source = random.Random(3), Nor(), Source()
    pulses, meter = begun(device, source)
    per_s: list[int] = []  # pulses of each second
    told, cuts = 0, []

    def event(torn: object) -> None:
        images: Iterator[bytes] = torn()  # type: ignore[operator]
        cuts.extend((bytes(image), told, source.n, sum(per_s[-SAVE_S - 1:])) for image in images)

    device.on_event = event  # type: ignore[assignment]
    for second in range(1, 3000):
        per_s.append(rnd.choice([0, 0, 1, 3]))
        source.n += per_s[-1]
        pulses.step(1000 * second)
        if second % 225 == 0:
            pulses.save()
            told = meter.count
    assert len(cuts) > 3000
    for image, least, most, recent in cuts:
        _, found = begun(Nor(image), Source())
        assert max(least, most - recent) <= found.count <= most


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 5), st.booleans()), max_size=12),
       st.integers(0, PERIOD - 1))
def test_lives_add_up(lives: list[tuple[int, int, bool]], now_ms: int) -> None:
    """Lives of so many seconds with so many pulses a second, each ended in order or by a cut."""
    device, total, lost = RamBlocks(256, 4), 0, 0
    for seconds, each, in_order in lives:
        source = Source(PERIOD - 3)  # the board's counter begins anywhere, and turns around
        pulses, meter = begun(device, source, now_ms)
        assert total - lost == meter.count
        for _ in range(seconds):
            now_ms = ticks_add(now_ms, 1000)
            source.n += each
            pulses.step(now_ms)
        total += seconds * each
        if in_order:
            pulses.save()
        _, found = begun(device, Source(), now_ms)
        lost = total - found.count
        assert found.count <= meter.count
        assert in_order or meter.count - found.count <= SAVE_S * each
    _, found = begun(device, Source(), now_ms)
    assert found.count == total - lost


def test_noise_is_not_counted() -> None:
    source = Source()
    pulses, meter = begun(RamBlocks(256, 4), source, max_hz=10)
    source.n = 5000
    pulses.step(1000)
    assert meter.count == 30  # what may come within a second, and two looks' worth of slack
    assert meter.refused == 4970


def test_another_meter_begins_at_nothing_and_others_keep_theirs() -> None:
    device, sources = RamBlocks(256, 4), [Source(), Source()]
    meters = [Meter("", 1, 1, 0, ""), Meter("", 1, 1, 0, "")]
    pulses = Pulses([(meters[0], sources[0], 10, 1), (meters[1], sources[1], 10, 2)], device, 0)
    sources[0].n, sources[1].n = 4, 7
    pulses.step(1000)
    pulses.save()
    _, found = begun(device, Source(), which=2)  # the first is gone: a shorter record
    assert found.count == 7
    _, found = begun(device, Source(), which=3)
    assert found.count == 0


def test_flash_is_spared() -> None:
    """A day of pulses is a record a minute; a day without is none."""
    class Counted(RamBlocks):
        erases = 0

        def erase(self, sector: int) -> None:
            self.erases += 1
            super().erase(sector)

    device, source = Counted(4096, 4), Source()
    pulses, meter = begun(device, source)
    for second in range(1, 86_401):
        source.n += second % 3 == 0
        pulses.step(1000 * second)
    assert meter.count == 28_800
    assert device.erases == 1440 // (4096 // 24)
    before = bytes(device.memory)
    for second in range(86_401, 90_000):
        pulses.step(1000 * second)
    assert bytes(device.memory) == before


def test_a_flash_that_fails_loses_nothing_that_is_in_memory() -> None:
    device, source = RamBlocks(256, 4), Source()
    pulses, meter = begun(device, source)
    program, failing = device.program, True

    def programmed(*arguments: object) -> None:
        if failing:
            raise OSError(5)
        program(*arguments)  # type: ignore[arg-type]

    device.program = programmed  # type: ignore[method-assign]
    for second in range(1, 200):
        source.n += 1
        try:
            pulses.step(1000 * second)
        except OSError:
            failing = second < 130
    assert meter.count == 199
    pulses.save()
    assert begun(device, Source())[1].count == 199
