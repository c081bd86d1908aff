"""Who a gateway is to the cloud: its secrets, all from one, and what the broker has to know of it.

From 32 random bytes that stay with whoever runs the park (`root.key`) HKDF-SHA256 (RFC 5869) gives
every other secret, each under a name of its own that holds the gateway's, so that none tells of
another. `gateway` goes onto the gateway, `cloud` to whoever may send it commands, `mosquitto` to
the broker. Nothing has a default.
"""

import base64
import hashlib
import json
import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError
from edge.command import LAST_KEY
from edge.tags import command_key

NAME = re.compile(r"([a-z0-9-]{1,32})/([a-z0-9-]{1,32})")
STATE = "command.json"
_ITERATIONS = 101  # as mosquitto_passwd: the passwords below cannot be guessed anyway


def make(name: str, folder: Path, first: int = 1) -> dict[str, Path]:
    """Write a gateway's identity into `folder`, from its root.key when there is one; the cloud gets
    command keys `first` and the one behind it. What was written, by what it is. DocumentError;
    OSError."""
    if not 1 <= first < LAST_KEY:
        raise fields.mistake("--first", str(first), f"1 .. {LAST_KEY - 1}")
    root, command = _root(folder / "root.key"), "gateway/command.key"
    park, gateway = _parts(name)
    secret = derived(root, "command", name)
    password = derived(root, "broker", name).hex()[:32].encode()
    files = {"root": (folder / "root.key", root), "gateway": (folder / command, secret),
             "uplink": (folder / "gateway" / "uplink.key", derived(root, "uplink", name)),
             "password": (folder / "gateway" / "broker.password", password + b"\n")}
    for number in (first, first + 1):
        files[f"key {number}"] = (folder / "cloud" / f"command-{number}.key",
                                  command_key(secret, number))
    user = f"{park}.{gateway}"
    files["passwd"] = (folder / "mosquitto" / "passwd", passwd(user, password))
    files["acl"] = (folder / "mosquitto" / "acl", gateway_acl(park, gateway, user))
    for path, content in files.values():
        write_secret(path, content)
    state = folder / "cloud" / STATE
    if not state.exists():
        write_secret(state, json.dumps({"gateway": name, "key": first, "counter": 0}).encode())
    return {what: path for what, (path, _) in files.items()} | {"state": state}


def services(folder: Path) -> dict[str, Path]:
    """Write the broker's accounts of the bridge and of who sends commands. OSError."""
    made = {}
    lines = {"passwd": b"", "acl": b""}
    for user, acl in (("parkedge-bridge", _BRIDGE), ("parkedge-command", _COMMANDER)):
        password = os.urandom(16).hex().encode()
        made[user] = folder / f"{user}.password"
        write_secret(made[user], password + b"\n")
        lines["passwd"] += passwd(user, password)
        lines["acl"] += _acl(user, acl)
    for what, content in lines.items():
        made[what] = folder / "mosquitto" / what
        write_secret(made[what], content)
    return made


def derived(root: bytes, what: str, name: str) -> bytes:
    """The 32 secret bytes for one use at one gateway."""
    return HKDF(SHA256(), 32, None, f"parkedge-{what}-1 {name}".encode()).derive(root)


def passwd(user: str, password: bytes) -> bytes:
    """The line of a mosquitto password file: PBKDF2-HMAC-SHA512."""
    salt = os.urandom(12)
    code = hashlib.pbkdf2_hmac("sha512", password, salt, _ITERATIONS)
    shown = [base64.b64encode(part).decode() for part in (salt, code)]
    return f"{user}:$7${_ITERATIONS}${shown[0]}${shown[1]}\n".encode()


_BRIDGE = ("read parkedge/+/+/b", "write parkedge/+/+/ack")
_COMMANDER = ("read parkedge/+/+/b", "write parkedge/+/+/cmd")


def gateway_acl(park: str, gateway: str, user: str) -> bytes:
    """A gateway speaks for itself alone, and hears only what is for it. Not by a pattern of user
    names: in one of a level each, two parks' gateways of one name would be each other."""
    own = f"parkedge/{park}/{gateway}"
    return _acl(user, (*(f"write {own}/{part}" for part in ("b", "status", "now")),
                       *(f"read {own}/{part}" for part in ("ack", "cmd", "announce")),
                       f"readwrite parkedge/{park}/limit"))


def _acl(user: str, lines: tuple[str, ...]) -> bytes:
    return "\n".join([f"user {user}", *(f"topic {line}" for line in lines), "", ""]).encode()


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def read_secret(path: Path) -> bytes:
    """32 secret bytes of a file that nobody else may read. DocumentError; OSError."""
    content = read_private(path)
    if len(content) != 32:
        raise DocumentError(f"{path}: found {len(content)} bytes, expected 32")
    return content


def read_private(path: Path) -> bytes:
    """A file that nobody else may read. DocumentError; OSError."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise DocumentError(f"{path}: found mode {mode:04o}, expected 0600: others may have read "
                            "it; make new keys, or chmod 600")
    return path.read_bytes()


def _root(path: Path) -> bytes:
    return read_secret(path) if path.exists() else os.urandom(32)


def _parts(name: str) -> tuple[str, str]:
    found = NAME.fullmatch(name)
    if not found:
        raise fields.mistake("gateway", name, "PARK/GATEWAY as in the site file")
    return found[1], found[2]
