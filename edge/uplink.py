"""What leaves the gateway: a birth at every start, then the batches of journal rows."""

from edge import __version__, journal
from edge.compat import const
from edge.wire import msgpack

BATCH = const(1)
BIRTH = const(2)
_BIRTH_BYTES = const(1000)  # the fields take 400, fifteen rules may take 300
_CALM_MS = const(100)


def birth(site) -> bytes:
    """Names that make the rows readable: a MessagePack map of version, fields, rules, site hash
    and beat."""
    buf = bytearray(_BIRTH_BYTES)
    at = msgpack.put_map_head(buf, 0, 5)
    at = msgpack.put_str(buf, at, "v")
    at = msgpack.put_str(buf, at, __version__)
    at = _put_names(buf, msgpack.put_str(buf, at, "fields"), journal.FIELDS)
    at = _put_names(buf, msgpack.put_str(buf, at, "rules"), site.rule_names)
    at = msgpack.put_str(buf, at, "site")
    at = msgpack.put_str(buf, at, site.hash)
    at = msgpack.put_str(buf, at, "beat_s")
    at = msgpack.put_int(buf, at, site.beat_s)
    return bytes(memoryview(buf)[:at])


def _put_names(buf: bytearray, at: int, names) -> int:
    at = msgpack.put_array_head(buf, at, len(names))
    for name in names:
        at = msgpack.put_str(buf, at, name)
    return at


class Uplink:
    """Moves finished batches into the outbox and steps the sync. Without an outbox (flash gone)
    or without a broker control goes on; what cannot be kept is counted by the telemetry."""

    def __init__(self, site, outbox, sync):
        self._telemetry = site.telemetry
        self._outbox = outbox
        self._sync = sync
        self.errors = 0  # frames the flash refused
        data = birth(site)
        self._outbox.append(BIRTH, data, len(data))

    def step(self, now_ms: int, connected: bool) -> int:
        """Store a batch that is full or old, send what waits; ms until the next call (at most
        a tenth of a second, so that a full batch never waits long)."""
        batch = self._telemetry.take()
        if batch is not None:
            try:
                self._outbox.append(BATCH, batch.buffer, batch.finish())
                self._telemetry.done()
            except OSError:  # kept in memory and tried again; new rows are counted as lost
                self.errors += 1
        if self._sync is None or not connected:
            return _CALM_MS
        wait_ms = self._sync.step(now_ms)
        return wait_ms if wait_ms < _CALM_MS else _CALM_MS

    def flush(self):
        """Store what the open batch holds."""
        for _ in range(2):  # the rows that wait may fill it, and begin another
            self._telemetry.flush()
            self.step(0, False)
