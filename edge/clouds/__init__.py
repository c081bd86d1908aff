"""Clouds: one file each, found by its name ([broker] cloud). What each of them has:

* `FIELDS`: the keys of its [cloud] table, as in edge/config.py; `SECRET`: what the broker's
  password is, "" when none is needed; `OWN_TOPICS`: 1 = topics are free, as on a broker of one's
  own; `FRAMES`: 1 = it carries our messages as they are; `TLS`: 1 = it takes no other connection.
* `connect(secrets, utc_s)`: a pure function of the keys of [broker] and [cloud], `park`,
  `gateway` and `password` (bytes), and of the time (Unix; 0: the clock is not set). It returns
  `host`, `port`, `client_id`, `user` and `password` (bytes), `up`, the topic of our messages, and
  `down`, the topics to subscribe: of acknowledgements first (one that ends in # is a beginning),
  of commands (where there is no second, they come by the first too), and `limits`: `payload` and
  `topic`, bytes; `levels` of a topic, 8 where a cloud states none; `retain`, `will`, 0 or 1; `qos`;
  `keepalive_s`, the longest. ValueError says in one line what cannot be used.
* `native(secrets, utc_s, n, figures)`, if it has a JSON of its own: topic and payload that tell
  `figures` (pairs joined: "grid_w":1,...); `n` numbers the message.
"""

_MARKS = "-_.:@"  # beside letters and digits; none means anything in a topic


def word(secrets: dict, name: str, most: int = 64) -> str:
    """One text of `secrets` that may stand in a topic. ValueError."""
    found = secrets.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= most:
        raise ValueError("%s: found %s, expected 1 .. %d characters"
                         % (name, _length(found), most))
    for mark in found:
        if not ("a" <= mark <= "z" or "A" <= mark <= "Z" or "0" <= mark <= "9" or mark in _MARKS):
            raise ValueError("%s: found the character %d, expected letters, digits and %s"
                             % (name, ord(mark), _MARKS))
    return found


def secret(secrets: dict, what: str, least: int, most: int) -> bytes:
    """The password, which is `what`: printable ASCII. ValueError, which does not quote it."""
    found = secrets.get("password")
    if not isinstance(found, bytes) or not least <= len(found) <= most:
        raise ValueError("password: found %s, expected %s, %d .. %d characters"
                         % (_length(found), what, least, most))
    for byte in found:
        if not 32 < byte < 127:
            raise ValueError("password: found the byte %d, expected %s, printable ASCII"
                             % (byte, what))
    return found


def _length(found) -> str:
    if found is None or found == "" or found == b"":
        return "nothing"
    return "%d of them" % len(found) if isinstance(found, (str, bytes)) else "no text"


def own_topics(secrets: dict) -> str:
    """What our topics begin with where they are free."""
    return "parkedge/" + word(secrets, "park", 32) + "/" + word(secrets, "gateway", 32)


def limits(payload: int, topic: int, levels: int, retain: int, will: int,
           keepalive_s: int) -> dict:
    """What a cloud takes at most; none takes more than QoS 1 from us."""
    return {"payload": payload, "topic": topic, "levels": levels, "retain": retain, "will": will,
            "qos": 1, "keepalive_s": keepalive_s}


def account(secrets: dict, client_id: str, user: str, password: bytes, up: str, down: list,
            most: dict) -> dict:
    """What `connect` returns. ValueError without a host."""
    host = secrets.get("host")
    if not isinstance(host, str) or not host:
        raise ValueError("host: found %s, expected an address" % _length(host))
    return {"host": host, "port": secrets["port"],
            "client_id": client_id.encode(), "user": user.encode(), "password": password,
            "up": up.encode(), "down": [topic.encode() for topic in down], "limits": most}
