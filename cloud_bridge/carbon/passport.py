"""A product's passport: what a batch has taken of energy and carbon, in one signed document small
enough for a QR code, which a customer checks with the issuer's public key alone, offline.

The text in the code is the document itself (cloud_bridge/documents.py), kind "passport":

    {"product","batch","site"?,"line"?      what, and whose meter; without a line the whole load
     "first","end"                          UTC, e.g. "2026-01-31T00:00Z"; end not included
     "quantity","unit"                      exact decimal as a text
     "energy_wh","from_wh"                  and from which source; what is green is rounded down
     "carbon_ug","factor_set"               µg CO2 as a text, rounded up; the set's id
     "minutes"                              of the interval, how many were measured
     "head"?}                               {"origin","size","root"}: where the records stand

What proves that the records stand there goes beside it, in a file (cloud_bridge/evidence/proof.py):
it does not fit into a code.
The carbon is that of the load; what was lost in a battery is the park's.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud_bridge import documents, fields
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.measure import load_ug
from cloud_bridge.carbon.quarters import EPOCH, LAST, LOAD, MINUTES, ORIGINS, UNKNOWN, Quarter
from cloud_bridge.documents import Document
from cloud_bridge.fields import AMOUNT, DocumentError, Field
from cloud_bridge.notes import Checkpoint

MOST_BYTES = 1_000
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:(?:00|15|30|45)Z", re.ASCII)
_HEAD = {"origin": fields.TEXT, "size": fields.whole(1, documents.LARGEST),
         "root": fields.hexadecimal(32)}
_WH = fields.whole(0, documents.LARGEST)
_WHOLE_TEXT = Field("a whole number as a text", lambda value: int(value) if isinstance(value, str)
                    and re.fullmatch(r"0|[1-9]\d{0,29}", value, re.ASCII) else None)


@dataclass(frozen=True)
class Batch:
    """What was made: `first`, `end` quarter-hours, `line` "" for the whole load, `quantity` an
    exact decimal. `site` and `line` are left out when they are empty."""

    product: str
    batch: str
    first: int
    end: int
    quantity: str
    unit: str
    line: str = ""
    site: str = ""


@dataclass(frozen=True)
class Taken:
    """What a line has taken: `from_wh` of each of ORIGINS, what is green rounded down; `ug` CO2,
    rounded up; `minutes` measured."""

    wh: int
    from_wh: Mapping[str, int]
    ug: int
    minutes: int


def taken(line: str, first: int, end: int, quarters: Iterable[Quarter],
          ug_of: Callable[[Quarter], int]) -> Taken:
    """Sum up the quarter-hours `first` .. `end` - 1 of a line ("": the whole load), with `ug_of` a
    quarter-hour's load. DocumentError when one is missing, or the line has no meter."""
    inside = [one for one in quarters if first <= one.index - one.span + 1 and one.index < end]
    missing = end - first - sum(one.span for one in inside)
    if missing or not inside:
        raise DocumentError(f"passport: {missing} quarter-hours are missing, expected all "
                            f"{end - first} from {time(first)} on")
    wh, ug, minutes = 0, Fraction(0), 0
    origins = [Fraction(0)] * len(ORIGINS)
    for one in inside:
        load = one.given(LOAD)
        mine = one.lines.get(line) if line else load
        if mine is None:
            raise DocumentError(f"passport: line {line} has no meter at {time(one.index)}, "
                                "expected one of " + (" ".join(one.lines) or "none"))
        wh, minutes = wh + mine, minutes + one.minutes
        if load:
            share = Fraction(mine, load)
            ug += ug_of(one) * share
            for origin in range(len(ORIGINS)):
                direct = one.flows[origin][LOAD] if origin != UNKNOWN else 0
                origins[origin] += (direct + one.stored[origin]) * share
    parts = [int(part) for part in origins]
    parts[0] += wh - sum(parts)  # what is rounded off the others is taken to be from the grid
    return Taken(wh, dict(zip(ORIGINS, parts, strict=True)), -(-ug.numerator // ug.denominator),
                 minutes)


def make(batch: Batch, quarters: Iterable[Quarter], factors: FactorSet, issued: str,
         head: Mapping[str, Any] | None = None) -> Document:
    """The passport, not signed yet. `head`: the tree's head that covers the records. DocumentError
    when a record is missing, or it grows too large for a code."""
    got = taken(batch.line, batch.first, batch.end, quarters, lambda one: load_ug(one, factors))
    body = {"product": batch.product, "batch": batch.batch, "first": time(batch.first),
            "end": time(batch.end), "quantity": batch.quantity, "unit": batch.unit,
            "energy_wh": got.wh, "from_wh": got.from_wh, "carbon_ug": str(got.ug),
            "factor_set": factors.id.hex(), "minutes": got.minutes,
            **({"line": batch.line} if batch.line else {}),
            **({"site": batch.site} if batch.site else {}), **({"head": head} if head else {})}
    document = Document("passport", issued, body)
    read(document)
    return document


def prove(passport: Mapping[str, Any], head: Checkpoint, quarters: Iterable[Quarter]) -> None:
    """DocumentError, unless a passport (as `read`) follows from these quarter-hours, which stand
    under `head` (cloud_bridge/evidence/proof.py), to the last Wh and microgram."""
    told = passport["head"] or {}
    for name in _HEAD:
        if told.get(name) != getattr(head, name):
            raise fields.mistake(f"passport: head: {name}", told.get(name),
                                 f"{getattr(head, name)!r} as the proof has it")
    rows, number = list(quarters), passport["factor_set"].hex()
    for one in rows:
        if number not in one.load_ug:
            raise DocumentError(f"proof: the ledger keeps no view of factor set {number} at "
                                f"{time(one.index)}")
    got = taken(passport["line"], passport["first"], passport["end"], rows,
                lambda one: one.load_ug[number])
    for name, expected in (("energy_wh", got.wh), ("from_wh", dict(got.from_wh)),
                           ("carbon_ug", got.ug), ("minutes", got.minutes)):
        if passport[name] != expected:
            raise fields.mistake(f"passport: {name}", passport[name],
                                 f"{expected} by the proven leaves")


def check(data: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """What a passport says, if `key` has signed it: all that a customer needs. DocumentError."""
    document = documents.parse(data)
    documents.verify(document, key)
    return read(document)


def read(document: Document) -> dict[str, Any]:
    """The fields of a passport, read. DocumentError; nothing is verified."""
    if document.kind != "passport":
        raise fields.mistake("passport: kind", document.kind, "passport")
    got = fields.read("passport", document.body, _PASSPORT)
    if sum(got["from_wh"].values()) != got["energy_wh"]:
        raise fields.mistake("passport: from_wh", got["from_wh"], "parts of energy_wh")
    expected = (got["end"] - got["first"]) * MINUTES
    if not expected > 0 or got["minutes"] > expected:
        raise fields.mistake("passport: minutes", got["minutes"], f"0 .. {max(0, expected)}")
    return got


def g_per_unit(passport: Mapping[str, Any]) -> Fraction | None:
    """g CO2 for each unit of the product; None when there is none."""
    quantity = passport["quantity"]
    return Fraction(passport["carbon_ug"], 10**6) / quantity if quantity else None


def payload(document: Document) -> bytes:
    """What stands in the code. DocumentError when it is too long."""
    data = document.encode()
    if len(data) > MOST_BYTES:
        raise DocumentError(f"passport: found {len(data)} bytes, expected at most {MOST_BYTES}: "
                            "shorten the texts")
    return data


def time(index: int) -> str:
    """The start of a quarter-hour, UTC."""
    return f"{EPOCH + datetime.timedelta(minutes=MINUTES * index):%Y-%m-%dT%H:%MZ}"


def index_at(value: Any) -> int | None:
    """The quarter-hour that begins at a time as `time` writes it; None when it is none."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        then = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    index = (then - EPOCH) // datetime.timedelta(minutes=MINUTES)
    return index if 0 <= index <= LAST else None


def _read_parts(value: Any) -> dict[str, int] | None:
    try:
        return fields.read("", value, dict.fromkeys(ORIGINS, _WH))
    except DocumentError:
        return None


def _read_head(value: Any) -> dict[str, Any] | None:
    try:
        return fields.read("", value, _HEAD)
    except DocumentError:
        return None


_INSTANT = Field("a time as 2026-01-31T00:15Z", index_at)
_PASSPORT = {
    "product": fields.TEXT, "batch": fields.TEXT, "site": fields.TEXT.or_else(""),
    "line": fields.TEXT.or_else(""), "first": _INSTANT, "end": _INSTANT, "quantity": AMOUNT,
    "unit": fields.TEXT, "energy_wh": _WH,
    "from_wh": Field("Wh of each of " + " ".join(ORIGINS), _read_parts),
    "carbon_ug": _WHOLE_TEXT, "factor_set": fields.hexadecimal(8),
    "minutes": fields.whole(0, documents.LARGEST),
    "head": Field("origin, size and root of a tree's head", _read_head, None),
}
