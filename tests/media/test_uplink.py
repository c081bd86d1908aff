"""What a gateway stores of its meters: a row every quarter-hour, whatever fails meanwhile."""

from __future__ import annotations

import itertools
from typing import Any

import msgpack
import pytest

from cloud_bridge import media
from cloud_bridge.batches import decode_batch
from cloud_bridge.media import Meter, Reading
from edge.app import App
from edge.blocks import RamBlocks
from edge.energies import ENERGY
from edge.media import MEDIA
from edge.now import Now
from edge.uplink import BIRTH
from tests.core.park import image
from tests.media.meters import HEAT, REUSED, WATER

METERS = (WATER, HEAT, REUSED)
KEYS = {"meters": [list(one) for one in METERS],
        "counts": [["", 10, 1, 5_000, ""], ["heat_wh.1", 1, 1, 0, "age_s.1"],
                   ["volume_l.2", 1, 1, 0, ""]],
        "pulses": [[0, "GP7", 20, 100, 0xFFFF_FFF0]]}


class Source:
    n = 0

    def count(self) -> int:
        return self.n


class Board:
    """In memory, with a wall clock and a counter that stand where the test wants them."""

    def __init__(self) -> None:
        self.devices = {name: RamBlocks(4096, 8) for name in ("bulk", "vital", "pulses")}
        self.minute = 9_800 * 1440
        self.source = Source()

    def open_pulse(self, name: str, debounce_ms: int) -> Source:
        assert (name, debounce_ms) == ("GP7", 20)
        return self.source

    def flash_device(self) -> RamBlocks:
        return self.devices["bulk"]

    def state(self, name: str) -> RamBlocks:
        return self.devices[name]

    def wall(self) -> tuple[int, int, bool]:
        return self.minute // 1440, self.minute % 1440 * 60, True

    def keep(self, row: object, rule_names: object) -> None:
        pass

    def watchdog(self, feed: bool) -> None:
        pass


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Board]:
    board = Board()
    monkeypatch.setattr("edge.media.ticks_ms", lambda: board.minute % 10_000 * 60_000)
    made = image(site={"beat_s": 60}, telemetry={"period_s": 60})
    return App(made | {"media": KEYS}, board), board


def live(app: Any, board: Board, minutes: int, heat: bool = True) -> None:
    """Three pulses and 50 Wh a minute; the third meter never says anything."""
    for _ in range(minutes):
        board.minute += 1
        board.source.n += 3
        now_ms = board.minute % 10_000 * 60_000
        if heat:
            app.site.media.meters[1].take("heat_wh.1", 50 * board.minute, now_ms)
        app.beat(now_ms)
        app.uplink.step(now_ms, True)


def frames(box: Any) -> list[tuple[int, bytes]]:
    into, found = bytearray(box.max_payload), []
    for seq in range(box.acked + 1, box._next):
        n = box.read(seq, into)
        found.append((box.kind, bytes(into[:n])))
    return found


def shown(box: Any) -> dict[Meter, list[Reading]]:
    """What the bridge reads."""
    known = media.meters(msgpack.unpackb(next(body for kind, body in frames(box)
                                              if kind == BIRTH))["media"])
    found: dict[Meter, list[Reading]] = {}
    for kind, body in frames(box):
        for row in decode_batch(body).rows if kind == MEDIA else ():
            for meter, reading in media.read(row, known):
                found.setdefault(meter, []).append(reading)
    return found


def test_every_quarter_hour_has_a_row_of_them_and_one_of_energies(started: tuple[Any, Board]
                                                                 ) -> None:
    app, board = started
    live(app, board, 14 + 8 * 15)
    kinds = [kind for kind, _ in frames(app.outbox.vital)]
    assert kinds == [BIRTH] + [ENERGY, MEDIA] * 8
    names = msgpack.unpackb(frames(app.outbox.vital)[0][1])
    assert (len(names), len(names["energies"])) == (8, 17)
    found = shown(app.outbox.vital)
    assert [*found] == [WATER, HEAT]  # the third was never heard
    for meter, each in ((WATER, 450), (HEAT, 750)):
        values = [one.value for one in found[meter]]
        assert [b - a for a, b in itertools.pairwise(values)] == [each] * 7
        assert [one.utc % 900 for one in found[meter]] == [0] * 8
    app.uplink.flush()
    assert len(shown(app.outbox.vital)[WATER]) == 9


def test_a_meter_that_falls_silent_is_told_no_more(started: tuple[Any, Board]) -> None:
    app, board = started
    live(app, board, 30)
    live(app, board, 60, heat=False)
    found = shown(app.outbox.vital)
    assert len(found[WATER]) == 6
    assert [one.age_s for one in found[HEAT]] == [0, 0, 900, 1_800, 2_700]  # then no more
    live(app, board, 15)
    assert [one.age_s for one in shown(app.outbox.vital)[HEAT]][5:] == [0]


def test_a_device_that_knows_how_old_its_reading_is_is_believed(started: tuple[Any, Board]) -> None:
    app, board = started
    meter = app.site.media.meters[1]
    assert meter.take("age_s.1", 700, 0)
    live(app, board, 30)
    meter.take("age_s.1", 1 << 31, 0)
    live(app, board, 15)
    assert [one.age_s for one in shown(app.outbox.vital)[HEAT]] == [700, 700]


def test_what_is_impossible_is_refused_and_told(started: tuple[Any, Board]) -> None:
    app, board = started
    live(app, board, 20)
    meter = app.site.media.meters[1]
    assert not meter.take("heat_wh.1", -1, 0)
    assert not meter.take("heat_wh.1", 1 << 40, 0)
    assert not meter.take("heat_wh.2", 5, 0)
    live(app, board, 15)
    assert shown(app.outbox.vital)[HEAT][-1].refused == 2


@pytest.mark.parametrize("device", ["vital", "pulses"])
def test_a_flash_that_fails_leaves_no_frame_half_told(started: tuple[Any, Board],
                                                      device: str) -> None:
    app, board = started
    live(app, board, 20)
    sync = board.devices[device].sync

    def fails() -> None:
        raise OSError(5, "input/output error")

    board.devices[device].sync = fails  # type: ignore[method-assign]
    live(app, board, 50)
    assert app.uplink.errors > 0
    board.devices[device].sync = sync  # type: ignore[method-assign]
    live(app, board, 40)
    assert (app.site.fault, app.uplink.guards[0].faults) == (None, 0)
    told = frames(app.outbox.vital)
    assert all(body for _, body in told)
    values = [one.value for one in shown(app.outbox.vital)[WATER]]
    assert values == sorted({*values})
    assert values[-1] == 5_000 + 10 * 3 * 105  # all pulses, whenever they came
    energies = [row for kind, body in told if kind == ENERGY for row in decode_batch(body).rows]
    assert len({tuple(row[:2]) for row in energies}) == len(energies)


def test_an_internal_fault_costs_a_row_and_no_pulse(started: tuple[Any, Board]) -> None:
    app, board = started
    live(app, board, 20)
    coder, bugs = app.uplink._energies._coder, [ValueError("a bug")]
    add = coder.add
    coder.add = lambda row: add(row) if not bugs else (_ for _ in ()).throw(bugs.pop())
    live(app, board, 45)
    assert app.uplink.guards[0].faults == 1
    values = [one.value for one in shown(app.outbox.vital)[WATER]]
    assert len(values) == 3
    assert values[-1] == 5_000 + 30 * 60


def test_a_board_without_its_inputs_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    board = Board()

    def fails(name: str, debounce_ms: int) -> Source:
        raise OSError(2, "no such line")

    board.open_pulse = fails  # type: ignore[method-assign]
    app = App(image(site={"beat_s": 60}) | {"media": KEYS}, board)
    live(app, board, 40)
    assert "no such line" in capsys.readouterr().out
    assert app.site.fault is None
    assert [*shown(app.outbox.vital)] == [HEAT]


def test_they_are_shown_as_they_are_now(started: tuple[Any, Board]) -> None:
    app, board = started
    live(app, board, 2)
    buf = bytearray(2048)
    keys = image()
    end = Now(app.site, keys).write(buf, 0, 0)
    text = buf[:end].decode()
    assert '"town_water_l":5060,' in text
    assert '"recycled_l":null' in text
