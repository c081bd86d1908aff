"""Any bytes as an announced load: all of it taken, or counted as strange and nothing changed."""

import msgpack

from edge.announcements import Announcements
from tests.sync.test_announcements import DAY, GOOD

SEEDS = [msgpack.packb(GOOD), msgpack.packb([*GOOD[:5], DAY + 9, 95, [8000] * 96]),
         msgpack.packb([*GOOD[:7], []])]
_told: list[tuple] = []


def _announce(*told) -> int:
    _told.append(told)
    return 0


_receiver = Announcements(_announce)


def one(data: bytes) -> None:
    """Somewhere in the client's buffer."""
    before = _receiver.taken, _receiver.strange
    _told.clear()
    _receiver.receive(bytearray(b"xx" + data + b"\x01"), 2, 2 + len(data), 0)
    if _receiver.strange > before[1]:
        assert (_receiver.taken, _told) == (before[0], [])
        return
    (day, slot, loads_w, kind, sure_pm, until_day, until_slot), = _told
    assert msgpack.unpackb(data) == [1, day, slot, kind, sure_pm, until_day, until_slot,
                                     [w // 1000 for w in loads_w]]
    assert max(map(abs, loads_w), default=0) <= 8_000_000
    assert max(day, until_day) < 1_000_000
