"""Alibaba Cloud IoT Platform: three names, and a password that is signed with the device's secret.

help.aliyun.com 73742, "MQTT-TCP": clientId "{id}|securemode=2,signmethod=hmacsha256,timestamp=..|"
(2 = TLS, 3 = TCP), user "{device}&{product}", password hex HMAC over the parameters by name; the
timestamp may be left out. Keep-alive 30 to 1200 s, QoS 0 and 1, no will, nothing retained, 256 KB,
a topic of at most 128 bytes. Our messages take a topic class of one's own:
/{product}/{device}/user/b, answers /user/ack: enter both with the product. Properties by
help.aliyun.com 89301 (Alink JSON).
"""

from binascii import hexlify

from edge.clouds import account, limits, secret, word
from edge.hmac256 import hmac

FIELDS = (
    ("product", "text", None, None, None, "ProductKey"),
    ("device", "text", None, None, None, "DeviceName"),
)
SECRET = "DeviceSecret"
OWN_TOPICS = 0
FRAMES = 1
TLS = 0


def signed(client: str, device: str, product: str, time_ms: str) -> bytes:
    """What the password is the HMAC of; `time_ms` "" where there is none."""
    content = "clientId" + client + "deviceName" + device + "productKey" + product
    return (content + "timestamp" + time_ms if time_ms else content).encode()


def connect(secrets: dict, utc_s: int) -> dict:
    """A new signature from each `utc_s`; without the time one that has no timestamp."""
    product, device = word(secrets, "product"), word(secrets, "device")
    time_ms = str(utc_s) + "000" if utc_s > 0 else ""
    mode = "2" if secrets.get("tls") else "3"
    head = device + "|securemode=" + mode + ",signmethod=hmacsha256"
    client = head + (",timestamp=" + time_ms + "|" if time_ms else "|")
    password = hexlify(hmac(secret(secrets, SECRET, 1, 64),
                            signed(device, device, product, time_ms)))
    own = "/" + product + "/" + device + "/user/"
    return account(secrets, client, device + "&" + product, password, own + "b",
                   [own + "ack", own + "cmd"], limits(262_144, 128, 8, 0, 0, 1_200))


def native(secrets: dict, utc_s: int, n: int, figures: str) -> tuple:
    """Properties of the thing model, whose identifiers are the names of the figures."""
    if utc_s > 0:
        pairs = [pair.split(":") for pair in figures.split(",")]
        figures = ",".join(['%s:{"value":%s,"time":%d000}' % (name, value, utc_s)
                            for name, value in pairs])
    topic = "/sys/" + word(secrets, "product") + "/" + word(secrets, "device")
    return (topic + "/thing/event/property/post").encode(), (
        '{"id":"%d","version":"1.0","params":{%s},"method":"thing.event.property.post"}'
        % (n, figures)).encode()
