"""What is so now, every `period_s` to the broker: `parkedge/<park>/<gateway>/now`, JSON.

At QoS 0 and not retained: a lost one is made good by the next, and what a gateway said before it
fell silent is not so now (its retained `status` says that it is offline). It goes between the
packets of the outbox, into what room the client's buffer has, and never waits in a queue.
"""

from edge.compat import const
from edge.now import BYTES, Now
from edge.ticks import ticks_add, ticks_diff

_AGAIN_MS = const(1000)  # after the client had no room for it


def part(app, image: dict) -> "Live":
    """The part of a gateway (edge/app.py) that the image's [live] asks for."""
    site = image["site"]
    topic = "parkedge/" + site["park"] + "/" + site["gateway"] + "/now"
    return Live(Now(app.site, image), app.client, topic, image["live"]["period_s"] * 1000)


class Live:
    """Publishes what `now` writes; without a client (flash gone) there is nobody to tell."""

    def __init__(self, now, client, topic: str, period_ms: int):
        self._now = now
        self._client = client
        self._topic = topic.encode()
        self._period_ms = period_ms
        self._buf = bytearray(BYTES)
        self._view = memoryview(self._buf)
        self._due_ms = -1

    def mend(self, now_ms: int) -> None:
        """After an internal fault: nothing is kept from one telling to the next."""
        self._due_ms = -1

    def step(self, now_ms: int) -> int:
        """Tell when it is due; ms until the next call."""
        if self._due_ms >= 0:
            wait_ms = ticks_diff(self._due_ms, now_ms)
            if 0 < wait_ms <= self._period_ms:
                return wait_ms
        wait_ms = self._period_ms
        if self._client is None or not self._client.is_up():
            wait_ms = _AGAIN_MS
        else:
            end = self._now.write(self._buf, 0, now_ms)
            if not self._client.publish(self._topic, self._view[:end]):
                wait_ms = _AGAIN_MS
        self._due_ms = ticks_add(now_ms, wait_ms)
        return wait_ms
