"""Huawei Cloud IoTDA: a device id, and a password that is signed anew every hour.

support.huaweicloud.com iot_06_v5_3009: clientId {device}_0_{0|1}_{YYYYMMDDHH}, UTC; 1 = the
platform checks the hour, 0 = it does not; password hex HMAC-SHA256 with the stamp as the key and
the secret as the text. iot_02_2200: 1 MB, topics of one's own at most 128 bytes, keep-alive 30 to
1200 s; no QoS 2, no will, nothing retained. Our messages take $oc/devices/{device}/user/b, answers
/user/ack. Properties by iot_06_v5_3010.
"""

from binascii import hexlify

from edge.clock import month_of
from edge.clouds import account, limits, secret, word
from edge.compat import const
from edge.hmac256 import hmac

FIELDS = (
    ("device", "text", None, None, None, "device id"),
    ("service", "text", None, None, "parkedge", "service id of the product model; for JSON"),
)
SECRET = "secret of the device"
OWN_TOPICS = 0
FRAMES = 1
TLS = 0

_DAY_S = const(86_400)
_UNIX_2000_DAYS = const(10_957)


def date(utc_s: int) -> str:
    """YYYYMMDD, UTC."""
    day = utc_s // _DAY_S - _UNIX_2000_DAYS
    month = month_of(day)
    first = day
    while month_of(first - 1) == month:
        first -= 1
    return "%d%02d%02d" % (2000 + month // 12, month % 12 + 1, day - first + 1)


def connect(secrets: dict, utc_s: int) -> dict:
    """The hour of `utc_s`; without the time an hour that is not to be checked."""
    device = word(secrets, "device", 100)
    hour = date(utc_s) + "%02d" % (utc_s % _DAY_S // 3600) if utc_s > 0 else "2000010100"
    client = device + ("_0_1_" if utc_s > 0 else "_0_0_") + hour
    password = hexlify(hmac(hour.encode(), secret(secrets, SECRET, 1, 64)))
    own = "$oc/devices/" + device + "/user/"
    return account(secrets, client, device, password, own + "b", [own + "ack", own + "cmd"],
                   limits(1_048_576, 128, 8, 0, 0, 1_200))


def native(secrets: dict, utc_s: int, n: int, figures: str) -> tuple:
    """Properties of one service of the product model."""
    second = utc_s % _DAY_S
    when = ',"event_time":"%sT%02d%02d%02dZ"' % (
        date(utc_s), second // 3600, second // 60 % 60, second % 60) if utc_s > 0 else ""
    topic = "$oc/devices/" + word(secrets, "device", 100) + "/sys/properties/report"
    return topic.encode(), ('{"services":[{"service_id":"%s","properties":{%s}%s}]}' % (
        word(secrets, "service"), figures, when)).encode()
