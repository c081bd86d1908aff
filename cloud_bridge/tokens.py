"""Who may ask the API: a file with a line for each token, which holds its hash and never itself.

    <SHA-256 of the token, hex> <role> parks=<a,b or *> gateways=<a/x,b/y or *> until=<date> <name>

A line that is deleted is a token that is refused, from the next request on. A token is 256 random
bits, so a plain hash is enough: there is nothing to guess, and nothing to slow down.
"""

import datetime
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from cloud_bridge.fields import DocumentError

VIEWER, MONITOR = "viewer", "monitor"
ROLES = (VIEWER, MONITOR)  # a monitor may ask how gateways are, and not what they measure
PREFIX = "parkedge_"  # so that a token that went astray is known for one
MOST_DAYS = 730
_BYTES = 32
_PARK = re.compile(r"[a-z0-9-]{1,32}")
_GATEWAY = re.compile(r"[a-z0-9-]{1,32}/[a-z0-9-]{1,32}")
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,63}")
_LINE = re.compile(r"([0-9a-f]{64}) (\S+) parks=(\S+) gateways=(\S+) until=(\d{4}-\d\d-\d\d) (\S+)")
_FORM = "<sha256> <role> parks=... gateways=... until=<date> <name>"


class Grant(NamedTuple):
    """What one token allows until its last day (UTC) is over. `parks` and `gateways` (park/gateway)
    are None for all."""

    hash: bytes
    role: str
    parks: frozenset[str] | None
    gateways: frozenset[str] | None
    until: datetime.date
    name: str

    def sees(self, park: str, gateway: str) -> bool:
        """Does it reach that gateway?"""
        return (self.parks is None or park in self.parks) and \
            (self.gateways is None or f"{park}/{gateway}" in self.gateways)

    def line(self) -> str:
        """As it stands in the file."""
        return (f"{self.hash.hex()} {self.role} parks={_joined(self.parks)}"
                f" gateways={_joined(self.gateways)} until={self.until} {self.name}\n")

    @classmethod
    def make(cls, token: str, role: str, parks: str, gateways: str, until: datetime.date,
             name: str) -> Self:
        """What is allowed to who has the token. DocumentError."""
        if role not in ROLES:
            raise DocumentError(f"role: found {role!r}, expected one of {', '.join(ROLES)}")
        if not _LABEL.fullmatch(name):
            raise DocumentError(f"name: found {name!r}, expected a-z, 0-9 and _ . @ -")
        return cls(hash_of(token), role, _split("parks", parks, _PARK),
                   _split("gateways", gateways, _GATEWAY), until, name)


class Tokens:
    """The file, read anew when it changes. DocumentError when it is wrong, at the start; later on
    nobody is let in by a file that is wrong, or gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _stamp(path)
        self._grants = read(path)

    def find(self, token: str, now: float) -> Grant | None:
        """What the token allows now; None: nothing. DocumentError: the file is wrong."""
        stamp = _stamp(self._path)
        if stamp != self._seen:
            self._grants = []
            self._grants = read(self._path)
            self._seen = stamp
        wanted, found = hash_of(token), None
        for grant in self._grants:  # all of them, whichever fits: time tells nothing
            if hmac.compare_digest(grant.hash, wanted):
                found = grant
        today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        return found if found and today <= found.until else None


def new(path: Path, role: str, parks: str, gateways: str, until: datetime.date,
        name: str) -> str:
    """Make a token and add its line to the file, which is made where it is not. DocumentError,
    OSError. Only the caller ever has the token."""
    token = PREFIX + secrets.token_urlsafe(_BYTES)
    grant = Grant.make(token, role, parks, gateways, until, name)
    if path.exists() and any(one.name == name for one in read(path, may_be_empty=True)):
        raise DocumentError(f"{path}: there is a token {name!r} already: delete its line first")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a",
                   encoding="ascii") as file:
        file.write(grant.line())
    return token


def read(path: Path, may_be_empty: bool = False) -> list[Grant]:
    """All lines; empty ones and those that begin with # are passed over. DocumentError."""
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            raise DocumentError(f"{path}: anybody may write it: chmod o-w")
        lines = path.read_text("ascii").splitlines()
    except UnicodeDecodeError:
        raise DocumentError(f"{path}: not ASCII") from None
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from None
    grants = [_grant(path, number, line) for number, line in enumerate(lines, 1)
              if line.strip() and not line.startswith("#")]
    if not grants and not may_be_empty:
        raise DocumentError(f"{path}: has no token: python -m cloud_bridge keys token")
    return grants


def hash_of(token: str) -> bytes:
    """The SHA-256 of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _grant(path: Path, number: int, line: str) -> Grant:
    found = _LINE.fullmatch(line)
    if not found:
        raise DocumentError(f"{path} line {number}: expected {_FORM}")
    try:
        grant = Grant.make("", found[2], found[3], found[4],
                           datetime.date.fromisoformat(found[5]), found[6])
    except (DocumentError, ValueError) as error:
        raise DocumentError(f"{path} line {number}: {error}") from None
    return grant._replace(hash=bytes.fromhex(found[1]))


def _split(what: str, told: str, form: re.Pattern[str]) -> frozenset[str] | None:
    if told == "*":
        return None
    names: Sequence[str] = told.split(",")
    for name in names:
        if not form.fullmatch(name):
            raise DocumentError(f"{what}: found {name!r}, expected * or names joined by commas"
                                + (", each PARK/GATEWAY" if what == "gateways" else ""))
    return frozenset(names)


def _joined(names: frozenset[str] | None) -> str:
    return "*" if names is None else ",".join(sorted(names))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
