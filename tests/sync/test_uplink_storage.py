"""What the uplink stores: batches, births and energies, on devices that may fail."""

import itertools

import msgpack
import pytest

from cloud_bridge.batches import decode_batch
from edge.app import App
from edge.blocks import RamBlocks
from edge.now import Faults
from edge.outbox import Outbox
from edge.uplink import BIRTH
from tests.core.park import image


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


def test_an_error_at_the_start_waits_a_second_wherever_the_ticks_stand():
    """They have an arbitrary start: what is more than half a period ahead of 0 was waited for."""
    board = Board()
    bulk = board.devices["bulk"]
    bulk.read = lambda *_: (_ for _ in ()).throw(OSError(5))
    app = App(image(), board)
    assert app.uplink.errors == 1
    del bulk.read
    app.uplink.step(700_000_000, True)
    assert app.outbox.mounted()


@pytest.mark.parametrize("error", [ValueError("a bug"), MemoryError()])
def test_a_bug_at_the_start_or_the_end_ends_neither(error):
    board = Board()
    bulk = board.devices["bulk"]
    bulk.read = lambda *_: (_ for _ in ()).throw(error)
    app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
    assert Faults(app).count() == 1
    del bulk.read
    live(app, board, 30)
    assert app.outbox.mounted()
    bulk.program = lambda *_: (_ for _ in ()).throw(error)
    live(app, board, 2)
    app.uplink.flush()
    assert Faults(app).count() > 1
    assert (7, b"uplink: " + repr(error).encode()) in frames(app.outbox.vital)


def test_a_birth_that_could_not_be_stored_comes_before_the_first_batch():
    board = Board()
    bulk = board.devices["bulk"]
    app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
    bulk.sync = lambda: (_ for _ in ()).throw(OSError(5))
    live(app, board, 10)
    assert app.uplink.errors > 0
    assert frames(app.outbox.bulk) == []
    del bulk.sync
    live(app, board, 100)
    assert [kind for kind, _ in frames(app.outbox.bulk)][:2] == [BIRTH, 1]


def test_a_gateway_that_starts_over_and_over_gives_up_nothing():
    """As a watchdog does it, in an outage: each start would open another sector."""
    board = Board()
    app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
    live(app, board, 30)
    app.uplink.flush()
    waiting = app.outbox.backlog()
    images = [bytes(device.memory) for device in board.devices.values()]
    for _ in range(50):
        app = App(image(site={"beat_s": 60}, telemetry={"period_s": 60}), board)
        live(app, board, 1)
    assert (app.outbox.backlog(), app.outbox.lost()) == (waiting, 0)
    assert [bytes(device.memory) for device in board.devices.values()] == images
