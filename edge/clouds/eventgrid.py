"""Azure Event Grid namespaces: an X.509 certificate, and topics of one's own.

Microsoft Learn, "MQTT features support in Azure Event Grid": the user name is the client
authentication name. "Quotas and limits": 512 KB a message, 8 segments and 256 bytes a topic. QoS 2
ends the connection; so did a retained message until lately, and a client here does without;
keep-alive at most 1160 s. (A token, JWT, needs MQTT 5's extended authentication: not offered.)
"""

from edge.clouds import account, limits, own_topics, word

FIELDS = (
    ("client", "text", None, None, None, "client authentication name"),
)
SECRET = ""  # the certificate: [broker] certificate
OWN_TOPICS = 1
FRAMES = 1
TLS = 1


def connect(secrets: dict, utc_s: int) -> dict:
    """The session is named like the client: one session each."""
    base = own_topics(secrets)
    name = word(secrets, "client")
    return account(secrets, name, name, b"", base + "/b", [base + "/ack", base + "/cmd"],
                   limits(524_288, 256, 8, 0, 1, 1_160))
