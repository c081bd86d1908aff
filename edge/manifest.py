"""Whether a firmware manifest may be followed, and whether a new set of keys may. What is done with
the files is another matter, and not there yet.

Envelope: MessagePack [1, body, [[algorithm, key, signature] ..]], `key` a number of the list in
`trust`, signatures by Ed25519 over "parkedge-fw-1" and the body's bytes as they came. Body of a
manifest: ["fw", version, floor, [board ..], least boot version, made, expires, [[path, bytes,
SHA-256] ..]]; of keys: ["keys", version, threshold, [public key ..]]. Times are seconds since
2000-01-01 UTC. A manifest names a whole set of files, so none can be mixed out of two.

Read in this order, so that nothing is believed too early: size, form, signatures by as many
distinct keys as the threshold asks, kind; then board, version, time, files. New keys must be signed
by the threshold of the old ones and by that of their own, and follow the old by one exactly.
"""

from edge.compat import const
from edge.evidence.verifier import verify
from edge.wire import msgpack

ED25519 = const(2)  # as in edge/command.py
DOMAIN = b"parkedge-fw-1"
MOST_BYTES = const(4096)
_VERSION = const(1)
_SIGNATURES = const(8)
_FILES = const(160)
_PATH_BYTES = const(64)
_LIFE_S = const(7_776_000)  # 90 days: how long an attacker can keep a gateway from newer ones
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-."


def judge(data: bytes, trust: tuple, own: dict):
    """A generator that yields between slices and returns ("", manifest) or (reason, None).

    `trust`: version, threshold, public keys. `own`: `board`; `boot`, `version`, `floor` of what
    runs; `slot_bytes`; `now_s`, 0 without a clock; `made_s`, the latest that was ever signed for.
    The manifest: version, floor, made, expires, files as (path, bytes, hash)."""
    body, signatures = _opened(data)
    if body is None:
        return "format", None
    if not (yield from _signed(body, signatures, trust)):
        return "signatures", None
    reader = msgpack.Reader(MOST_BYTES)
    reader.start(body, 0, len(body))
    if reader.array() != 8 or reader.text() != "fw":
        return "kind", None
    version, floor = reader.integer(), reader.integer()
    boards = [reader.text() for _ in range(min(reader.array(), 16))]
    boot, made_s, expires_s = reader.integer(), reader.integer(), reader.integer()
    files = []
    for _ in range(min(reader.array(), _FILES)):
        files.append((reader.text(), reader.integer(), reader.binary())
                     if reader.array() == 3 else ("", 0, b""))
    if reader.finish() != msgpack.OK or not 0 < version < 1 << 30 or not 0 <= floor <= version:
        return "body", None
    wrong = _fits(boards, boot, version, own) or _timely(made_s, expires_s, own) \
        or _tidy(files, own["slot_bytes"])
    return (wrong, None) if wrong else ("", (version, floor, made_s, expires_s, files))


def new_keys(data: bytes, trust: tuple):
    """A generator that returns ("", the next `trust`) or (reason, None)."""
    body, signatures = _opened(data)
    if body is None:
        return "format", None
    if not (yield from _signed(body, signatures, trust)):
        return "signatures", None
    reader = msgpack.Reader(MOST_BYTES)
    reader.start(body, 0, len(body))
    if reader.array() != 4 or reader.text() != "keys":
        return "kind", None
    version, threshold = reader.integer(), reader.integer()
    keys = [reader.binary() for _ in range(min(reader.array(), _SIGNATURES))]
    if reader.finish() != msgpack.OK or not 1 <= threshold <= len(keys) or not _distinct(keys):
        return "body", None
    if version != trust[0] + 1:
        return "version", None
    following = (version, threshold, keys)
    if not (yield from _signed(body, signatures, following)):
        return "own signatures", None
    return "", following


def _opened(data: bytes):
    """Body and signatures of an envelope; no body when it is none."""
    reader = msgpack.Reader(MOST_BYTES)
    reader.start(data, 0, len(data))
    fits = reader.array() == 3 and reader.integer() == _VERSION
    body = reader.binary()
    signatures = []
    count = reader.array()
    for _ in range(min(count, _SIGNATURES)):
        fits = reader.array() == 3 and fits
        signatures.append((reader.integer(), reader.integer(), reader.binary()))
    if not fits or count > _SIGNATURES or reader.finish() != msgpack.OK:
        return None, signatures
    return body, signatures


def _signed(body: bytes, signatures: list, trust: tuple):
    """A generator that returns whether as many distinct keys as the threshold have signed. Keys
    count, not their numbers: one that stands twice in the list is one."""
    _, threshold, keys = trust
    counted: list[bytes] = []
    for algorithm, number, signature in signatures:
        if algorithm == ED25519 and 0 <= number < len(keys) and keys[number] not in counted \
                and (yield from verify(keys[number], DOMAIN + body, signature)):
            counted.append(keys[number])
    return len(counted) >= threshold >= 1


def _distinct(keys: list) -> bool:
    return all(len(keys[at]) == 32 and keys[at] not in keys[:at] for at in range(len(keys)))


def _fits(boards: list, boot: int, version: int, own: dict) -> str:
    if own["board"] not in boards:
        return "board"
    if boot > own["boot"]:
        return "boot"
    return "" if version > own["version"] and version > own["floor"] else "version"


def _timely(made_s: int, expires_s: int, own: dict) -> str:
    """It is never earlier than what was signed before says; without a clock no more is known."""
    if not 0 < made_s < expires_s <= made_s + _LIFE_S:
        return "life"
    return "expired" if expires_s <= max(own["now_s"], own["made_s"]) else ""


def _tidy(files: list, slot_bytes: int) -> str:
    """"" when the files may be written: each once, inside our folders, and all of them fit."""
    seen: list[str] = []
    total = 0
    for path, size, digest in files:
        if not _is_path(path) or path in seen:
            return "path"
        if size < 0 or len(digest) != 32:
            return "file"
        seen.append(path)
        total += size
    if not files:
        return "file"
    return "" if total <= slot_bytes else "slot"


def _is_path(path: str) -> bool:
    if not 0 < len(path) <= _PATH_BYTES:
        return False
    for part in path.split("/"):
        if not part or part[0] == ".":
            return False
        for letter in part:
            if letter not in _LETTERS:
                return False
    return True
