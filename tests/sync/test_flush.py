"""An open batch is made durable every flush_s: a loss of power costs no more rows than that."""

import struct

import pytest

import edge.batching
import edge.energies
from edge.app import App
from edge.uplink import BIRTH
from tests.core.park import image
from tests.sync.test_uplink_storage import Board, frames, live


class Plain:
    """A coder of which every row is final at once: what a batch's beginning needs to be readable,
    whatever the coding is."""

    def __init__(self, schema, capacity_bytes):
        self.buffer = bytearray(capacity_bytes)
        self.reset()

    def reset(self):
        self.rows = self._n = 0
        self.closed = False

    def add(self, row):
        if self.closed:
            return False
        struct.pack_into("<2I", self.buffer, self._n, *row[:2])
        self._n += 8
        self.rows += 1
        self.closed = self._n + 8 > len(self.buffer)
        return True

    def code(self, row):
        return self.add(row)

    def part(self):
        return self._n

    def finish(self):
        self.closed = True
        return self._n


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr(edge.batching, "BatchEncoder", Plain)
    monkeypatch.setattr(edge.energies, "BatchEncoder", Plain)


def gateway(board, **keys):
    return App(image(site={"beat_s": 60}, telemetry={
        "period_s": 60, "batch_rows": 60, "linger_s": 3600, **keys}), board)


def seconds(body):
    return [second for _, second in struct.iter_unpack("<2I", body)]


@pytest.mark.parametrize("flush_s", [60, 300, 900])
@pytest.mark.parametrize("minutes", range(1, 125, 9))
def test_a_loss_of_power_costs_the_rows_of_one_flush(plain, flush_s, minutes):
    board = Board()
    app = gateway(board, flush_s=flush_s)
    live(app, board, minutes)
    app = gateway(board)  # without a goodbye
    kept = [second for kind, body in frames(app.outbox.bulk) if kind == 1
            for second in seconds(body)]
    assert kept == sorted(set(kept))
    assert minutes - 1 - flush_s // 60 <= len(kept) <= minutes + 3  # some rows are news beside


def test_a_batch_is_one_frame_however_many_parts_it_has(plain):
    board = Board()
    app = gateway(board, flush_s=60)
    live(app, board, 200)
    app.uplink.flush()
    found = [(kind, len(seconds(body))) for kind, body in frames(app.outbox.bulk) if kind != BIRTH]
    assert [kind for kind, _ in found] == [1] * len(found)
    assert [n for _, n in found[:-1]] == [60] * (len(found) - 1)
    assert app.outbox.bulk.parts == 0


def test_a_quarter_hour_is_durable_when_it_ends(plain):
    board = Board()
    app = gateway(board, flush_s=60)
    live(app, board, 61)
    app = gateway(board)
    assert [(kind, len(seconds(body))) for kind, body in frames(app.outbox.vital)[1:]] == [(8, 4)]


def test_a_leaf_ends_the_frame_of_energies_and_the_next_begins_anew(plain):
    board = Board()
    app = gateway(board, flush_s=60)
    live(app, board, 31)
    app.outbox.append(3, b"leaf", 4)
    live(app, board, 30)
    app.uplink.flush()
    found = frames(app.outbox.vital)
    assert [kind for kind, _ in found] == [BIRTH, 8, 3, 8]
    assert [second % 900 for second in seconds(found[1][1])] == [0, 0]
    assert [second % 900 for second in seconds(found[3][1])][:2] == [0, 0]


def test_a_flash_that_fails_in_the_middle_of_a_batch_loses_none_of_it(plain):
    board = Board()
    app = gateway(board, flush_s=60)
    live(app, board, 20)
    bulk = board.devices["bulk"]
    bulk.sync = lambda: (_ for _ in ()).throw(OSError(5))
    live(app, board, 6)
    del bulk.sync
    live(app, board, 30)
    assert app.uplink.errors > 0
    app.uplink.flush()
    kept = [second for kind, body in frames(app.outbox.bulk) if kind == 1
            for second in seconds(body)]
    assert len(kept) == len(set(kept)) >= 56
    assert app.site.telemetry.lost == 0
