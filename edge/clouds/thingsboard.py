"""ThingsBoard: the access token of a device or gateway, and telemetry in its JSON.

thingsboard.io, "MQTT Device API": the token is the user name; topic v1/devices/me/telemetry, time
in milliseconds. "Gateway API": v1/gateway/telemetry tells of devices behind a gateway by their
names. 65,536 bytes (NETTY_MAX_PAYLOAD_SIZE), QoS 0 and 1. It takes JSON or its own protobuf and
nothing else, so our messages cannot pass: [broker] json_s tells figures in their place.
"""

from edge.clouds import account, limits, secret, word

FIELDS = (
    ("device", "text", None, None, "", "device behind this gateway that the figures are of; "
     "empty = the one the token is of"),
)
SECRET = "access token of the device or gateway"
OWN_TOPICS = 0
FRAMES = 0
TLS = 0


def connect(secrets: dict, utc_s: int) -> dict:
    """The token alone."""
    name = word(secrets, "park", 32) + "-" + word(secrets, "gateway", 32)
    token = secret(secrets, SECRET, 1, 64).decode()
    return account(secrets, name, token, b"", _topic(secrets), [],
                   limits(65_536, 256, 8, 0, 0, 1_200))


def native(secrets: dict, utc_s: int, n: int, figures: str) -> tuple:
    """One set of figures; without the time the server's stands for it."""
    values = '{"ts":%d000,"values":{%s}}' % (utc_s, figures) if utc_s > 0 else "{" + figures + "}"
    if secrets.get("device"):
        values = '{"%s":[%s]}' % (word(secrets, "device"), values if utc_s > 0
                                  else '{"values":%s}' % values)
    return _topic(secrets).encode(), values.encode()


def _topic(secrets: dict) -> str:
    return "v1/gateway/telemetry" if secrets.get("device") else "v1/devices/me/telemetry"
