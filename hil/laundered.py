"""What an account hides that takes all the battery gives for green, as live displays do.

Such an account sees a source's carbon only where it goes to load or export at once: what charges
the battery is no load, and what the battery gives has no carbon. So the grid's carbon goes into the
battery and never comes out. The ledger traces it: load, export and what was lost in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloud_bridge.evidence.verdict import Verdict
from edge.ledger.leaf import METERS
from edge.ledger.matrix import CHARGE, EXPORT, GRID, LOAD, STORE
from hil.books import Kept


@dataclass(frozen=True)
class Column:
    """The account in one view, µg CO2: what load, export and loss have in the ledger, what is in
    store at the end and came from nobody knows where, and `naive`, what load and export would have
    if the battery were green. `delivered_wh`: what the battery gave."""

    name: str
    load: int
    export: int
    loss: int
    in_store: int
    adjusted: int
    naive: int
    delivered_wh: int

    @property
    def hidden(self) -> int:
        """What the naive account leaves out."""
        return self.load + self.export + self.loss - self.naive

    @property
    def hidden_g_per_kwh(self) -> float | None:
        """The same for each kWh that the battery delivered."""
        return self.hidden / 1e3 / self.delivered_wh if self.delivered_wh else None


def columns(verdict: Verdict) -> list[Column]:
    """One of each view of the account's last terms; none without an account."""
    if not verdict.accounts:
        return []
    terms = verdict.terms[verdict.accounts[-1][0].terms_id]
    return [_column(verdict, view, name) for view, name in enumerate(terms.names)]


def _column(verdict: Verdict, view: int, name: str) -> Column:
    naive = delivered_wh = 0
    for site, _ in verdict.accounts:
        factors, flows = verdict.terms[site.terms_id].factors[view], site.flows
        naive += sum((flows[3 * source + LOAD] + flows[3 * source + EXPORT]) * factors[source]
                     for source in range(5) if source != STORE)
        delivered_wh += flows[3 * STORE + LOAD] + flows[3 * STORE + EXPORT]
    sums = {part: sum(site.values[f"{part}_ug_{view}"] for site, _ in verdict.accounts)
            for part in ("load", "export", "loss", "adjusted")}
    in_store = verdict.accounts[-1][0].values[f"inventory_ug_{view}"]
    return Column(name, sums["load"], sums["export"], sums["loss"], in_store, sums["adjusted"],
                  naive, delivered_wh)



def wrong(kept: Kept) -> Iterator[str]:
    """Where the ledger does not balance to the plant's meters, or does not show to the microgram
    what the naive account hides, a line each. It must have been dark while the battery charged: the
    truth is told from the plant's registers alone."""
    moved, found = kept.moved_wh, kept.verdict
    again_wh = sum(site.flows[3 * STORE + CHARGE] for site, _ in found.accounts)
    gained_wh = sum(site.values["gain_wh"] for site, _ in found.accounts)
    charged_wh = moved["charge"] - again_wh
    if again_wh * 100 > moved["charge"]:
        yield f"the battery gave {again_wh} Wh to itself, of {moved['charge']} that it was charged"
    if charged_wh <= 0 or moved["discharge"] <= 0:
        yield "no carbon went through the battery: nothing is proven"
    for view, one in enumerate(columns(found)):
        factors = found.terms[found.accounts[-1][0].terms_id].factors[view]
        ours = one.load + one.export + one.loss
        came = sum(moved[METERS[source]] * factors[source] for source in range(5)
                   if source != STORE)
        if one.adjusted != gained_wh * factors[STORE]:
            yield f"{one.name}: {one.adjusted} ug unexplained, expected {gained_wh} Wh of unknown"
        if ours + one.in_store != came + one.adjusted:
            yield (f"{one.name}: {ours} ug and {one.in_store} in store, expected "
                   f"{came + one.adjusted} by the plant's meters")
        through = charged_wh * factors[GRID] + one.adjusted - one.in_store
        if one.naive + through != ours:
            yield (f"{one.name}: the naive account hides {one.hidden} ug, expected {through}: what "
                   "the grid gave to the battery, less what is in it still")
