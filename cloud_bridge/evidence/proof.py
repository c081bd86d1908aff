"""The proof beside a passport: the ledger's own leaves, and that each stands in a signed head.

Canonical JSON (cloud_bridge/documents.py), for a customer who has the log's public key and nothing
else of the site:

    {"version":1,
     "head":"<the signed note>",                       c2sp.org/signed-note
     "terms":["<terms>",..],                           cloud_bridge/evidence/terms.py
     "leaves":[[<place>,"<leaf>",["<hash>",..]],..]}   RFC 6962 inclusion, from the leaf upwards

Leaves follow each other without a hole, so none that is unwelcome can be left out. A leaf names its
terms by their hash: they are proven with it. What charged the battery before the first leaf is the
ledger's word, as an audit of the whole has found it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cloud_bridge import fields, notes
from cloud_bridge.carbon.quarters import Quarter
from cloud_bridge.documents import canonical, value_of
from cloud_bridge.evidence import terms
from cloud_bridge.evidence.accounts import Account, LeafError, open_leaf
from cloud_bridge.evidence.bundle import Bundle
from cloud_bridge.evidence.figures import quarters_of
from cloud_bridge.evidence.judge import Verdict
from cloud_bridge.evidence.terms import Terms
from cloud_bridge.fields import DocumentError, Field
from cloud_bridge.merkle import verify_inclusion
from cloud_bridge.notes import Checkpoint, Key, NoteError
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import SITE

MOST_BYTES = 20_000_000
_MOST_LEAVES = 100_000
_HASH = fields.hexadecimal(32)
_TEXT = Field("a text", lambda value: value if isinstance(value, str) else None)


def _row(value: Any) -> tuple[int, bytes, list[bytes]] | None:
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[2], list):
        return None
    place, leaf, path = value
    try:
        data, hashes = bytes.fromhex(leaf), [_HASH.read(one) for one in path]
    except (TypeError, ValueError):
        return None
    fits = type(place) is int and place >= 0 and None not in hashes and data.hex() == leaf
    return (place, data, hashes) if fits else None


_FIELDS = {"version": fields.whole(1, 1), "head": _TEXT,
           "terms": fields.list_of("texts", _TEXT.read, _MOST_LEAVES),
           "leaves": fields.list_of("leaves, [place, leaf, hashes]", _row, _MOST_LEAVES)}


def make(found: Bundle, verdict: Verdict, first: int, end: int, keys: Sequence[Key]
         ) -> tuple[dict[str, Any], bytes]:
    """The head as a passport names it, and the proof of the quarter-hours `first` .. `end` - 1 of
    an audited bundle. DocumentError when it has faults, or they are not all under a signed head."""
    if verdict.faults:
        raise DocumentError(f"evidence: the books do not stand: {verdict.faults[0]}")
    inside = [number for number, (site, _) in enumerate(verdict.accounts)
              if first <= site.quarter - site.values["span"] + 1 and site.quarter < end]
    if not inside:
        raise DocumentError("evidence: has none of these quarter-hours")
    places = [*verdict.places, verdict.leaves]
    begin, stop = places[inside[0]], places[inside[-1] + 1]
    if stop > verdict.signed:
        raise DocumentError(f"evidence: {verdict.signed} leaves are under a signed head, expected "
                            f"{stop}: wait for the next head")
    told, note = _signed(found, verdict.signed, keys)
    used = {verdict.accounts[number][0].terms_id for number in inside}
    proof = {
        "version": 1, "head": note.decode(),
        "terms": [found.terms[one].text.decode() for one in sorted(used)],
        "leaves": [[place, found.leaves[place].hex(),
                    [node.hex() for node in verdict.tree.inclusion(place, told.size)]]
                   for place in range(begin, stop)]}
    return ({"origin": told.origin, "size": told.size, "root": told.root.hex()}, canonical(proof))


def check(data: bytes, keys: Sequence[Key]) -> tuple[Checkpoint, list[Quarter]]:
    """What a proof proves, whatever the bytes are: a head by one of `keys` of the log, and
    quarter-hours under it. DocumentError."""
    got = fields.read("proof", value_of(data, "proof", MOST_BYTES), _FIELDS)
    head = _head(got["head"].encode(), keys)
    known = {one.id: one for one in (terms.parse(text.encode())
                                     for text in got["terms"])}
    before = None
    accounts: list[tuple[Account, Account | None]] = []
    for place, leaf, path in got["leaves"]:
        where = f"proof: leaf {place}"
        if before is not None and place != before + 1:
            raise fields.mistake(where, place, f"{before + 1}")
        before = place
        if not verify_inclusion(leaf_hash(leaf), place, head.size, path, head.root):
            raise DocumentError(f"{where}: is not in the signed head of {head.size} leaves")
        _take(where, leaf, known, accounts)
    for site, tenants in accounts:
        if tenants is None and known[site.terms_id].tenants:
            raise DocumentError(f"proof: quarter-hour {site.quarter} lacks its tenants' leaf")
    return head, quarters_of(accounts, known)


def _take(where: str, leaf: bytes, known: dict[bytes, Terms],
          accounts: list[tuple[Account, Account | None]]) -> None:
    """Read one more leaf; the tenants' goes behind its site's."""
    try:
        account = open_leaf(leaf, known)
    except LeafError as error:
        raise DocumentError(f"{where}: {error}") from None
    if account.kind == SITE:
        accounts.append((account, None))
    elif accounts and accounts[-1][1] is None and accounts[-1][0].quarter == account.quarter:
        accounts[-1] = (accounts[-1][0], account)
    else:
        raise DocumentError(f"{where}: tenants without their site")


def _signed(found: Bundle, size: int, keys: Sequence[Key]) -> tuple[Checkpoint, bytes]:
    """The head of so many leaves, as it was signed."""
    for _, note in found.heads:
        with suppress(DocumentError):
            told = _head(note, keys)
            if told.size == size:
                return told, note
    raise DocumentError(f"evidence: has no head of {size} leaves")


def _head(note: bytes, keys: Sequence[Key]) -> Checkpoint:
    """The head in a note that one of the keys has signed. DocumentError."""
    said = "no key of the log is given"
    for key in keys:
        try:
            return notes.head(note, key)[0]
        except NoteError as error:
            said = str(error)
    raise DocumentError(f"proof: {said}")
