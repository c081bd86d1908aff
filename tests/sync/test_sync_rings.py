"""Two rings on one way up, acknowledged ranges, and a broker that is trusted."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.blocks import RamBlocks
from edge.mqtt_client import MqttClient, Options
from edge.outbox import Outbox
from edge.rings import Rings
from edge.sync import RESUME, Sync
from edge.ticks import ticks_add
from tests.sync.test_mqtt_sync import Bench, Cloud


class Both(Bench):
    """A bench whose gateway has both rings; `outbox` is the bulk one, which `append` fills."""

    def boot(self):
        if not hasattr(self, "vital_device"):
            self.vital_device = RamBlocks(512, 16)
        self.rings = Rings(self.device, self.vital_device, 400)
        self.rings.mount()
        self.outbox = self.rings.bulk
        self.client = MqttClient(self.cloud, Options(b"gw07"))
        self.sync = Sync(self.client, (self.rings.vital, self.outbox), "demo", "gw07", self.window)

    def append_vital(self, n=1):
        for _ in range(n):
            body = b"leaf %d" % self.rings.vital._next
            self.rings.append(3, body, len(body))

    def stored(self):
        return sorted(seq for epoch, seq in self.cloud.frames if epoch == self.outbox.epoch)

    def stored_vital(self):
        return sorted(seq for epoch, seq in self.cloud.frames if epoch == self.rings.vital.epoch)


def test_what_is_vital_goes_first_and_is_kept_apart():
    bench = Both()
    bench.append(20)
    bench.append_vital(5)
    bench.run(5_000)
    kinds = [kind for kind, _ in bench.cloud.received]
    assert kinds[:7] == [RESUME] + [3] * 5 + [RESUME]
    assert bench.stored() == list(range(1, 21))
    assert bench.stored_vital() == [1, 2, 3, 4, 5]
    assert bench.rings.backlog() == 0
    assert bench.sync.rounds == 2


def test_telemetry_that_overflows_never_touches_what_is_vital():
    bench = Both(sectors=4)
    bench.cloud.broken = True
    bench.append_vital(30)
    bench.append(500)
    assert bench.rings.vital.lost() == 0 < bench.outbox.lost() == bench.rings.lost()
    bench.boot()
    bench.cloud.broken = False
    bench.run(60_000)
    assert bench.stored_vital() == list(range(1, 31))
    assert bench.cloud.gaps == [(1, bench.outbox.lost())]
    assert bench.rings.backlog() == 0


def test_a_ring_that_is_not_acknowledged_does_not_hold_up_the_other():
    bench = Both(window=2)
    bench.cloud.acknowledges = False
    bench.append_vital(5)
    bench.append(5)
    bench.run(5_000)
    assert (bench.stored_vital(), bench.stored()) == ([1, 2], [1, 2])
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 2]))
    bench.run(1_000)
    assert (bench.stored_vital(), bench.stored()) == ([1, 2], [1, 2, 3, 4])
    assert bench.rings.vital.backlog() == 5


def test_a_device_that_fails_does_not_hold_up_the_other():
    bench = Both()
    bench.append(3)
    bench.append_vital(3)

    def fails(*_):
        raise OSError(5)

    bench.vital_device.read = fails
    bench.run(5_000)
    assert bench.stored() == [1, 2, 3]
    assert bench.sync.device_errors > 0


def test_two_rings_never_have_one_epoch():
    device = RamBlocks(4096, 4)
    box = Outbox(device)
    box.mount()
    box.append(1, b"x", 1)
    copied = RamBlocks(4096, 4)
    copied.memory[:] = device.memory
    rings = Rings(device, copied, 400)
    rings.mount()
    assert rings.bulk.epoch == box.epoch != rings.vital.epoch
    rings.append(3, b"y", 1)
    again = Rings(device, copied, 400)
    again.mount()
    assert (again.bulk.epoch, again.vital.epoch) == (rings.bulk.epoch, rings.vital.epoch)


def test_ranges_are_not_sent_again_and_free_nothing():
    bench = Bench()
    bench.cloud.acknowledges = False
    bench.append(8)
    bench.run(2_000)
    assert bench.stored() == list(range(1, 9))
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, 2, 4, 5, 7, 8]))
    bench.run(1_000)
    assert (bench.outbox.acked, bench.outbox.backlog()) == (2, 6)
    del bench.cloud.received[:]
    bench.run(40_000)
    assert bench.cloud.received == [(RESUME, 3), (1, 3), (1, 6)]
    bench.boot()  # they live in memory only
    del bench.cloud.received[:]
    bench.run(1_000)
    assert [seq for _, seq in bench.cloud.received][1:] == list(range(bench.outbox.acked + 1, 9))


@pytest.mark.parametrize("rest", [
    [2, 4], [2, 2, 3], [2, 1, 2], [2, 4, 3], [2, 4, 9], [2, 4, 5, 5, 6], [2, 5, 6, 3, 4],
    [2, 9, 10], [9], [2, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8], [2, -4, 5], [2, 4, "5"], [2, 4, None]])
def test_forged_ranges_free_nothing_and_hide_nothing(rest):
    """Of frames never sent, not ascending, half a range, or more of them than there may be."""
    bench = Bench(window=8)
    bench.cloud.acknowledges = False
    bench.append(20)
    bench.run(2_000)
    bench.cloud.say(msgpack.packb([1, bench.outbox.epoch, *rest]))
    bench.run(1_000)
    assert (bench.sync.strange_acks, bench.outbox.acked, bench.outbox.backlog()) == (1, 0, 20)
    bench.outbox.resend()
    assert bench.outbox.next_unsent() == 1


@given(st.binary(max_size=80))
def test_any_bytes_on_the_topic_of_acknowledgements_free_nothing(body):
    bench = Both()
    bench.append(3)
    bench.append_vital(3)
    bench.sync.receive(bytearray(body), 0, len(body), 0)
    assert bench.sync.strange_acks == 1
    assert bench.rings.backlog() == 6


def trusting(cloud, outbox):
    sync = Sync(MqttClient(cloud, Options(b"gw07")), (outbox,), "demo", "gw07", trust_puback=True)

    def run(for_ms, now_ms=[0]):  # noqa: B006 - it goes on
        end_ms = now_ms[0] + for_ms
        while now_ms[0] < end_ms:
            now_ms[0] = ticks_add(now_ms[0], sync.step(now_ms[0]))
    return sync, run


def test_a_broker_that_is_trusted_frees_by_its_puback():
    cloud, outbox = Cloud(), Outbox(RamBlocks(512, 16))
    cloud.acknowledges = False
    outbox.mount()
    for number in range(1, 31):
        body = b"frame %d" % number
        outbox.append(1, body, len(body))
    _, run = trusting(cloud, outbox)
    run(5_000)
    assert [seq for _, seq in cloud.received] == [1, *range(1, 31)]
    assert outbox.backlog() == 0


def test_a_refusal_is_no_word_to_trust():
    """As an MQTT 5 client counts it: the message is out of its hands, and nobody has it."""
    cloud, outbox = Cloud(), Outbox(RamBlocks(512, 16))
    cloud.acknowledges = False
    outbox.mount()
    outbox.append(1, b"frame 1", 7)
    sync, run = trusting(cloud, outbox)
    store = cloud._store

    def refuse(message):
        store(message)
        sync._client.refused += 1

    cloud._store = refuse
    run(29_000)
    assert outbox.backlog() == 1
    cloud._store = store
    run(10_000)
    assert outbox.backlog() == 0


def test_a_trusted_broker_that_stays_silent_frees_nothing():
    cloud, outbox = Cloud(), Outbox(RamBlocks(512, 16))
    cloud.acknowledges = cloud.pubacks = False
    outbox.mount()
    outbox.append(1, b"frame 1", 7)
    _, run = trusting(cloud, outbox)
    run(200_000)
    assert outbox.backlog() == 1
    cloud.pubacks = True
    run(400_000)
    assert outbox.backlog() == 0


def test_an_outbox_that_is_not_mounted_yet_says_nothing():
    bench = Both()
    bench.append(3)
    bench.rings = Rings(bench.device, bench.vital_device, 400)
    bench.client = MqttClient(bench.cloud, Options(b"gw07"))
    bench.sync = Sync(bench.client, bench.rings.by_rank, "demo", "gw07")
    bench.run(2_000)
    assert bench.cloud.received == []
    bench.rings.mount()
    bench.run(2_000)
    assert sorted(seq for _, seq in bench.cloud.frames) == [1, 2, 3]
    assert bench.rings.backlog() == 0
