"""Accounts as quarter-hours of energy, for indicators and passports (cloud_bridge/carbon)."""

from collections.abc import Iterable

from cloud_bridge.carbon import quarters
from cloud_bridge.carbon.quarters import Quarter
from cloud_bridge.evidence.accounts import Account
from cloud_bridge.evidence.terms import Terms
from edge.ledger.matrix import CHARGE, DIRECT, EXPORT, GENERATOR, GRID, LOAD, PV, STORE

_SOURCES = (GRID, PV, DIRECT, GENERATOR, STORE)  # in the order of quarters.SOURCES, as ORIGINS
_SINKS = (LOAD, EXPORT, CHARGE)  # and of quarters.SINKS


def quarter(site: Account, tenants: Account | None, terms: Terms) -> Quarter:
    """One leaf, with its tenants' leaf where it has one."""
    flows, values = site.flows, site.values
    lines = {}
    if tenants is not None:
        lines = {name: tenants.values[f"tenant_{number}_wh"]
                 for number, (name, _) in enumerate(terms.tenants)}
    rows = [[flows[3 * source + sink] for sink in _SINKS] for source in _SOURCES]
    rows[quarters.BATTERY][quarters.CHARGE] = 0  # what is charged again never left
    return Quarter(
        site.quarter, tuple(tuple(row) for row in rows),
        tuple(site.traced(source, LOAD) for source in _SOURCES), values["steps"], lines,
        terms.sets[0].hex(),
        {number.hex(): values[f"load_ug_{place}"] for place, number in enumerate(terms.sets)},
        values["span"])


def quarters_of(accounts: Iterable[tuple[Account, Account | None]],
                terms: dict[bytes, Terms]) -> list[Quarter]:
    """All of them, in order."""
    return [quarter(site, tenants, terms[site.terms_id]) for site, tenants in accounts]
