"""Azure IoT Hub: fixed topics, and a token that is signed with the device's key (SAS).

Microsoft Learn, "Communicate with an IoT hub using the MQTT protocol": user
{host}/{device}/?api-version=2021-04-12, messages to devices/{device}/messages/events/{properties},
cloud-to-device messages on devices/{device}/messages/devicebound/#; 256 KB; no QoS 2, and what is
retained is not kept; keep-alive at most 1177 s. What comes down that one way, acknowledgements and
commands, edge/sync.py tells apart. "Control access with shared access signatures":
HMAC-SHA256(base64 key, URL-encoded resource + "\\n" + expiry). The token is good for four hours;
then the hub ends the connection, and the next has another. So there is none without the time.
"""

from binascii import a2b_base64, b2a_base64

from edge.clouds import account, limits, secret, word
from edge.compat import const
from edge.hmac256 import hmac

FIELDS = (
    ("device", "text", None, None, None, "device id"),
)
SECRET = "primary or secondary key of the device, base64"
OWN_TOPICS = 0
FRAMES = 1
TLS = 1

_GOOD_S = const(14_400)


def connect(secrets: dict, utc_s: int) -> dict:
    """A new token from each `utc_s`. ValueError also when the time is not known."""
    if utc_s <= 0:
        raise ValueError("the clock is not set: no token can be made")
    device = word(secrets, "device")
    host = word(secrets, "host", 100)
    key = _key(secret(secrets, SECRET, 4, 88))
    resource = _quoted(host + "/devices/" + device)
    until = str(utc_s + _GOOD_S)
    mark = b2a_base64(hmac(key, (resource + "\n" + until).encode())).strip().decode()
    token = "SharedAccessSignature sr=" + resource + "&sig=" + _quoted(mark) + "&se=" + until
    topics = "devices/" + device + "/messages/"
    return account(secrets, device, host + "/" + device + "/?api-version=2021-04-12",
                   token.encode(), topics + "events/", [topics + "devicebound/#"],
                   limits(262_144, 256, 8, 0, 0, 1_177))


def _key(text: bytes) -> bytes:
    """What base64 says, if nothing is left over (CPython skips what it does not know)."""
    try:
        key = a2b_base64(text)
    except ValueError:
        key = b""
    if b2a_base64(key).strip() != text:
        raise ValueError("password: found no base64, expected " + SECRET)
    return key


def _quoted(text: str) -> str:
    """Percent-encoded, RFC 3986; what may come here is ASCII."""
    out = ""
    for mark in text:
        out += mark if "a" <= mark <= "z" or "A" <= mark <= "Z" or "0" <= mark <= "9" \
            or mark in "-_." else "%%%02X" % ord(mark)
    return out


def native(secrets: dict, utc_s: int, n: int, figures: str) -> tuple:
    """A JSON body that the hub's routes can look into: its type stands in the topic."""
    when = '"utc_s":%d,' % utc_s if utc_s else ""
    topic = "devices/" + word(secrets, "device") + "/messages/events/"
    return (topic + "$.ct=application%2Fjson&$.ce=utf-8").encode(), \
        ("{" + when + figures + "}").encode()
