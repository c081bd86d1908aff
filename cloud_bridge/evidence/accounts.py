"""Leaves as accounts: each site leaf with its numbers by name, and its tenants' leaf."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cloud_bridge.carbon.quarters import LAST
from cloud_bridge.evidence.terms import Terms
from edge.ledger.leaf import (
    BEGINNING,
    METERS,
    SITE,
    fields,
    origins,
    tenant_fields,
    unpack,
)
from edge.ledger.matrix import LOAD, SINKS, SOURCES, STORE

UNKNOWN = STORE  # among origins
_OWED = {"charge": 0, "export": 1}  # their places in `owed`


_fields = lru_cache(fields)
_tenant_fields = lru_cache(tenant_fields)


class LeafError(ValueError):
    """What is wrong with a leaf, in one line."""


@dataclass(frozen=True)
class Account:
    """What one leaf tells. `values` by the names of edge/ledger/leaf.py."""

    kind: int
    values: dict[str, int]
    terms_id: bytes
    before: bytes

    @property
    def quarter(self) -> int:
        return self.values["quarter"]

    @cached_property
    def flows(self) -> Sequence[int]:
        """Wh from each source to each sink, [3 * source + sink]."""
        values = self.values
        found = [0] * 15
        for place, source in enumerate(SOURCES):
            for sink, name in enumerate(SINKS):
                if place != STORE:
                    found[3 * place + sink] = values.get(f"{source}_{name}_wh", 0)
        for place in origins(values["meters"]):
            for sink in (0, 2):
                found[3 * STORE + sink] += self.traced(place, sink)
        found[3 * STORE + 1] = values.get("store_charge_wh", 0)
        return found

    def traced(self, origin: int, sink: int) -> int:
        """Wh of an origin that the store gave to a sink."""
        return self.values.get(f"store_{_origin(origin)}_{SINKS[sink]}_wh", 0)

    def in_store(self, origin: int) -> int:
        """Wh of an origin in the store when the quarter-hour ended."""
        return self.values.get(f"in_store_{_origin(origin)}_wh", 0)

    def register_wh(self, meter: int) -> int:
        """What a meter's register shows."""
        return self.values[f"{METERS[meter]}_register_wh"]

    def counted_wh(self, meter: int, owed: Sequence[int]) -> int:
        """What a meter's register moved by if nothing leapt: what flowed past it, of charge and
        export with what is still to be booked; `owed` was that before."""
        name = METERS[meter]
        if name not in _OWED:
            return sum(self.flows[3 * meter:3 * meter + 3])
        sink = SINKS.index(name)
        return sum(self.flows[sink::3]) + self.owed[_OWED[name]] - owed[_OWED[name]]

    @property
    def owed(self) -> list[int]:
        """What charge and export have counted and nothing has fed yet, Wh."""
        return [self.values["owed_charge_wh"], self.values["owed_export_wh"]]

    @property
    def load_wh(self) -> int:
        return sum(self.flows[LOAD::3])


def open_leaf(leaf: bytes, known: dict[bytes, Terms]) -> Account:
    """Read a leaf. LeafError when it is none, or its terms are not there."""
    try:
        kind, numbers, terms_id, before = unpack(leaf)
    except ValueError as error:
        raise LeafError(str(error)) from None
    terms = known.get(terms_id)
    if terms is None:
        raise LeafError(f"names terms {terms_id.hex()}, which are not there")
    if kind == SITE:
        names = _fields(terms.mask, len(terms.factors))
        if len(numbers) > len(BEGINNING) and numbers[len(BEGINNING) - 1] != terms.mask:
            raise LeafError(f"has meters {numbers[len(BEGINNING) - 1]:#x}, expected {terms.mask:#x}"
                            " by its terms")
    else:
        names = _tenant_fields(len(terms.tenants), len(terms.factors))
    if len(numbers) != len(names):
        raise LeafError(f"has {len(numbers)} numbers, expected {len(names)} by its terms")
    values = dict(zip(names, numbers, strict=True))
    if values["quarter"] > LAST or values.get("span", 1) > values["quarter"] + 1:
        raise LeafError(f"is of {values.get('span', 1)} quarter-hours to {values['quarter']}, "
                        f"expected some since 2000 and at most {LAST}")
    return Account(kind, values, terms_id, before)


def _origin(place: int) -> str:
    return "unknown" if place == UNKNOWN else SOURCES[place]
