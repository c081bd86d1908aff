"""Two rings on one way up, acknowledged ranges, a broker that is trusted, and what is stored."""

import itertools

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batches import decode_batch
from edge.app import App
from edge.blocks import RamBlocks
from edge.mqtt_client import MqttClient, Options
from edge.outbox import Outbox
from edge.rings import Rings
from edge.sync import RESUME, Sync
from edge.ticks import ticks_add
from edge.uplink import BIRTH
from tests.core.park import image
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


class Board:
    """In memory, with a wall clock that stands where the test wants it."""

    def __init__(self):
        self.devices = {"bulk": RamBlocks(4096, 8), "vital": RamBlocks(4096, 8)}
        self.minute = 9_800 * 1440

    def flash_device(self):
        return self.devices["bulk"]

    def state(self, name):
        return self.devices[name]

    def wall(self):
        return self.minute // 1440, self.minute % 1440 * 60, True

    def keep(self, row, rule_names):
        pass

    def watchdog(self, feed):
        pass


def live(app, board, minutes):
    """Beats of a minute, with 60 kW from the grid."""
    for _ in range(minutes):
        board.minute += 1
        now_ms = board.minute % 10_000 * 60_000
        app.site.grid_meter.take("grid_w", 60_000, now_ms)
        app.site.storage.take("store_w", 0, now_ms)
        app.site.storage.take("soc_pm", 500, now_ms)
        app.beat(now_ms)
        app.uplink.step(now_ms, True)


def frames(box):
    into, found = bytearray(box.max_payload), []
    for seq in range(box.acked + 1, box._next):
        n = box.read(seq, into)
        found.append((box.kind, bytes(into[:n])))
    return found


def test_the_energy_of_every_quarter_hour_is_kept_beside_the_rows():
    board = Board()
    made = image(site={"beat_s": 60}, telemetry={"period_s": 60})
    app = App(made, board)
    assert frames(app.outbox.vital) == []  # a start that comes to nothing uses up no sector
    live(app, board, 14 + 8 * 15)
    app.uplink.flush()
    assert [kind for kind, _ in frames(app.outbox.bulk)][:2] == [BIRTH, 1]
    found = frames(app.outbox.vital)
    assert [kind for kind, _ in found] == [BIRTH, 8, 8, 8]
    names = msgpack.unpackb(found[0][1])["energies"]
    rows = [dict(zip(names, row, strict=True)) for _, body in found[1:]
            for row in decode_batch(body).rows]
    assert len(rows) == 9
    assert [row["second"] % 900 for row in rows[:8]] == [0] * 8
    grown = [1000 * row["import_kwh"] + row["import_wh"] for row in rows]
    assert [after - before for before, after in itertools.pairwise(grown[:8])] == [15_000] * 7
    assert rows[-1]["peak_w"] == 60_000


def test_a_flash_that_fails_is_tried_again_ever_more_rarely_and_control_goes_on():
    board = Board()
    app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
    bulk = board.devices["bulk"]
    sync = bulk.sync
    calls = []

    def fails():
        calls.append(board.minute)
        raise OSError(5, "input/output error")

    bulk.sync = fails
    live(app, board, 300)
    assert app.site.fault is None
    assert app.uplink.errors == len(calls)
    assert 10 < len(calls) < 70  # once in five minutes
    assert app.site.telemetry.lost > 0
    bulk.sync = sync
    live(app, board, 120)
    assert app.uplink.errors == len(calls)
    assert app.outbox.bulk.backlog() > 1


def test_a_device_that_cannot_be_read_is_mounted_when_it_can():
    board = Board()
    box = Outbox(board.devices["vital"])
    box.mount()
    box.append(3, b"leaf", 4)
    read = board.devices["vital"].read
    board.devices["vital"].read = lambda *_: (_ for _ in ()).throw(OSError(5))
    app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
    live(app, board, 10)
    assert (app.site.fault, app.outbox.mounted(), app.outbox.backlog()) == (None, False, 0)
    with pytest.raises(OSError, match="19"):
        app.outbox.append(3, b"leaf", 4)
    board.devices["vital"].read = read
    live(app, board, 30)
    assert app.outbox.mounted()
    assert frames(app.outbox.vital)[0] == (3, b"leaf")
    assert frames(app.outbox.bulk)[0][0] == BIRTH


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


def test_a_birth_that_could_not_be_stored_comes_before_the_first_batch():
    board = Board()
    bulk = board.devices["bulk"]
    bulk.sync = lambda: (_ for _ in ()).throw(OSError(5))
    app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
    assert app.uplink.errors == 1
    del bulk.sync
    live(app, board, 100)
    assert [kind for kind, _ in frames(app.outbox.bulk)][:2] == [BIRTH, 1]
