"""The ledger kept: every leaf chained, in the tree, stored, sent, and now and then signed.

A step machine off the beat. The order is what makes it proof against a power cut: the tree with its
newest leaves is stored first, then the leaves go to the outbox, then a head may be signed. After a
start the newest leaves are sent again, since nobody knows whether they had got that far; whoever
has them already recognises them.
"""

import gc

from edge.compat import TYPE_CHECKING, const
from edge.evidence.note import ED25519, key_id
from edge.evidence.signer import Signer
from edge.evidence.tree import Tree, leaf_hash
from edge.guard import tell
from edge.keep import Keep
from edge.ledger.closing import Closing
from edge.ledger.leaf import unpack
from edge.ledger.resume import resume

if TYPE_CHECKING:
    from typing import Any

LEDGER = const(3)  # kinds of frames in the outbox: a leaf,
HEAD = const(4)  # a signed head,
TERMS = const(5)  # what the numbers of the leaves that follow are of,
KEY = const(6)  # and the public key, as the gateway tells it; what is wrong: edge/guard.py

RECORD_BYTES = const(3000)  # a tree of 2^30 leaves takes 964, the leaves of 32 tenants 1500
_BUSY_MS = const(20)  # to other tasks between two slices
_CALM_MS = const(1000)
_AGAIN_MS = const(5000)  # after the storage has failed

_collects = hasattr(gc, "mem_free")  # as edge/app.py: the garbage collector of a gateway

_IDLE = const(0)  # phases
_BOOK = const(1)
_STORE = const(2)
_SEND = const(3)
_SIGN = const(4)
_BROKEN = const(5)


def part(app, image: dict) -> "Keeper | None":
    """The part of a gateway (edge/app.py) that an image's ledger asks for; None when what it is
    kept on cannot be used: control goes on without it, and the cloud is told why."""
    board, keys, site = app.board, image["ledger"], image["site"]
    try:
        keeper = Keeper(app.site, keys, app.outbox, site["park"] + "/" + site["gateway"],
                        board.secret("ledger"), board.state("ledger"), board.state("heads"))
    except (OSError, ValueError) as error:
        tell(app.outbox, repr(error))
        return None
    if app.shown:  # somebody looks
        module = __import__("edge.ledger.intensity", None, None, ("Intensity",))
        live = getattr(app.site, "live", [])
        app.site.live = live + [module.Intensity(app.site, keeper.book).tell]
    return keeper


class Keeper:
    """Keeps the ledger of `site` (it has one: edge/ledger/gather.py) on two devices of its own;
    frames go to `outbox`, None: nowhere. `origin` names the log, `seed` is its secret key."""

    def __init__(self, site, keys: dict, outbox, origin: str, seed: bytes, device, heads):
        self._ledger = Closing(site.ledger, keys)
        self.book = self._ledger.book
        self._outbox = outbox
        self._origin = origin
        self._every = keys["head_quarters"]
        self._keep = Keep(device, RECORD_BYTES)
        self._signer = Signer(seed, origin, Keep(heads, 36))
        self.errors = 0  # times the storage has failed
        self.broken = ""  # why the account could not go on where it was, or does not go on
        self._frames: list[Any] = [(TERMS, keys["terms"].encode())]  # to be sent
        self._told = False  # the public key
        self._signing = False
        self._phase = _SEND
        self._tree = Tree()
        saved = self._keep.load()
        if saved:
            self._restore(saved)
        self._signed = -1  # leaves under the head of this life: the last may be signed again

    def step(self, now_ms: int) -> int:
        """Do one slice; ms until the next is worth while."""
        try:
            return self._slice()
        except OSError:  # nothing is lost: what was not stored or sent waits
            self.errors += 1
            return _AGAIN_MS
        except Exception as error:  # control goes on; a leaf that may be wrong is never made
            self._phase = _BROKEN
            self._fail(repr(error))
            return _AGAIN_MS

    def _fail(self, why: str):
        self.broken = why
        tell(self._outbox, why)

    def _slice(self) -> int:
        phase = self._phase
        if phase == _IDLE:
            if not self._ledger.close():
                return _CALM_MS
            self._phase = _BOOK
        elif phase == _BOOK:
            self.book.step()
            if not self.book.busy:
                self._phase = _STORE
        elif phase == _STORE:
            self._store()
        elif phase == _SEND:
            self._send()
        elif phase == _SIGN:
            self._sign()
        else:
            return _AGAIN_MS  # until the next start, which begins with the last good leaf
        return _BUSY_MS

    def _store(self):
        """The tree with the leaves just booked, on the medium before anybody hears of them."""
        tree = Tree(self._tree.save())
        leaves = []
        record = bytearray([len(self.book.leaves)])
        for leaf in self.book.leaves:
            tree.append(leaf.digest)
            data = bytes(memoryview(leaf.buffer)[:leaf.n])
            record += bytes([leaf.n >> 8, leaf.n & 255]) + data
            leaves.append((LEDGER, data))
        record += tree.save()
        self._keep.store(record, len(record))
        self._tree = tree
        self._frames = leaves
        self._phase = _SEND

    def _restore(self, saved: bytes):
        """Go on where the record ends; the account too, if the site is still what it was."""
        at, leaves = 1, []
        for _ in range(saved[0]):
            n = saved[at] << 8 | saved[at + 1]
            leaves.append(saved[at + 2:at + 2 + n])
            at += 2 + n
        self._tree = Tree(saved[at:])
        self._frames += [(LEDGER, data) for data in leaves]
        numbers = [unpack(data)[1] for data in leaves]
        try:
            resume(self.book, numbers[0], numbers[1] if len(numbers) > 1 else [],
                   leaf_hash(leaves[-1]))
        except ValueError as error:  # another account begins, in the same chain
            self._fail(str(error))
            self.book.before = leaf_hash(leaves[-1])

    def _send(self):
        if self._frames:
            kind, data = self._frames[0]
            if self._outbox is not None:
                self._outbox.append(kind, data, len(data))
            self._frames.pop(0)
        else:
            self._phase = _SIGN if self._due() else _IDLE

    def _due(self) -> bool:
        """Whether a head is begun. One that contradicts an older one is not: this log was put back
        to an earlier state, and who holds the heads must know of it, not be told another story."""
        tree, signed = self._tree, self._signed
        if tree.size == 0 or tree.size == signed or (
                signed >= 0 and (self.book.quarter + 1) % self._every):
            return False
        try:
            self._signer.begin(tree.size, tree.root())
        except ValueError as error:
            if self.broken != str(error):  # once
                self._fail(str(error))
            return False
        self._signed = tree.size
        return True

    def _sign(self):
        done = self._signer.step()
        if _collects:
            gc.collect()  # up to 13 KB of garbage a slice
        if done:
            if not self._told:
                self._told = True
                self._frames.append((KEY, self.public().encode()))
            self._frames.append((HEAD, self._signer.note))
            self._phase = _SEND

    def public(self) -> str:
        """The public key in one line, NAME+ID+KEY (c2sp.org/signed-note), once a head is signed."""
        from binascii import b2a_base64
        public = self._signer.key.public
        return "%s+%s+%s" % (
            self._origin, "".join(["%02x" % byte for byte in key_id(self._origin, public)]),
            b2a_base64(bytes([ED25519]) + public).decode().strip())
