"""The account worked out again from its leaves, by the code that runs on the gateway.

From one leaf to the next everything follows but what was measured: the flows of the quarter-hour,
what the store lost or gained, and the registers. So registers are held against flows, and the
store's contents, the carbon of every view and the tenants' parts are computed anew.
"""

from collections.abc import Iterator

from cloud_bridge.evidence import implied
from cloud_bridge.evidence.accounts import Account
from cloud_bridge.evidence.terms import Terms
from edge.ledger.apportion import apportion
from edge.ledger.leaf import AMOUNTS, EXCHANGED, METERS, OPENED, origins
from edge.ledger.matrix import EXPORT, LOAD, SOURCES
from edge.ledger.pool import Pool
from edge.ledger.views import View


class Replay:
    """Take the site leaves in their order; each call tells what does not follow, a line each."""

    def __init__(self) -> None:
        self._pool = Pool()
        self._views: list[View] = []
        self._last: Account | None = None
        self._last_terms: Terms | None = None
        self._tenants: Account | None = None  # the tenants' leaf that a tenants' leaf follows
        self._tenants_before: Account | None = None

    def site(self, account: Account, terms: Terms) -> Iterator[str]:
        """Judge the leaf of a site and go on from it."""
        opened = bool(account.values["flags"] & OPENED)
        if self._last is None or opened:
            if not opened:
                yield "goes on with an account that was never opened"
            self._open(terms)
        elif self._last_terms is not terms:
            yield from self._change(terms)
        owed = [0, 0]
        if self._last is not None and not opened:
            owed = self._last.owed
            yield from _registers(self._last, account, terms)
        yield from implied.site(account, terms, owed)
        yield from self._work(account)
        self._last, self._last_terms = account, terms
        self._tenants_before, self._tenants = None if opened else self._tenants, None

    def _open(self, terms: Terms) -> None:
        self._pool = Pool()
        self._views = [View(row) for row in terms.factors]

    def _change(self, terms: Terms) -> Iterator[str]:
        """Other factors: what is in store keeps the carbon it was charged with. Other limits of
        the same meters are no new account either."""
        before = self._last_terms
        if before is None or (before.mask, len(before.factors), len(before.tenants)) != (
                terms.mask, len(terms.factors), len(terms.tenants)):
            yield "has other meters, views or tenants than the leaf before, and opens no account"
            self._open(terms)
        for view, row in zip(self._views, terms.factors, strict=True):
            view.factors = row

    def _work(self, account: Account) -> Iterator[str]:
        pool, flows, values = self._pool, account.flows, account.values
        pool.clear()
        pool.step(flows)
        if pool.drawn_wh:
            pool.trace(flows)
        for view in self._views:
            view.clear()
            view.step(flows)
            view.draw(flows, pool)
        load_ug = [view.load for view in self._views]
        lost, gained = values.get("loss_wh", 0), values.get("gain_wh", 0) - pool.gained
        if lost > pool.wh or gained < 0 or (lost and gained):
            yield f"tells of {lost} Wh lost and {values.get('gain_wh', 0)} Wh gained in a store " \
                  f"that held {pool.wh} Wh and had gained {pool.gained} Wh"
            lost, gained = min(lost, pool.wh), max(gained, 0)
        pool.settle(lost, gained)
        for place in origins(values["meters"]):
            for sink in (LOAD, EXPORT):
                if account.traced(place, sink) != pool.traced[3 * place + sink]:
                    yield f"store to {'load' if sink == LOAD else 'export'}: found " \
                          f"{account.traced(place, sink)} Wh of {SOURCES[place]}, expected " \
                          f"{pool.traced[3 * place + sink]}"
            if account.in_store(place) != pool.origin[place]:
                yield f"in store: found {account.in_store(place)} Wh of {SOURCES[place]}, " \
                      f"expected {pool.origin[place]}"
                pool.wh += account.in_store(place) - pool.origin[place]
                pool.origin[place] = account.in_store(place)
        for number, view in enumerate(self._views):
            view.settle(pool)
            told = [values[f"{name}_ug_{number}"] for name in AMOUNTS]
            found = [view.load, view.export, view.loss, view.inventory, view.adjusted]
            for name, one, other in zip(AMOUNTS, told, found, strict=True):
                if one != other:
                    yield f"view {number}, {name}: found {one} ug, expected {other}"
            view.inventory = told[3]
        self.load_ug = load_ug

    def tenants(self, account: Account, terms: Terms) -> Iterator[str]:
        """Judge the tenants' leaf behind the site's."""
        values, site = account.values, self._last
        assert site is not None, "a tenants' leaf comes behind a site's"
        yield from implied.tenants(site, account, terms, self._tenants_before)
        self._tenants = account
        names = [f"tenant_{number}" for number in range(len(terms.tenants))] + ["common"]
        wh = [values[f"{name}_wh"] for name in names]
        if account.quarter != site.quarter:
            yield f"is of quarter-hour {account.quarter}, expected {site.quarter}"
        if sum(wh) != site.load_wh:
            yield f"tenants have {sum(wh)} Wh, expected the load, {site.load_wh}"
            return
        for number, ug in enumerate(self.load_ug):
            told = [values[f"{name}_ug_{number}"] for name in names]
            expected = [0] * len(wh)
            apportion(ug, wh, expected)
            if told != expected:
                yield f"view {number}: tenants have {told} ug, expected {expected}"


def _registers(before: Account, after: Account, terms: Terms) -> Iterator[str]:
    """What every register moved by is what flowed past its meter, but where a meter was exchanged:
    then the powers stand for it, and the leaf says so."""
    values = after.values
    for meter, limits in enumerate(terms.meters):
        if limits is None or (values["flags"] & EXCHANGED and values["unread"] >> meter & 1):
            continue
        name = METERS[meter]
        moved = (after.register_wh(meter) - before.register_wh(meter)) % limits[0]
        flowed = after.counted_wh(meter, before.owed)
        if moved != flowed % limits[0]:
            yield f"register {name} moved by {moved} Wh, and {flowed} Wh flowed"
