"""Statements from outside: certificates, bills, process emissions, fuel, heat, water, waste.

Each is a signed document of its own about one `account` (a meter, a delivery point, a process) and
the days `first` .. `last`. None of them touches what was measured: they fill columns of their own.
That a certificate counts once is seen among the statements at hand; what another park has used only
its registry knows.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from cloud_bridge import fields
from cloud_bridge.carbon.carriers import Carrier
from cloud_bridge.documents import Document
from cloud_bridge.fields import AMOUNT, DATE, NAME, TEXT, DocumentError, Field

_HEAD = {"subject": NAME, "account": TEXT, "first": DATE, "last": DATE, "source": TEXT,
         "note": TEXT.or_else("")}
_FLAG = fields.one_of(["yes", "no"]).or_else("no")
# What each subject tells beside that. A certificate (绿证) with an `hour` is of that hour of its
# day alone, so it can be matched by the hour. Fuel for use "generation" is metered by what it made.
SUBJECTS: dict[str, dict[str, Field]] = {
    "certificate": {"registry": TEXT, "kwh": AMOUNT, "from_storage": _FLAG,
                    "certificates": fields.list_of("certificate numbers", TEXT.read, 100_000),
                    "hour": fields.whole(0, 23).or_else(None)},
    "bill": {"kwh": AMOUNT},
    "process": {"gas": fields.one_of(["CO2", "CH4", "N2O", "HFC", "PFC", "SF6", "NF3"]),
                "t": AMOUNT},
    "fuel": {"carrier": NAME, "amount": AMOUNT, "unit": TEXT,
             "density_kg_per_l": AMOUNT.or_else(None),
             "use": fields.one_of(["other", "generation"]).or_else("other")},
    "heat": {"gj": AMOUNT},
    "waste_heat": {"available_gj": AMOUNT, "used_gj": AMOUNT},
    "water": {"fresh_m3": AMOUNT, "reused_m3": AMOUNT},
    "solid_waste": {"produced_t": AMOUNT, "used_t": AMOUNT},
}
_PARTS = (("used_gj", "available_gj"), ("used_t", "produced_t"))  # the first is part of the second


@dataclass(frozen=True)
class Statement:
    """`values`: the fields of its subject. `first`, `last`: local days, both included."""

    id: bytes
    subject: str
    account: str
    first: datetime.date
    last: datetime.date
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, ...]:
        """What must not be told twice for a day; certificates have numbers for that."""
        return self.subject, self.account, self.values.get("carrier", ""), \
            self.values.get("gas", "")


def read(document: Document) -> Statement:
    """The statement in a document. DocumentError."""
    if document.kind != "statement":
        raise fields.mistake("statement: kind", document.kind, "statement")
    subject = document.body.get("subject")
    if not isinstance(subject, str) or subject not in SUBJECTS:
        raise fields.mistake("statement: subject", subject, "one of " + " ".join(SUBJECTS))
    got = fields.read("statement", document.body, {**_HEAD, **SUBJECTS[subject]})
    if got["last"] < got["first"]:
        raise fields.mistake("statement: last", str(got["last"]), f"a day from {got['first']} on")
    for part, of in _PARTS:
        if part in got and got[part] > got[of]:
            raise fields.mistake(f"statement: {part}", str(got[part]), f"at most {of}, {got[of]}")
    if got.get("hour") is not None and got["first"] != got["last"]:
        raise fields.mistake("statement: hour", got["hour"], "first and last to be one day")
    if "certificates" in got and len(set(got["certificates"])) < len(got["certificates"]):
        raise DocumentError("statement: certificates: a number stands there twice")
    return Statement(document.id, subject, got["account"], got["first"], got["last"],
                     {name: got[name] for name in SUBJECTS[subject]})


def collect(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """All of them, if they can stand together. DocumentError when a certificate is used twice, or
    two tell of the same account and day."""
    found = tuple(sorted(statements, key=lambda one: (one.key, one.first, one.last)))
    numbers: dict[tuple[str, str], bytes] = {}
    for one in found:
        for number in one.values.get("certificates", ()):
            key = (one.values["registry"], number)
            if key in numbers:
                raise DocumentError(f"statement {one.id.hex()}: certificate {number} of {key[0]} "
                                    f"is used already, by {numbers[key].hex()}")
            numbers[key] = one.id
    told = [one for one in found if one.subject != "certificate"]
    for before, one in pairwise(told):
        if before.key == one.key and one.first <= before.last:
            raise DocumentError(f"statement {one.id.hex()}: {one.subject} of {one.account} from "
                                f"{one.first} on is told already, by {before.id.hex()} until "
                                f"{before.last}")
    return found


def within(statements: Iterable[Statement], first: datetime.date,
           last: datetime.date) -> tuple[Statement, ...]:
    """Those of the days `first` .. `last`. DocumentError for one that reaches over an end: no part
    of it could be told from the rest."""
    found = []
    for one in statements:
        if one.last < first or last < one.first:
            continue
        if one.first < first or last < one.last:
            raise DocumentError(f"statement {one.id.hex()}: {one.subject} of {one.account} covers "
                                f"{one.first} .. {one.last}, expected days inside {first} .. "
                                f"{last}: have it split")
        found.append(one)
    return tuple(found)


def burnt(statement: Statement, carriers: Mapping[str, Carrier],
          heat: str) -> tuple[Carrier, Fraction]:
    """What fuel or heat was used, and how many of its units; `heat` is the carrier that stands for
    purchased heat. DocumentError for a unit that is another, or an unknown carrier."""
    values = statement.values
    where = f"statement {statement.id.hex()}"
    name = heat if statement.subject == "heat" else values["carrier"]
    carrier = carriers.get(name)
    if carrier is None:
        raise fields.mistake(f"{where}: carrier", name, "one of " + " ".join(carriers))
    if statement.subject == "heat":
        return carrier, values["gj"]
    density, unit = values["density_kg_per_l"], values["unit"]
    if unit == "L" and carrier.unit == "t" and density:
        if not Fraction(1, 2) <= density <= 2:
            raise fields.mistake(f"{where}: density_kg_per_l", str(density), "0.5 .. 2 kg a litre")
        return carrier, values["amount"] * density / 1000
    if unit != carrier.unit:
        hint = "; litres need density_kg_per_l" if unit == "L" else ""
        raise fields.mistake(f"{where}: unit", unit, f"{carrier.unit}, the unit of {name}{hint}")
    return carrier, values["amount"]
