"""What the dispatch centre has asked for by IEC 104, inside everything local, until it lapses."""

from edge.compat import const
from edge.lease import Leases

ORDER = const(81)  # behind every limit and the demand target, before the cloud,
_OVER_DEMAND = const(70)  # or, where the site says so, before the demand target as well
FIELDS = ()  # its keys are those of the table [iec104]
_TICKS = const((1 << 30) - 1)
_HALF = const(1 << 29)


def compiled(keys, gateway: str):
    """Where it speaks; the other keys are for edge/iec104."""
    return [(_OVER_DEMAND if keys.get("over_demand") else ORDER, {})]


def rule(by: int, keys: dict, site):
    """The setpoint in force is a lease (edge/lease.py) as the cloud's are, and speaks as they do:
    it lands on the nearest power that all who spoke before have left."""
    site.ordered = leases = Leases()

    def narrow(now, by=by, within=site.envelope.within, bounds=leases.bounds, row=site.now.row,
               settle=leases.settle):
        if not bounds[0]:
            return
        if row[2] - bounds[1] & _TICKS < _HALF:  # it has ended
            settle(row[2])
        within(bounds[2], bounds[3], by)

    return narrow
