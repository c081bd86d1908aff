"""What there is for all chargers together: below each limit, what the rest of the site leaves.

The rest is the load without the battery less what is drawn; while a vehicle follows its offer only
a range is known of that, and the rest is taken to have changed no more than the range proves.
Chargers never count on the battery. A demand target is kept as a limit of every moment: what a
window has saved is left to loads that cannot wait.
"""

from array import array

from edge.compat import const

_SUM = const(0)  # as in edge/charging/offers.py
_SUN = const(4)
_NODES = const(5)

_PAIR = const(3)  # as in edge/snapshot.py: the load can be told
_NONE_W = const(16_000_000)  # no limit
_LIMITS = ("contract", "phase", "demand", "command")  # rules that keep the import low
_ALL = const(7)  # all three phases known


class Room:
    """Writes `room_w` of `offers`. `keys` are those of edge/rules/charging.py; `phases` is the role
    of the site's phases, None where they have no limit."""

    def __init__(self, keys: dict, offers, phases, site):
        self._offers = offers
        self._phases = phases
        self._site = site
        self._base_w = array("i", [0] * _NODES)
        self._import_max_w = keys["import_max_w"]
        self._phase_max_w = keys["phase_max_w"]
        self._unbalance_w = keys["unbalance_w"]
        self._store_phase = keys["store_phase"]
        self._battery_first = keys["battery_first"]
        names = site.rule_names
        self._demand = keys["demand"]
        self._stores_sun = "self_use" in names
        self._limits = [by for by in range(len(names)) if names[by] in _LIMITS]
        self._started = False

    def find(self, now) -> bool:
        """Take one beat; False: nobody knows what the site draws."""
        if now.flags & _PAIR != _PAIR or (self._phases is not None and not self._find_phases(now)):
            return False
        room_w = self._offers.room_w
        base_w = self._rest(_SUM, now.net_w)
        room_w[_SUM] = self._limit_w(now) - base_w
        room_w[_SUN] = -base_w
        if self._battery_first:
            self._leave_to_battery()
        self._started = True
        return True

    def _rest(self, node: int, net_w: int) -> int:
        """What all else draws at a limit."""
        least_w = net_w - self._offers.most_w[node]
        most_w = net_w - self._offers.least_w[node]
        w = self._base_w[node]
        if w < least_w or not self._started:
            w = least_w
        if w > most_w:
            w = most_w
        self._base_w[node] = w
        return w

    def _limit_w(self, now) -> int:
        limit_w = self._import_max_w
        if self._demand and now.target_w:
            w = now.hold_w - now.gap_w
            if now.target_w < w:
                w = now.target_w
            if self._site.window.sliding and now.end_w < w:
                w = now.end_w
            if w < limit_w:
                limit_w = w
        leases = getattr(self._site, "leases", None)
        if leases is not None and leases.bounds[0] and leases.bounds[4] < limit_w:
            limit_w = leases.bounds[4]
        return limit_w

    def _find_phases(self, now) -> bool:
        phases = self._phases
        room_w = self._offers.room_w
        for k in range(3):
            if phases.known == _ALL:
                w = phases.loads_w[k] // phases.ways
                if self._store_phase and self._store_phase != k + 1:  # without any battery
                    w = phases.trails[k].w
            elif self._unbalance_w:  # the worst that is known of them
                w = now.net_w // 3 + 1 + self._unbalance_w
            else:
                return False
            room_w[k + 1] = self._phase_max_w - self._rest(k + 1, w)
        return True

    def _leave_to_battery(self):
        """What the battery is charged with comes first; of the sun, all that it could take. Where a
        limit holds it back, the chargers give way a little each beat."""
        envelope = self._site.envelope
        room_w, promised_w = self._offers.room_w, self._offers.promised_w
        w = envelope.choose_w()
        if w < 0:
            room_w[_SUM] += w
        if self._stores_sun or w < 0:
            w = envelope.lo_w
        if w < 0:
            room_w[_SUN] += w
        if envelope.hi_w <= 0 and envelope.lo_w == envelope.hi_w and envelope.lo_by \
                and envelope.lo_by in self._limits:
            w = promised_w[_SUM] - promised_w[_SUM] // 32 - 1
            if w < room_w[_SUM]:
                room_w[_SUM] = w
