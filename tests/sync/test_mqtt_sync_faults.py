"""Sync under every fault at once, on storage that fails, and in an outbox too small."""

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.blocks import RamBlocks
from tests.sync.test_mqtt_sync import Bench


def test_overwritten_frames_are_reported_and_do_not_block():
    bench = Bench(sectors=4)
    bench.cloud.broken = True
    bench.append(200)
    lost = bench.outbox.lost()
    assert lost > 100
    bench.cloud.broken = False
    bench.run(20_000)
    assert bench.cloud.gaps == [(1, lost)]
    assert bench.stored() == list(range(lost + 1, 201))
    assert bench.outbox.backlog() == 0


def test_frames_overwritten_while_they_are_on_their_way():
    bench = Bench(sectors=4)
    bench.run(1_000)
    bench.cloud.acknowledges = False
    bench.append(10)
    bench.run(2_000)
    bench.append(100)
    bench.run(200_000)
    bench.cloud.acknowledges = True
    bench.run(300_000)
    assert bench.outbox.backlog() == 0
    gone = {seq for gap in bench.cloud.gaps for seq in range(gap.first, gap.last + 1)}
    assert gone | set(bench.stored()) == set(range(1, 111))


def test_a_gateway_whose_subscription_was_refused_is_not_deaf_for_ever():
    """A NATS cluster without a leader refuses it, and takes it a moment later."""
    bench = Bench()
    bench.cloud.refuses = 2
    bench.append(10)
    bench.run(20_000)
    assert bench.client.is_up()
    assert len(bench.stored()) == 8  # a window of them; telemetry goes on as far as it may
    assert bench.outbox.backlog() == 10
    bench.run(150_000)
    assert bench.outbox.backlog() == 0
    assert bench.client.unsubscribed == 0


def test_a_refused_subscription_is_no_reason_to_hang_up_as_long_as_answers_come():
    bench = Bench()
    bench.run(1_000)
    bench.client.unsubscribed = 1  # some other topic's
    bench.append(10)
    bench.run(200_000)
    assert bench.outbox.backlog() == 0
    assert bench.client.sessions == 1


class Failing(RamBlocks):
    """Storage that sometimes does not answer."""

    fails = False

    def read(self, sector, offset, into):
        if self.fails:
            raise OSError(5)
        super().read(sector, offset, into)

    def program(self, sector, offset, buf, n):
        if self.fails:
            raise OSError(5)
        super().program(sector, offset, buf, n)


def test_errors_of_the_storage_do_not_end_the_connection():
    bench = Bench(window=32)
    bench.device = Failing(512, 16)
    bench.boot()
    bench.append(40)
    bench.device.fails = True
    bench.run(3_000)
    assert bench.sync.device_errors == 3 or bench.sync.device_errors == 2
    bench.device.fails = False
    bench.run(5_000)
    assert bench.outbox.backlog() == 0
    bench.cloud.acknowledges = False
    bench.append(32)
    bench.run(2_000)
    bench.device.fails = True  # the note of the acknowledgement can't be written
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 72]))
    bench.run(500)
    assert bench.outbox.acked == 72
    assert bench.sync.device_errors > 3
    assert bench.client.sessions == 1
    assert bench.client.failures == 0


FAULTS = st.sampled_from(["append", "many", "run", "wait", "cut", "back", "deaf", "hears",
                          "forgets", "keeps", "mute", "answers", "reboot", "new database"])


@settings(max_examples=150)
@given(st.lists(FAULTS, max_size=40), st.sampled_from([4, 16]))
def test_whatever_happens_every_frame_is_stored_or_reported(faults, sectors):
    """And nothing is freed that the cloud does not have."""
    bench = Bench(sectors)
    cloud, wiped = bench.cloud, set()
    for fault in [*faults, "back", "hears", "keeps", "answers"]:
        if fault in ("append", "many"):
            bench.append(1 if fault == "append" else 25)
        elif fault in ("run", "wait"):
            bench.run(500) if fault == "run" else bench.run(700_000, late=30)
        elif fault in ("cut", "back"):
            cloud.broken = fault == "cut"
        elif fault in ("deaf", "hears"):
            cloud.pubacks = fault == "hears"
        elif fault in ("forgets", "keeps"):
            cloud.keeps = fault == "keeps"
        elif fault in ("mute", "answers"):
            cloud.acknowledges = fault == "answers"
        elif fault == "reboot":
            bench.boot()
        else:
            wiped |= {seq for epoch, seq in cloud.frames if epoch == bench.outbox.epoch}
            cloud.frames.clear()
            cloud.floor.clear()
        reported = {seq for gap in cloud.gaps for seq in range(gap.first, gap.last + 1)}
        freed = set(range(1, bench.outbox.acked + 1))
        assert freed <= set(bench.stored()) | reported | wiped
    bench.run(2_000_000, late=20)
    reported = {seq for gap in cloud.gaps for seq in range(gap.first, gap.last + 1)}
    assert bench.outbox.backlog() == 0
    assert set(range(1, bench.outbox._next)) <= set(bench.stored()) | reported | wiped
    assert len(reported - set(bench.stored()) - wiped) <= bench.outbox.lost()
