"""The same flows under other factors: a new set is a new view, and changes no leaf.

The store's contents are worked out again from the first leaf on, so that a kWh charged in a clean
hour comes out clean, by a set whose factors change by the hour too. A gap has the highest factors
of its hours: nobody knows in which of them its energy flowed.
"""

from collections.abc import Iterable

from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.evidence.accounts import Account
from cloud_bridge.fields import mistake
from edge.ledger.leaf import OPENED
from edge.ledger.pool import Pool
from edge.ledger.views import View

_LONGEST = 100_000
_ENERGIES = ("grid", "gen", "residual", "direct", "pv")  # in the order of edge/ledger/matrix.py


def totals(sites: Iterable[Account], factors: FactorSet) -> dict[str, int]:
    """µg in `load`, `export`, `loss`, `adjusted` (unexplained) over accounts that stand, and
    `inventory`, in the battery at the end. DocumentError where the set has no factor, or a gap is
    longer than three years."""
    sums = dict.fromkeys(("load", "export", "loss", "adjusted"), 0)
    pool, view = Pool(), View([0] * len(_ENERGIES))
    for site in sites:
        values, flows = site.values, site.flows
        if values["flags"] & OPENED:
            pool, view = Pool(), View([0] * len(_ENERGIES))
        if values["span"] > _LONGEST:
            raise mistake("gap", f"{values['span']} quarter-hours", f"at most {_LONGEST}, to be "
                          "seen by other factors")
        view.factors = [max(factors.mg_per_kwh(energy, quarter) for quarter in
                            range(site.quarter - values["span"] + 1, site.quarter + 1))
                        for energy in _ENERGIES]
        pool.clear()
        view.clear()
        pool.step(flows)
        if pool.drawn_wh:
            pool.trace(flows)
        view.step(flows)
        view.draw(flows, pool)
        pool.settle(values.get("loss_wh", 0), values.get("gain_wh", 0) - pool.gained)
        view.settle(pool)
        for name in sums:
            sums[name] += getattr(view, name)
    return {**sums, "inventory": view.inventory}
