"""Commands from the cloud: it may ask, the gateway decides.

On `parkedge/<park>/<gateway>/cmd`, or what its cloud has for it: MessagePack [1, algorithm, key,
gateway, nonce, counter, issued, ttl_s, verb, [argument ..]], and raw behind it a tag over those
bytes as they came: algorithm 1, the first 16 of HMAC-SHA256 over "parkedge-cmd-1" and them.
`gateway` is PARK/GATEWAY, `issued` seconds since 2000-01-01 UTC; nonce 0: it is dated by `issued`
alone (edge/dated.py).

Accepted iff the tag is right under the present key or the next, which then retires the present; it
is for this gateway; its counter is above all accepted ones of that key; it cannot have expired. The
counter is stored before anything is done. The command accepted last gets its stored result again,
and is not done twice.

Results, and refusals as far as a flood leaves room, are frames of kind RESULT: MessagePack [1,
outcome, reason, key, counter, verb, held_s, hint, unsaid] and 16 bytes of HMAC-SHA256 over
"parkedge-res-1" and it under `key`. `hint` is a nonce where the command could not be dated without,
and the counter accepted last where it was too low; `unsaid` counts all since the start that no
frame tells of.
"""

import struct

from edge import lease
from edge.compat import const
from edge.dated import Dated
from edge.guard import tell
from edge.hmac256 import same
from edge.keep import Keep
from edge.quota import Quota
from edge.tags import TAG_BYTES, command_key, command_tag, result_tag
from edge.ticks import ticks_add
from edge.verbs import RELEASE, VERBS
from edge.wire import msgpack

RESULT = const(9)  # kind of its frames in the outbox
VERSION = const(1)
HMAC = const(1)  # algorithms,
ED25519 = const(2)
SM3_HMAC = const(17)  # named, and refused until they work
SM2 = const(18)
DONE = const(0)  # outcomes
REFUSED = const(1)
LAST_KEY = const(126)  # keys are numbered from 1 on

_HEAD = const(0x9A)  # an array of ten
_LEAST_BYTES = const(14)
_MOST_BYTES = const(200)
_RESULT_BYTES = const(64)  # of a result and its tag
_RECORD_BYTES = const(90)
_TRIES = const(8)  # tags looked at in a second
_BURST = const(8)  # refusals told at once; one more each
_ANSWER_MS = const(60_000)  # of what a holder of keys asked for, each
_NOISE_MS = const(900_000)  # of what anybody may send
_WAITING = const(8)  # results that may wait for the storage
_CALM_MS = const(500)
_AGAIN_MS = const(5000)  # after the storage has failed


def part(app, image: dict) -> "Commands | None":
    """What an image's [commands] asks for (edge/app.py); None when what was accepted before cannot
    be read: then nothing is obeyed, and the cloud is told why."""
    site, board = image["site"], app.board
    name = site["park"] + "/" + site["gateway"]
    try:
        made = Commands(app.site, image["commands"], name, board.secret("command"),
                        Keep(board.state("command"), _RECORD_BYTES), app.outbox)
        if image["commands"]["root"]:
            module = __import__("edge.root", None, None, ("Roots",))
            made.roots = module.Roots(made, image, board.state("root"))
    except (OSError, ValueError) as error:
        tell(app.outbox, "commands: " + repr(error))
        return None
    for topic in app.account.told["down"][1:]:  # where there is none edge/sync.py passes them on
        app.client.subscribe(topic, made)
    return made


class Commands:
    """`receive` judges one message, `step` stores what is to be said. `root` is the secret of this
    gateway's command keys, `keep` a record, `outbox` where results go. ValueError when what was
    kept is no record of ours."""

    def __init__(self, site, keys: dict, name: str, root: bytes, keep, outbox):
        self.accepted = self.refused = 0
        self.reason = ""  # why the last one was refused
        self.errors = 0  # times the storage has failed
        self.dated = Dated(site)
        self.roots = None  # edge/root.py, where the site has a root key
        self.last_key = LAST_KEY
        self._leases = site.leases
        self._longest_s = keys["lease_max_s"]
        self._setpoint_s = keys["setpoint_max_s"]
        head = bytearray(80)
        self.name = bytes(memoryview(head)[:msgpack.put_str(head, 0, name)])
        self._root, self._keep, self._outbox = root, keep, outbox
        self._reader = msgpack.Reader(_MOST_BYTES)
        self._most_bytes = _MOST_BYTES
        self._takers: dict = {}  # by verb
        self._waiting: list[bytes] = []
        self._unsaid = 0
        self._tries = Quota(_TRIES, 1000 // _TRIES)
        self._answers = Quota(_BURST, _ANSWER_MS)
        self._noises = Quota(_BURST, _NOISE_MS)
        record = keep.load()
        if not record:
            record = struct.pack(">BBII16s", VERSION, 1, 0, 0, b"")
        if len(record) < 26 or record[0] != VERSION or not 0 < record[1] <= LAST_KEY:
            raise ValueError("command record: found %d bytes that are none" % len(record))
        self._recall(record)

    def _recall(self, record: bytes):
        self.key = record[1]  # the present one
        self._counters = struct.unpack(">II", record[2:10])  # accepted last, of it and of the next
        self._tag = record[10:26]  # of the command accepted last,
        self._said = record[26:]  # and what became of it
        self._keys = [command_key(self._root, self.key + which) for which in (0, 1)]

    def pass_on(self, verb: int, taker, most_bytes: int):
        """Let somebody else have a verb whose argument takes at most so many bytes:
        `taker.read(reader)` reads it, None when it is nothing of his, and `taker.offer(argument)`
        does it; it returns why not, "" when it is done, and may be given one twice."""
        self._takers[verb] = taker
        self._most_bytes = _MOST_BYTES + most_bytes
        self._reader = msgpack.Reader(self._most_bytes)

    def step(self, now_ms: int) -> int:
        """Watch the clocks and store what is to be said; ms until the next step."""
        self.dated.watch(now_ms)
        try:
            while self._waiting:
                self._outbox.append(RESULT, self._waiting[0], len(self._waiting[0]))
                self._waiting.pop(0)
        except OSError:
            self.errors += 1
            return _AGAIN_MS
        if self.roots is not None and self.roots.busy:
            return self.roots.step(now_ms)
        return _CALM_MS

    def mend(self, now_ms: int):
        """After an internal fault: let go what could not be told, or be judged."""
        self._unsaid += len(self._waiting[:1])
        self._waiting = self._waiting[1:]
        if self.roots is not None:
            self.roots.busy = False

    def retire(self, number: int):
        """Believe no key below `number`. OSError: only as long as this life."""
        if number > self.key:
            record = struct.pack(">BBII16s", VERSION, number, 0, 0, b"")
            self._recall(record)
            self._keep.store(record, len(record))

    def receive(self, buf, start: int, end: int, now_ms: int) -> None:
        """Take one message of anybody's: all of it or nothing."""
        try:
            self._take(buf, start, end, now_ms)
        except MemoryError:
            self.refused += 1
            self.reason = "memory"

    def _take(self, buf, start: int, end: int, now_ms: int):
        if not _LEAST_BYTES + TAG_BYTES <= end - start <= self._most_bytes:
            return self.refuse("size", now_ms)
        data = bytes(memoryview(buf)[start:end])
        if data[0] != _HEAD or data[1] != VERSION:
            return self.refuse("format", now_ms)
        if data[2] == ED25519 and self.roots is not None:
            return self.roots.receive(data, now_ms)
        if data[2] != HMAC:
            return self.refuse("algorithm", now_ms)
        which = data[3] - self.key
        if which != 0 and (which != 1 or self.key == LAST_KEY):
            return self.refuse("key", now_ms)
        if not self._tries.take(now_ms):
            return self.refuse("flood", now_ms)
        body, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        if not same(command_tag(self._keys[which], body), tag):
            return self.refuse("tag", now_ms)
        if body[4:4 + len(self.name)] != self.name:
            return self.refuse("gateway", now_ms)
        self._judge(body, tag, which, now_ms)

    def _judge(self, body: bytes, tag: bytes, which: int, now_ms: int):
        """A message for us by somebody who holds a key: whether to do it, and now."""
        reader = self._reader
        reader.start(body, 4 + len(self.name), len(body))
        nonce, counter, issued = reader.integer(), reader.integer(), reader.integer()
        ttl_s, verb = reader.integer(), reader.integer()
        if verb in self._takers:
            values = [self._takers[verb].read(reader)]
        else:
            values = [reader.integer() for _ in range(min(reader.array(), 3))]
        if reader.finish() != msgpack.OK or not 0 < counter < 1 << 32 or not 0 <= verb < 128:
            return self.refuse("format", now_ms)
        if counter == self._counters[which] and same(tag, self._tag):
            return self.repeat(self._said, now_ms)
        left_s = 0
        wrong = "counter" if counter <= self._counters[which] else self._odd(verb, values, ttl_s)
        if not wrong:
            left_s, wrong = self.dated.left_s(nonce, issued, ttl_s, now_ms)
        if wrong:
            hint = self._counters[which] if wrong == "counter" else 0
            return self.refuse(wrong, now_ms, which, counter, verb, hint)
        return self._accept(which, counter, verb, values, left_s, tag, now_ms)

    def _odd(self, verb: int, values: list, ttl_s: int) -> str:
        """What is wrong with what is asked, "" when nothing is."""
        if verb in self._takers:
            if values[0] is None:
                return "arguments"
            return "" if 0 < ttl_s <= self._longest_s else "ttl"
        if verb not in VERBS:
            return "verb"
        kind, limits = VERBS[verb]
        if len(values) != len(limits):
            return "arguments"
        for value, (low, high) in zip(values, limits):
            if not low <= value <= high:
                return "arguments"
        most_s = self._setpoint_s if kind == lease.SETPOINT else self._longest_s
        return "" if 0 < ttl_s <= most_s else "ttl"

    def _accept(self, which: int, counter: int, verb: int, values: list, left_s: int, tag: bytes,
                now_ms: int):
        """Store first, then do it: whatever the power does, it is done once or not at all. What
        somebody else takes is kept by him, and may come again."""
        reason, held_s = "", 0 if verb == RELEASE or verb in self._takers else left_s
        if verb in self._takers:
            try:
                reason = self._takers[verb].offer(values[0])
            except OSError:
                self.errors += 1
                return self.refuse("storage", now_ms, which, counter, verb)
        said = self.result(REFUSED if reason else DONE, reason, self.key + which, counter, verb,
                           held_s)
        counters = [self._counters[0], self._counters[1]]
        counters[which] = counter
        if which:
            counters = [counter, 0]
        record = struct.pack(">BBII", VERSION, self.key + which, counters[0],
                             counters[1]) + tag + said
        try:
            self._keep.store(record, len(record))
        except OSError:
            self.errors += 1
            return self.refuse("storage", now_ms, which, counter, verb)
        self._recall(record)
        if verb == RELEASE:
            self._leases.release(now_ms)
        elif verb not in self._takers:
            self._leases.take(VERBS[verb][0], values[0] if values else 0,
                              ticks_add(now_ms, left_s * 1000), now_ms,
                              values[1] if len(values) > 1 else 0)
        self.accepted += 1
        self.say(said)
        return None

    def repeat(self, said: bytes, now_ms: int):
        """Tell again what became of the command accepted last."""
        if self._noises.take(now_ms):
            self.say(said)

    def refuse(self, reason: str, now_ms: int, which: int = 0, counter: int = 0, verb: int = 0,
               hint: int = 0):
        """Count it, and tell of it unless too many were told of."""
        self.refused += 1
        self.reason = reason
        quota = self._answers if counter and reason != "counter" else self._noises
        if not quota.take(now_ms):
            self._unsaid += 1
            return
        if reason in ("clock", "nonce", "future", "expired"):
            hint = self.dated.give(now_ms)
        self.say(self.result(REFUSED, reason, self.key + which, counter, verb, 0, hint))

    def result(self, outcome: int, reason: str, key: int, counter: int, verb: int,
               held_s: int = 0, hint: int = 0) -> bytes:
        """What is to be said of a command, under key number `key`."""
        buf = bytearray(_RESULT_BYTES)
        at = msgpack.put_array_head(buf, 0, 9)
        at = msgpack.put_int(buf, at, VERSION)
        at = msgpack.put_int(buf, at, outcome)
        at = msgpack.put_str(buf, at, reason)
        for number in (key, counter, verb, held_s, hint, self._unsaid):
            at = msgpack.put_int(buf, at, number)
        body = bytes(memoryview(buf)[:at])
        return body + result_tag(command_key(self._root, key), body)

    def say(self, said: bytes):
        """Store it with the next step; what finds no room is counted."""
        if len(self._waiting) < _WAITING:
            self._waiting.append(said)
        else:
            self._unsaid += 1
