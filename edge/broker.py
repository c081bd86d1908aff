"""The way up of a gateway that has a broker: its client, over whatever port leads there."""

from edge import mqtt_client
from edge.account import Account
from edge.compat import TYPE_CHECKING, const
from edge.port import TcpPort
from edge.sync import AROUND, Sync

if TYPE_CHECKING:
    from typing import Any

_PACKET_BYTES = const(256)  # received from the broker: acknowledgements only,
_LONG_BYTES = const(512)  # or announced loads, and commands
_LIVE_BYTES = const(1120)  # sent to it beside: what edge/live.py publishes, and its topic


def part(app, image: dict):
    """What sends the frames of app.outbox, or tells figures in the cloud's JSON where there is no
    bridge; its client is app.client. None when the account of that broker cannot be used."""
    account = app.account = Account(app.board, image)
    if account.told is None:
        return None
    rings, broker = app.outbox, image["broker"]
    app.client = _client(app, account, image, rings.bulk.max_payload)
    _hear(app, image)
    if "commands" in image:
        app.commands = __import__("edge.command", None, None, ("part",)).part(app, image)
    if "json_s" in broker:
        native = __import__("edge.native", None, None, ("Native",))
        return native.Native(app.client, app.site, account, broker["json_s"])
    told, site = account.told, image["site"]
    sync = Sync(app.client, rings.by_rank, site["park"], site["gateway"],
                trust_puback="trust_puback" in broker, up=told["up"], down=told["down"][0])
    if len(told["down"]) == 1:
        sync.commands = app.commands
    return sync


def _client(app, account: Account, image: dict, most: int):
    told, broker = account.told, image["broker"]
    version: Any = mqtt_client
    if "version" in broker:
        version = __import__("edge.mqtt5_client", None, None, ("Options",))
    options = version.Options(told["client_id"], told["user"], told["password"], account.status)
    options.slot_bytes = AROUND + len(told["up"]) + most
    options.packet_bytes = _PACKET_BYTES
    if _told(image) or "commands" in image:
        options.packet_bytes = _LONG_BYTES
    if told["down"] and told["down"][0][-1:] == b"#":  # what the cloud adds to the topic
        options.packet_bytes += told["limits"]["topic"]
    if "live" in image:
        options.control_bytes += _LIVE_BYTES
    return version.MqttClient(account.renewing(_port(app, broker), options), options)


def _port(app, broker: dict):
    """The byte pipe to the broker: over its name where it has no address, inside TLS where asked
    for."""
    port: Any = TcpPort(broker["host"], broker["port"])
    if "named" in broker:
        names = __import__("edge.dns", None, None, ("NamedPort",))
        port = names.NamedPort(port, app.board.name_server)
    if "tls" in broker:
        tls = __import__("edge.tls_port", None, None, ("part",))
        port = tls.part(app, broker["tls"], port)
    return port


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
