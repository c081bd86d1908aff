"""What is known this beat, and how old it is."""

from edge.compat import const, ticks_add

NEVER_MS = const(1 << 28)  # the age of what was never read

GRID_FRESH = const(1)
STORE_FRESH = const(2)
SOC_FRESH = const(4)
PV_FRESH = const(8)
TRUSTED = const(16)
READY = const(32)
FAULT = const(64)
CLOCK_OK = const(128)

_NET_MAX_W = const(8_000_000)  # as each reading; a minute of it and of a battery fits 31 bits
_PAIR = const(3)  # grid and battery power fresh: the load can be told
_NEEDED = const(39)  # and the state of charge, and the converter ready: it may be used


class Snapshot:
    """All that a rule may know. Power is positive INTO the busbar; units are the last word.

    `ages` is the site's table of how old a reading may be before it is not trusted, and
    `release_s` how long everything must have been fresh before the safe state is left.
    `grid` and `store` are the trails of the grid meter and the battery (edge/trail.py).
    """

    def __init__(self, ages: dict, beat_s: int, grid, store):
        self.beat_s = beat_s
        self.now_ms = 0
        self.day = self.second = 0  # UTC, days since 2000-01-01 and seconds of that day
        self.span_s = beat_s  # how long the beat just ended really was
        self.local_day = self.local_second = 0  # as of the running minute
        self.month = 0  # local, counted from 2000-01
        self.price_e4 = 0  # import price now, 1e-4 currency per kWh
        self.grid_w = self.pv_w = self.store_w = 0
        self.grid_age_ms = self.pv_age_ms = self.store_age_ms = self.soc_age_ms = NEVER_MS
        self.soc_pm = 0
        self.charge_max_w = self.discharge_max_w = 0
        self.ready = False
        self.flags = 0
        self.net_w = 0  # what the grid would carry with the battery idle
        self.flow_known = False  # mean powers of the beat just ended
        self.flow_w = self.flow_store_w = self.flow_pv_w = 0
        self.command_w = 0  # the last command that went out
        self.target_w = 0  # demand target in force
        self.hold_w = 0  # mean import that may be held until the window's end to meet it

        self.verdict = 0  # what the gate said of it
        self.settle = _settle(self, ages, grid, store)


def _settle(now, ages: dict, grid, store):
    """Bind the function that ends the reading of a beat; see edge/rules/__init__.py for how."""
    calm_s = 0
    net_w = 0
    net_known = False
    pv_w = 0

    def settle(now_ms: int, now=now, grid=grid, store=store, grid_max_ms=ages["grid_ms"],
               store_max_ms=ages["store_ms"], soc_max_ms=ages["soc_ms"], pv_max_ms=ages["pv_ms"],
               release_s=ages["release_s"], beat_s=now.beat_s):
        """Weigh the readings: what to trust, and the load at one common moment."""
        nonlocal calm_s, net_w, net_known, pv_w
        now.now_ms = now_ms
        grid_age_ms = now.grid_age_ms
        store_age_ms = now.store_age_ms
        flags = now.flags & (FAULT | CLOCK_OK)
        if grid_age_ms <= grid_max_ms:
            flags |= GRID_FRESH
        if store_age_ms <= store_max_ms:
            flags |= STORE_FRESH
        if now.soc_age_ms <= soc_max_ms:
            flags |= SOC_FRESH
        if now.pv_age_ms <= pv_max_ms:
            flags |= PV_FRESH
        if now.ready:
            flags |= READY
        if flags & _NEEDED != _NEEDED:
            calm_s = 0
        elif calm_s >= release_s:
            flags |= TRUSTED
        else:
            calm_s += beat_s
        now.flags = flags
        if flags & _PAIR != _PAIR:
            now.flow_known = net_known = False
            return
        # The beat just ended: the load as it stood at its start and the battery as it stands at
        # its end, which is exact for what changes only at beats.
        store_w = now.store_w
        now.flow_known = net_known
        now.flow_w = net_w - store_w
        now.flow_store_w = store_w
        now.flow_pv_w = pv_w
        net_known = True
        pv_w = now.pv_w if flags & PV_FRESH else 0
        if grid_age_ms == store_age_ms:
            net_w = now.grid_w + store_w
        else:
            age_ms = grid_age_ms if grid_age_ms > store_age_ms else store_age_ms
            moment_ms = ticks_add(now_ms, -age_ms)
            # Between two readings a battery may have stepped at any moment: all that is known is
            # the range, and the load is taken to have changed no more than that proves.
            grid.look(moment_ms)
            store.look(moment_ms)
            if net_w < grid.low_w + store.low_w:
                net_w = grid.low_w + store.low_w
            elif net_w > grid.high_w + store.high_w:
                net_w = grid.high_w + store.high_w
        if net_w > _NET_MAX_W:  # two readings that cannot both be right
            net_w = _NET_MAX_W
        elif net_w < -_NET_MAX_W:
            net_w = -_NET_MAX_W
        now.net_w = net_w

    return settle
