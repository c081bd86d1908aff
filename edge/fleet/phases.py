"""The loads of three phases beside several batteries; loaded only with the rule `phase`."""

from edge.compat import const

_FUTURE = const(1 << 29)
_TICKS = const((1 << 30) - 1)


def bind_again(phases, units: list, pair):
    """Put into the place of phases.pair what does the same for several batteries: the load of a
    phase at the moment of the oldest reading, as edge/fleet/total.py tells their sum. Returns what
    tells all loads anew, when other batteries count than before; `pair` does so for the sum."""

    def pair_phase(k: int, phases=phases, units=units, ways=phases.ways):
        trail = phases.trails[k]
        stamp_ms = moment_ms = phases.stamps_ms[k]
        for unit in units:
            if unit.measured and moment_ms - unit.store_ms & _TICKS < _FUTURE:
                moment_ms = unit.store_ms
        if moment_ms == stamp_ms:
            low_w = high_w = ways * trail.w
        else:
            trail.look(moment_ms)
            low_w = ways * trail.low_w
            high_w = ways * trail.high_w
        for unit in units:
            if unit.measured:
                if unit.store_ms == moment_ms:
                    low_w += unit.store_w
                    high_w += unit.store_w
                else:
                    unit.trail.look(moment_ms)
                    low_w += unit.trail.low_w
                    high_w += unit.trail.high_w
        phases.bound(k, low_w, high_w)

    def again(phases=phases, pair=pair, pair_phase=pair_phase):
        pair()
        for k in range(3):
            pair_phase(k)
        phases.look()

    phases.pair = pair_phase
    return again
