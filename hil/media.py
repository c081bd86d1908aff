"""The meters of water, heat ... of an emulated site: made-up flows as a gateway tells of them.

Each flows at two fifths of the most that can flow from 6 to 18 o'clock, and at a tenth of it at
night. What would go to the vital outbox is read as the bridge reads it; `close` writes it as
`python -m cloud_bridge query media` would.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud_bridge import media
from cloud_bridge.batches import decode_batch
from cloud_bridge.carbon import readings
from edge.media import MEDIA, join

_DAY_PC, _NIGHT_PC = 40, 10
_FROM_S, _UNTIL_S = 6 * 3600, 18 * 3600


class Media:
    """Of an `image` with such meters; their clock is the controller's."""

    parts = 0  # as an outbox: no frame is ever left open

    def __init__(self, image: Mapping[str, Any], site: Any) -> None:
        self._keys, self._site = image["media"], site
        self._meters = media.meters(self._keys["meters"])
        self._frames: list[bytes] = []
        self._flowed = [0] * len(self._meters)  # of the unit, times 360,000
        self._last = (0, 0)
        join(site, {**self._keys, "pulses": ()}, None)
        self._energies = site.energies(site, self, None)

    def append(self, kind: int, data: bytes | bytearray | memoryview, n: int) -> None:
        """As an outbox takes it."""
        if kind == MEDIA:
            self._frames.append(bytes(data[:n]))

    extend = append

    def show(self) -> None:
        """Let all flow up to the beat that was just taken, and tell it where it is time."""
        now = self._site.now
        then, self._last = self._last, (now.day, now.second)
        span_s = 86_400 * (now.day - then[0]) + now.second - then[1] if then[0] else 0
        share_pc = _DAY_PC if _FROM_S <= now.local_second < _UNTIL_S else _NIGHT_PC
        for place, meter in enumerate(self._site.media.meters):
            self._flowed[place] += self._meters[place].most_per_h * span_s * share_pc
            signal, num, den, _, _ = self._keys["counts"][place]
            meter.take(signal, self._flowed[place] * den // (360_000 * num), now.row[2])
        self._energies.step()

    def close(self, path: Path) -> int:
        """Write every reading as a line; how many. OSError."""
        self.show()
        found = [one for frame in self._frames for row in decode_batch(frame).rows
                 for one in media.read(row, self._meters)]
        path.write_text("".join(readings.line(*one) + "\n" for one in found), encoding="utf-8")
        return len(found)
