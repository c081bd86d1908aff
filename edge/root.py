"""What only the holder of the root key may do: retire command keys, and set the site's limits.

As a command (edge/command.py) of algorithm 2 and key 0, with the 64 bytes of an Ed25519 signature
over "parkedge-root-1" and the bytes before it. Its public key stands in the image. Checking takes
seconds, in slices between the beats, so what is cheap to refuse is refused first, and no more is
checked than one in ten seconds.

One record holds the counter and all that was ordered, so that each is done wholly or not at all.
Limits hold from the next start on, for the image they were set for, and never beyond the nameplate
of its gate: another image brings its own.
"""

import gc
import struct

from edge.compat import TYPE_CHECKING, const
from edge.hmac256 import same
from edge.keep import Keep
from edge.ticks import ticks_diff
from edge.wire import msgpack

if TYPE_CHECKING:
    from typing import Any

KEYS = const(16)  # verbs: command keys below this number are retired,
LIMITS = const(17)  # and import, export, W, floor and ceiling, per mille; -1 = as in the image
SIGNATURE_BYTES = const(64)
DOMAIN = b"parkedge-root-1"

_VERSION = const(1)
_RECORD = ">BIB16s16s4i"  # version, counter, first key, signature, image, limits; then the result
_FIXED_BYTES = const(54)
_RECORD_BYTES = const(120)
_EVERY_MS = const(10_000)
_BUSY_MS = const(20)
_DONE = const(0)  # as in edge/command.py

_collects = hasattr(gc, "mem_free")  # as edge/app.py: the garbage collector of a gateway


def _load(keep) -> tuple:
    record = keep.load()
    if not record:
        return (_VERSION, 0, 1, bytes(16), bytes(16), -1, -1, -1, -1, b"")
    if len(record) < _FIXED_BYTES or record[0] != _VERSION:
        raise ValueError("root record: found %d bytes that are none" % len(record))
    return struct.unpack(_RECORD, record[:_FIXED_BYTES]) + (record[_FIXED_BYTES:],)


def apply(image: dict, board):
    """Put the limits that were set for this image into it, before its site is put together."""
    try:
        kept = _load(Keep(board.state("root"), _RECORD_BYTES))
    except (OSError, ValueError):  # then the image's hold, and Roots tells of it
        return
    if kept[4] != image["hash"].encode():
        return
    for name, key, value in (("contract", "import_max_w", kept[5]),
                             ("export", "export_max_w", kept[6]),
                             ("reserve", "floor_pm", kept[7]), ("reserve", "ceiling_pm", kept[8])):
        for rule, keys in image["rules"]:
            if rule == name and value >= 0:
                keys[key] = value


class Roots:
    """`receive` takes a message, `step` checks it; `commands` (edge/command.py) has the rest."""

    def __init__(self, commands, image: dict, device):
        self.busy = False
        self._commands = commands
        self._public = bytes(int(image["commands"]["root"][at:at + 2], 16)
                             for at in range(0, 64, 2))
        self._hash = image["hash"].encode()
        gate = image["gate"]
        self._most = (gate["import_max_w"], gate["export_max_w"], gate["soc_floor_pm"],
                      gate["soc_ceiling_pm"])
        reserve: dict = dict(image["rules"])["reserve"]
        self._window = (reserve["floor_pm"], reserve["ceiling_pm"])
        self._longest_s = image["commands"]["lease_max_s"]
        self._verifier: Any = None  # loaded when there is something to check: it takes 20 KB
        self._reader = msgpack.Reader(256)
        self._keep = Keep(device, _RECORD_BYTES)
        self._kept = _load(self._keep)
        self._asked: tuple = ()
        self._begun_ms = -1
        commands.retire(self._kept[2])  # the power may have failed between the two records

    def receive(self, data: bytes, now_ms: int):
        """Refuse what is cheap to refuse, then begin to check the signature."""
        commands = self._commands
        at = len(data) - SIGNATURE_BYTES
        head = 4 + len(commands.name)
        if at <= head or data[3] != 0:
            return commands.refuse("key", now_ms)
        if data[4:head] != commands.name:
            return commands.refuse("gateway", now_ms)
        reader = self._reader
        reader.start(data, head, at)
        nonce, counter, issued = reader.integer(), reader.integer(), reader.integer()
        ttl_s, verb = reader.integer(), reader.integer()
        values = [reader.integer() for _ in range(min(reader.array(), 5))]
        if reader.finish() != msgpack.OK or not 0 < counter < 1 << 32 or not 0 <= verb < 128:
            return commands.refuse("format", now_ms)
        if counter <= self._kept[1]:
            if counter == self._kept[1] and same(data[at:at + 16], self._kept[3]):
                return commands.repeat(self._kept[9], now_ms)
            return commands.refuse("counter", now_ms, 0, counter, verb, self._kept[1])
        if self.busy or (self._begun_ms >= 0 and 0 <= ticks_diff(
                now_ms, self._begun_ms) < _EVERY_MS):
            return commands.refuse("flood", now_ms)
        self._asked = (counter, verb, values, data[at:at + 16], nonce, issued, ttl_s)
        self._begun_ms = now_ms
        if self._verifier is None:
            if _collects:
                gc.collect()
            module = __import__("edge.evidence.verifier", None, None, ("Verifier",))
            self._verifier = module.Verifier()
        self._verifier.begin(self._public, DOMAIN + data[:at], data[at:])
        self.busy = True
        return None

    def step(self, now_ms: int) -> int:
        """One slice; ms until the next."""
        try:
            done = self._verifier.step()
            wrong = "tag"
        except MemoryError:
            done, wrong = True, "memory"
        if _collects:
            gc.collect()  # a slice leaves 13 KB of garbage
        if done:
            self.busy = False
            if self._verifier.good:
                self._judge(now_ms)
            else:
                self._commands.refuse(wrong, now_ms)
        return _BUSY_MS

    def _odd(self, verb: int, values: list, ttl_s: int) -> str:
        """What is wrong with what is ordered, "" when nothing is."""
        if not 0 < ttl_s <= self._longest_s:
            return "ttl"
        if verb == KEYS:
            fits = len(values) == 1 and self._commands.key < values[0] <= self._commands.last_key
        elif verb == LIMITS:
            fits = len(values) == 4 and self._inside(values)
        else:
            return "verb"
        return "" if fits else "arguments"

    def _inside(self, values: list) -> bool:
        """Whether limits are inside the nameplate of the gate, and leave a window."""
        floor_pm = values[2] if values[2] >= 0 else self._window[0]
        ceiling_pm = values[3] if values[3] >= 0 else self._window[1]
        most = self._most
        return (min(values) >= -1 and values[0] <= most[0] and values[1] <= most[1]
                and most[2] <= floor_pm < ceiling_pm <= most[3])

    def _judge(self, now_ms: int):
        """An order of the root key's: whether to do it, and now."""
        counter, verb, values, _, nonce, issued, ttl_s = self._asked
        wrong = self._odd(verb, values, ttl_s) or self._commands.dated.left_s(
            nonce, issued, ttl_s, now_ms)[1]
        if wrong:
            self._commands.refuse(wrong, now_ms, 0, counter, verb)
        else:
            self._accept(now_ms)

    def _accept(self, now_ms: int):
        """Store it; whatever the power does, all of it is so from then on, or nothing."""
        counter, verb, values, tag = self._asked[:4]
        kept, commands = self._kept, self._commands
        first, image, limits = kept[2], kept[4], kept[5:9]
        if verb == KEYS:
            first = values[0]
        else:
            image, limits = self._hash, values
        said = commands.result(_DONE, "", first if verb == KEYS else commands.key, counter, verb)
        record = struct.pack(_RECORD, _VERSION, counter, first, tag, image, limits[0], limits[1],
                             limits[2], limits[3]) + said
        try:
            self._keep.store(record, len(record))
            self._kept = _load(self._keep)
            commands.retire(first)
        except OSError:
            return commands.refuse("storage", now_ms, 0, counter, verb)
        commands.accepted += 1
        return commands.say(said)
