"""What leaves the gateway: the batches of journal rows, the energies of every quarter-hour, and a
birth before the first of either after a start."""

from edge import __version__, journal
from edge.batching import BATCH_BYTES, Batching
from edge.compat import const
from edge.energies import FIELDS, Energies
from edge.guard import Guard
from edge.open_frame import OpenFrame
from edge.rings import BATCH, Rings
from edge.ticks import ticks_add, ticks_diff
from edge.wire import msgpack

BIRTH = const(2)
_BIRTH_BYTES = const(1200)  # the fields take 400, the energies 200, fifteen rules may take 300
_CALM_MS = const(100)
_BUSY_MS = const(10)  # while rows are being coded
_AGAIN_MS = const(1_000)  # before storing is tried again; doubles while it fails
_AGAIN_MAX_MS = const(300_000)


def part(app, image: dict):
    """The uplink of a gateway, and the parts of it that others use as well: app.outbox, app.sync
    and, where there is a broker, app.client. None without a place to keep frames."""
    device = app.board.flash_device()
    if device is None:
        return None
    rings = app.outbox = Rings(device, app.board.state("vital"), BATCH_BYTES)
    way = "oneway" if "oneway" in image else "broker" if image["broker"]["host"] else ""
    if way:
        app.sync = __import__("edge." + way, None, None, ("part",)).part(app, image)
    return Uplink(app.site, Batching(app.site.telemetry, image["telemetry"]), rings, app.sync)


def birth(site, period_s: int) -> bytes:
    """What makes the rows readable: a MessagePack map of version, fields, fields of the energies,
    rules, site hash, beat and how often a row comes at least."""
    buf = bytearray(_BIRTH_BYTES)
    at = msgpack.put_map_head(buf, 0, 7)
    at = msgpack.put_str(buf, at, "v")
    at = msgpack.put_str(buf, at, __version__)
    at = _put_names(buf, msgpack.put_str(buf, at, "fields"), journal.FIELDS)
    at = _put_names(buf, msgpack.put_str(buf, at, "energies"), FIELDS)
    at = _put_names(buf, msgpack.put_str(buf, at, "rules"), site.rule_names)
    at = msgpack.put_str(buf, at, "site")
    at = msgpack.put_str(buf, at, site.hash)
    at = msgpack.put_str(buf, at, "beat_s")
    at = msgpack.put_int(buf, at, site.beat_s)
    at = msgpack.put_str(buf, at, "period_s")
    at = msgpack.put_int(buf, at, period_s)
    return bytes(memoryview(buf)[:at])


def _put_names(buf: bytearray, at: int, names) -> int:
    at = msgpack.put_array_head(buf, at, len(names))
    for name in names:
        at = msgpack.put_str(buf, at, name)
    return at


class Uplink:
    """Moves rows into the outboxes and steps the sync. Without an outbox (flash gone) or without a
    broker control goes on; what cannot be kept is counted by the telemetry. Each of the two halves
    has a guard, so what fails in one does not rest the other."""

    def __init__(self, site, batching, rings, sync):
        self._site = site
        self._batching = batching
        self._rings = rings
        self._frame = OpenFrame(rings.bulk, BATCH, batching.batch)
        self._energies = getattr(site, "energies", Energies)(site, rings.vital, self._birth)
        self._born = False
        self._wait_ms = 0  # after an error of the flash, until _due_ms
        self._due_ms = 0
        self.errors = 0  # times the flash refused a frame
        self._storing = Guard("uplink", self._keep, self._begin_anew, rings)
        self.guards = [self._storing]
        if sync is not None:
            self.guards.append(Guard("sync", sync.step, sync.mend, rings))
        self._storing.step(0)

    def step(self, now_ms: int, connected: bool) -> int:
        """Code and store what is due, send what waits; ms until the next call (at most a tenth of a
        second, so that a full batch never waits long)."""
        wait_ms = min(self._storing.step(now_ms), _CALM_MS)
        if connected:
            for guard in self.guards[1:]:
                wait_ms = min(guard.step(now_ms), wait_ms)
        return wait_ms

    def _keep(self, now_ms: int) -> int:
        self._batching.take()
        if not 0 < ticks_diff(self._due_ms, now_ms) <= self._wait_ms:
            self._try(now_ms)
        return _BUSY_MS if self._batching.busy() else _CALM_MS

    def _begin_anew(self, now_ms: int):
        """After an internal fault: what is durable of the open frames is whole, and goes."""
        self._batching.drop(self._frame.drop())
        self._energies.drop()

    def flush(self):
        """Store what the open frames hold."""
        try:
            for _ in range(2):  # the rows that wait may fill a batch, and begin another
                self._batching.flush()
                self._store()
            self._energies.end()
        except OSError:
            self.errors += 1
        except Exception as error:
            self._storing.fault(error, self._due_ms)

    def _try(self, now_ms: int):
        """Store; what fails is kept in memory, where new rows are counted as lost in the end."""
        try:
            self._store()
            self._wait_ms = 0
        except OSError:
            self.errors += 1
            self._wait_ms = min(max(2 * self._wait_ms, _AGAIN_MS), _AGAIN_MAX_MS)
            self._due_ms = ticks_add(now_ms, self._wait_ms)

    def _store(self):
        if not self._rings.mounted():
            self._rings.mount()
        batching = self._batching
        closed = batching.batch.closed
        if closed or batching.due():
            if not self._born:  # not before: a gateway that starts over and over wears nothing out
                kind, data = self._birth()
                self._rings.bulk.append(kind, data, len(data))
                self._born = True
            if closed:
                self._frame.close()
                batching.done()
            else:
                self._frame.flush()
                batching.safe()
        self._energies.step()

    def _birth(self):
        return BIRTH, birth(self._site, self._batching.period_s)
