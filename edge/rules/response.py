"""Deliver what has been promised to a demand response, and keep the energy for it until then."""

from edge.compat import const
from edge.response.orders import Orders

ORDER = const(73)  # who lowers the import speaks before the demand target, and behind every limit;
_KEEP = const(84)  # who keeps energy, fills or comes back speaks behind it
FIELDS = ()  # its keys are those of the table [response]
_OVER_DEMAND = const(74)
_ANY = const(0)  # of edge.response.orders, folded into the bytecode
_KIND = const(1)
_VALUE = const(2)
_KEEP_PM = const(3)
_CHARGE_W = const(4)
_MOST_W = const(5)
_HUSH = const(6)
_LOWER = const(0)  # words
_LIFT = const(1)
_STORE = const(2)
_REST = const(3)  # both of them
_IMPORT_MAX = const(1)  # of edge.response.event
_IMPORT_MIN = const(2)
_EXPORT_MAX = const(3)
_SETPOINT = const(4)


def compiled(keys, gateway: str):
    """A word for what lowers the import, and one for all else, unless what raises the import speaks
    before the demand target."""
    if keys.get("over_demand"):
        return [(ORDER, {"word": _LOWER}), (_OVER_DEMAND, {"word": _LIFT}),
                (_KEEP, {"word": _STORE})]
    return [(ORDER, {"word": _LOWER}), (_KEEP, {"word": _REST})]


def rule(by: int, keys: dict, site):
    """One of its words. `site.response` holds what edge/response/engine.py asks for now."""
    if not hasattr(site, "response"):
        site.response = Orders()
        site.roles.append(site.response)
    word, orders = keys["word"], site.response.now
    if word == _LOWER:
        return _less_import(by, site.envelope, orders)
    if word == _LIFT:
        return _more_import(by, site.envelope, orders)
    return _kept_back(by, site.envelope, orders, site, word == _REST)


def _less_import(by: int, envelope, orders):
    """Import at most, export at most, or a setpoint that gives."""

    def narrow(now, by=by, envelope=envelope, at_least=envelope.at_least,
               at_most=envelope.at_most, exactly=envelope.exactly, orders=orders):
        if not orders[_ANY]:
            return
        kind = orders[_KIND]
        if kind == _IMPORT_MAX:
            w = now.net_w - orders[_VALUE]
            if w > envelope.lo_w:
                at_least(w, by)
        elif kind == _EXPORT_MAX:
            w = now.net_w + orders[_VALUE]
            if w < envelope.hi_w:
                at_most(w, by)
        elif kind == _SETPOINT and orders[_VALUE] >= 0:
            exactly(orders[_VALUE], by)

    return narrow


def _more_import(by: int, envelope, orders):
    """Import at least, or a setpoint that takes."""

    def narrow(now, by=by, envelope=envelope, at_most=envelope.at_most, exactly=envelope.exactly,
               orders=orders):
        if not orders[_ANY]:
            return
        if orders[_KIND] == _IMPORT_MIN:
            w = now.net_w - orders[_VALUE]
            if w < envelope.hi_w:
                at_most(w, by)
        elif orders[_KIND] == _SETPOINT and orders[_VALUE] < 0:
            exactly(orders[_VALUE], by)

    return narrow


def _kept_back(by: int, envelope, orders, site, lifts: bool):
    """What will be needed is neither traded nor used; it is charged, and comes back afterwards,
    as far as the import stays under the peak. No load is raised while a baseline is taken. With
    `lifts` it says what _more_import does as well, for one call less."""
    # power that moves one per mille of the capacity in one beat, as in edge/rules/reserve.py
    w_per_pm = site.battery["capacity_wh"] * 36 // (10 * site.beat_s)
    w_per_pm = w_per_pm if w_per_pm < 16_000_000 else 16_000_000

    def narrow(now, by=by, envelope=envelope, at_least=envelope.at_least,
               at_most=envelope.at_most, exactly=envelope.exactly, orders=orders,
               w_per_pm=w_per_pm, lifts=lifts):
        if not orders[_ANY]:
            return
        if lifts and orders[_KIND] == _IMPORT_MIN:
            w = now.net_w - orders[_VALUE]
            if w < envelope.hi_w:
                at_most(w, by)
        elif lifts and orders[_KIND] == _SETPOINT and orders[_VALUE] < 0:
            exactly(orders[_VALUE], by)
        if orders[_HUSH]:
            w = now.net_w if now.net_w < 0 else 0  # a surplus raises no import
            if w > envelope.lo_w:
                at_least(w, by)
        if orders[_MOST_W] >= 0:
            w = now.net_w - orders[_MOST_W]
            if w > 0:
                w = 0  # above it somebody else has to help
            if w > envelope.lo_w:
                at_least(w, by)
        above_pm = now.soc_pm - orders[_KEEP_PM]
        if above_pm < 50 and orders[_KEEP_PM]:
            w = above_pm * w_per_pm if above_pm > 0 else 0
            if above_pm < 0:
                w = -orders[_CHARGE_W]
            if w < envelope.hi_w:
                at_most(w, by)

    return narrow
