"""What leaves the gateway: a birth at every start, then the batches of journal rows."""

from edge import __version__, journal
from edge.account import Account
from edge.batching import BATCH_BYTES, Batching
from edge.compat import TYPE_CHECKING, const
from edge.mqtt_client import MqttClient, Options
from edge.outbox import Outbox
from edge.port import TcpPort
from edge.sync import AROUND, Sync
from edge.wire import msgpack

if TYPE_CHECKING:
    from typing import Any

BATCH = const(1)
BIRTH = const(2)
_BIRTH_BYTES = const(1000)  # the fields take 400, fifteen rules may take 300
_CALM_MS = const(100)
_PACKET_BYTES = const(256)  # received from the broker: acknowledgements only,
_LONG_BYTES = const(512)  # or announced loads
_LIVE_BYTES = const(1120)  # sent to it beside: what edge/live.py publishes, and its topic


def part(app, image: dict):
    """The uplink of a gateway, and the parts of it that others use as well: app.outbox,
    app.client, app.sync. None without a place to keep frames."""
    device = app.board.flash_device()
    if device is None:
        return None
    outbox = app.outbox = Outbox(device, BATCH_BYTES)
    outbox.mount()
    if image["broker"]["host"]:
        account = app.account = Account(app.board, image)
        if account.told is not None:
            app.client = _client(account, image, outbox.max_payload)
            app.sync = _sync(app, account, image, outbox)
            _hear(app, image)
    return Uplink(app.site, Batching(app.site.telemetry, image["telemetry"]), outbox, app.sync)


def _client(account: Account, image: dict, most: int):
    told = account.told
    options = Options(told["client_id"], told["user"], told["password"], account.status)
    options.slot_bytes = AROUND + len(told["up"]) + most
    options.packet_bytes = _LONG_BYTES if _told(image) else _PACKET_BYTES
    if "live" in image:
        options.control_bytes += _LIVE_BYTES
    port = TcpPort(told["host"], told["port"])
    return MqttClient(account.renewing(port, options), options)


def _sync(app, account: Account, image: dict, outbox):
    """What takes the frames to the bridge; without one, what tells figures in the cloud's JSON."""
    if "json_s" in image["broker"]:
        module = __import__("edge.native", None, None, ("Native",))
        return module.Native(app.client, app.site, account, image["broker"]["json_s"])
    told, site = account.told, image["site"]
    return Sync(app.client, outbox, site["park"], site["gateway"], up=told["up"],
                down=told["down"][0])


def _hear(app, image: dict):
    """Subscribe to announced loads where the site has switched that on: whoever may publish there
    is believed."""
    if _told(image):
        module = __import__("edge.announcements", None, None, ("Announcements",))
        parts: Any = app.site  # foresight has given it the call
        app.client.subscribe((_topic(image) + "/announce").encode(),
                             module.Announcements(parts.announce))


def _topic(image: dict) -> str:
    return "parkedge/" + image["site"]["park"] + "/" + image["site"]["gateway"]


def _told(image: dict) -> bool:
    return any(keys.get("topic") for _, keys in image.get("plan", ()))


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

    def __init__(self, site, batching, outbox, sync):
        self._batching = batching
        self._outbox = outbox
        self._sync = sync
        self.errors = 0  # frames the flash refused
        data = birth(site)
        self._outbox.append(BIRTH, data, len(data))

    def step(self, now_ms: int, connected: bool) -> int:
        """Store a batch that is full or old, send what waits; ms until the next call (at most
        a tenth of a second, so that a full batch never waits long)."""
        batch = self._batching.take()
        if batch is not None:
            try:
                self._outbox.append(BATCH, batch.buffer, batch.finish())
                self._batching.done()
            except OSError:  # kept in memory and tried again; new rows are counted as lost
                self.errors += 1
        if self._sync is None or not connected:
            return _CALM_MS
        wait_ms = self._sync.step(now_ms)
        return wait_ms if wait_ms < _CALM_MS else _CALM_MS

    def flush(self):
        """Store what the open batch holds."""
        for _ in range(2):  # the rows that wait may fill it, and begin another
            self._batching.flush()
            self.step(0, False)
