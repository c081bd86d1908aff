"""Whose word the documents of a bundle are, and whether the account used what they say."""

from cloud_bridge.carbon import factors as factor_sets
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.passport import time
from cloud_bridge.evidence.bundle import Bundle
from cloud_bridge.evidence.terms import Terms
from cloud_bridge.evidence.verdict import Verdict
from cloud_bridge.fields import DocumentError
from cloud_bridge.keyfiles import ROTATION, Trust

_ENERGIES = ("grid", "gen", "residual", "direct", "pv")  # in the order of a row of terms


def documents(bundle: Bundle, trust: Trust | None, found: Verdict) -> None:
    """Whose word they are, and that somebody refers to them."""
    if trust is not None:
        try:
            trust.rotate([one for _, one in bundle.documents if one.kind == ROTATION])
        except DocumentError as error:
            found.fault(f"documents: {error}")
    named = {number for site, _ in found.accounts for number in found.terms[site.terms_id].sets}
    for file, document in bundle.documents:
        try:
            if trust is not None:
                trust.check(document)
            if document.kind == "factors":
                found.sets[document.id] = factor_sets.read(document)
        except DocumentError as error:
            found.refused.add(file)
            found.fault(f"{file}: {error}")
        if document.kind not in ("factors", "statement", ROTATION) or (
                document.kind == "factors" and document.id not in named):
            found.notes.append(f"{file}: {document.kind} {document.id.hex()} is named by no leaf")


def factors(trust: Trust | None, found: Verdict) -> None:
    """That the account used what the documents say."""
    for terms, first, last in _used(found):
        for row, name, number in zip(terms.factors, terms.names, terms.sets, strict=True):
            known = found.sets.get(number) or factor_sets.by_id(number)
            if known is None:
                text = f"factors {name} {number.hex()}: no such document here; they are the " \
                       "gateway's word: " + " ".join(map(str, row))
                (found.notes.append if trust is None else found.fault)(text)
                continue
            told = [_in_force(known, quarter) for quarter in (first, last, known.newest)]
            if list(row) not in told:
                found.fault(f"factors {name} {number.hex()}: the account used {list(row)}, the "
                            f"document says {told[2]}")
            elif told[:2] != [list(row)] * 2:
                found.notes.append(f"factors {name} {number.hex()}: by the document not in force "
                                   f"in all of {time(first)} .. {time(last + 1)}")


def _in_force(known: FactorSet, quarter: int) -> list[int] | None:
    try:
        return [known.mg_per_kwh(energy, quarter) for energy in _ENERGIES]
    except DocumentError:
        return None


def _used(found: Verdict) -> list[tuple[Terms, int, int]]:
    """The terms that leaves name, with the first and last quarter-hour of each."""
    spans: dict[bytes, tuple[int, int]] = {}
    for site, _ in found.accounts:
        first, last = spans.get(site.terms_id, (site.quarter, site.quarter))
        spans[site.terms_id] = (min(first, site.quarter), max(last, site.quarter))
    return [(found.terms[number], *span) for number, span in spans.items()]
