"""AWS IoT Core: an X.509 certificate instead of a password, topics of one's own.

Limits: AWS General Reference, "AWS IoT Core message broker and protocol limits and quotas": 128 KB
a payload, 256 bytes and 7 slashes a topic, keep-alive at most 1200 s, QoS 0 and 1. The policy of
the certificate must allow the client id and the topics. A rule's `ingest` ("Basic Ingest") spares
the broker's price: such a message reaches the rule and no subscriber.
"""

from edge.clouds import account, limits, own_topics, word

FIELDS = (
    ("thing", "text", None, None, None, "name of the thing: the client id"),
    ("ingest", "text", None, None, "", "rule that takes messages by Basic Ingest; empty = none"),
)
SECRET = ""  # the certificate: [broker] certificate
OWN_TOPICS = 1
FRAMES = 1
TLS = 1


def connect(secrets: dict, utc_s: int) -> dict:
    """No user: TLS has told who we are."""
    base = own_topics(secrets)
    up = base + "/b"
    if secrets.get("ingest"):
        up = "$aws/rules/" + word(secrets, "ingest") + "/" + up
    return account(secrets, word(secrets, "thing"), "", b"", up,
                   [base + "/ack", base + "/cmd"], limits(131_072, 256, 8, 1, 1, 1_200))
