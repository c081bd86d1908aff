"""A broker of one's own, or anybody's that speaks plain MQTT: mosquitto, EMQX, NanoMQ, NATS."""

from edge.clouds import account, limits, own_topics

FIELDS = ()
SECRET = ""  # it may have one
OWN_TOPICS = 1
FRAMES = 1
TLS = 0


def connect(secrets: dict, utc_s: int) -> dict:
    """User and password as they are; topics below parkedge/<park>/<gateway>."""
    base = own_topics(secrets)
    return account(secrets, secrets["park"] + "-" + secrets["gateway"], secrets["user"],
                   secrets["password"], base + "/b", [base + "/ack", base + "/cmd"],
                   limits(268_435_455, 65_535, 65_535, 1, 1, 65_535))
