"""What the clouds document, written down a second time: who gets in, and what is too much.

Nothing here uses edge/clouds. Each `admits` recomputes the credentials with the standard library
from what the cloud knows, and says what is wrong with a CONNECT ("" nothing).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, unquote

HOST = "127.0.0.1"
SECRET = b"oLyaKqVxtRvjH284LdhqVgVUx1UPy6zq"
KEY = base64.b64encode(b"thirty-two secret bytes of a key")


class Connect(NamedTuple):
    """What a client says of itself."""

    client_id: str
    user: str | None
    password: bytes | None
    keepalive_s: int
    will: bool


class Limits(NamedTuple):
    """The most a cloud takes; levels 8 where it states none."""

    payload: int
    topic: int = 256
    levels: int = 8
    retain: bool = False
    will: bool = False
    keepalive_s: int = 1_200


@dataclass
class Cloud:
    """One cloud: what stands in the site file, what it takes, its topics."""

    name: str
    limits: Limits
    up: str
    down: str  # where an acknowledgement is published
    keys: dict = field(default_factory=dict)
    secret: bytes = b""
    renews: bool = False  # each connection has other credentials
    expires: bool = False  # and ends with them


def hexed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest().encode()


def admits_plain(said, now_s):
    return "" if (said.user, said.password) == ("demo", b"sesame") else "wrong password"


def admits_certificate(said, now_s):
    """TLS has known it before; what is left is the name."""
    return "" if said.password is None and said.client_id == "gw-7" else "wrong name"


def admits_eventgrid(said, now_s):
    return admits_certificate(said, now_s) or ("" if said.user == "gw-7" else "no such client")


def admits_iothub(said, now_s):
    """Azure IoT Hub: a SAS token that is not yet over."""
    if said.client_id != "gw-7" or said.user != HOST + "/gw-7/?api-version=2021-04-12":
        return "wrong names"
    token = re.fullmatch(r"SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)",
                         said.password.decode())
    if not token or unquote(token[1]) != HOST + "/devices/gw-7":
        return "no token of this device"
    mark = hmac.new(base64.b64decode(KEY), f"{quote(unquote(token[1]), safe='')}\n{token[3]}"
                    .encode(), hashlib.sha256).digest()
    if unquote(token[2]) != base64.b64encode(mark).decode():
        return "wrong signature"
    return "" if int(token[3]) > now_s else "expired"


def admits_alibaba(said, now_s):
    """Alibaba Cloud IoT: parameters by name, HMAC-SHA256 in hexadecimal."""
    name = re.fullmatch(r"([\w.:@-]{1,64})\|securemode=3,signmethod=hmacsha256"
                        r"(?:,timestamp=(\d+))?\|", said.client_id)
    if not name or said.user != "gw-7&a14Xib5kdYd":
        return "wrong names"
    content = f"clientId{name[1]}deviceNamegw-7productKeya14Xib5kdYd"
    content += f"timestamp{name[2]}" if name[2] else ""
    return "" if said.password == hexed(SECRET, content) else "wrong signature"


def admits_huawei(said, now_s):
    """Huawei IoTDA: the hour in the client id signs; type 1 is an hour that must be now's."""
    name = re.fullmatch(r"a1_gw-7_0_([01])_(\d{10})", said.client_id)
    if not name or said.user != "a1_gw-7":
        return "wrong names"
    hour = datetime.strptime(name[2] + "+0000", "%Y%m%d%H%z")
    if name[1] == "1" and abs(hour - datetime.fromtimestamp(now_s, UTC)) > timedelta(hours=1):
        return "old hour"
    return "" if said.password == hexed(name[2].encode(), SECRET.decode()) else "wrong signature"


def admits_thingsboard(said, now_s):
    return "" if said.user == SECRET.decode() and not said.password else "no such token"


ADMITS = {"plain": admits_plain, "aws": admits_certificate, "eventgrid": admits_eventgrid,
          "iothub": admits_iothub, "alibaba": admits_alibaba, "huawei": admits_huawei,
          "thingsboard": admits_thingsboard}

CLOUDS = [
    Cloud("plain", Limits(268_435_455, 65_535, 65_535, True, True, 65_535),
          "parkedge/p/g/b", "parkedge/p/g/ack", secret=b"sesame"),
    # AWS General Reference, "AWS IoT Core message broker and protocol limits and quotas".
    Cloud("aws", Limits(131_072, retain=True, will=True), "parkedge/p/g/b", "parkedge/p/g/ack",
          {"thing": "gw-7", "ingest": ""}),
    # Microsoft Learn, Event Grid "Quotas and limits"; keep-alive docs.chariot.io/x/A4DVCg.
    Cloud("eventgrid", Limits(524_288, will=True, keepalive_s=1_160), "parkedge/p/g/b",
          "parkedge/p/g/ack", {"client": "gw-7"}),
    # Microsoft Learn, "Communicate with an IoT hub using the MQTT protocol".
    Cloud("iothub", Limits(262_144, keepalive_s=1_177), "devices/gw-7/messages/events/",
          "devices/gw-7/messages/devicebound/%24.mid=1&%24.to=x", {"device": "gw-7"}, KEY,
          True, True),
    # help.aliyun.com "Limits" of IoT Platform: 128 bytes a topic, keep-alive 30 to 1200 s.
    Cloud("alibaba", Limits(262_144, topic=128), "/a14Xib5kdYd/gw-7/user/b",
          "/a14Xib5kdYd/gw-7/user/ack", {"product": "a14Xib5kdYd", "device": "gw-7"}, SECRET, True),
    # support.huaweicloud.com iot_02_2200: 1 MB, 128 bytes a topic, no QoS 2, will or retain.
    Cloud("huawei", Limits(1_048_576, topic=128), "$oc/devices/a1_gw-7/user/b",
          "$oc/devices/a1_gw-7/user/ack", {"device": "a1_gw-7", "service": "parkedge"}, SECRET,
          True),
    # thingsboard.io: NETTY_MAX_PAYLOAD_SIZE.
    Cloud("thingsboard", Limits(65_536), "v1/devices/me/telemetry", "", {"device": ""}, SECRET),
]
