"""What the cloud has asked for, inside everything local: it may only ask for less."""

from edge.compat import const
from edge.lease import Leases

ORDER = const(82)  # behind every limit and the demand target, before those who trade,
_OVER_DEMAND = const(71)  # or, where the site says so, before the demand target as well
FIELDS = ()  # its keys are those of the table [commands]
_TICKS = const((1 << 30) - 1)
_HALF = const(1 << 29)


def compiled(keys, gateway: str):
    """Where it speaks; the other keys are for edge/command.py."""
    return [(_OVER_DEMAND if keys.get("over_demand") else ORDER, {})]


def rule(by: int, keys: dict, site):
    """The leases in force (edge/lease.py), floor and limits before the battery's own power, as
    local rules do. The envelope only shrinks, so whatever is asked for lands inside what all who
    spoke before have left."""
    site.leases = leases = Leases()
    w_per_pm = site.battery["capacity_wh"] * 36 // (10 * site.beat_s)  # as in edge/rules/reserve.py
    w_per_pm = w_per_pm if w_per_pm < 16_000_000 else 16_000_000

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least,
               at_most=site.envelope.at_most, within=site.envelope.within, bounds=leases.bounds,
               row=site.now.row, settle=leases.settle, w_per_pm=w_per_pm):
        if not bounds[0]:
            return
        if row[2] - bounds[1] & _TICKS < _HALF:  # the first of them has ended
            settle(row[2])
        above_pm = now.soc_pm - bounds[6]
        if above_pm <= 0:
            at_most(0, by)
        elif above_pm < 50 and above_pm * w_per_pm < envelope.hi_w:
            at_most(above_pm * w_per_pm, by)
        w = now.net_w - bounds[4]
        if w > envelope.lo_w:
            at_least(w, by)
        w = now.net_w + bounds[5]
        if w < envelope.hi_w:
            at_most(w, by)
        within(bounds[2], bounds[3], by)

    return narrow
