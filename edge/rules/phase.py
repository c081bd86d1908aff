"""What each phase of the connection may carry: the main fuse knows no sum."""

from edge.compat import const
from edge.devices.phases import Phases

ORDER = const(52)
FIELDS = (
    ("import_max_w", "W", 0, 8_000_000, 0, "largest import of a phase; 0 = what the fuse carries"),
    ("fuse_a", "A", 0, 30_000, 0, "rated current of the main fuse; 0 = import_max_w says it all"),
    ("voltage_v", "V", 100, 1000, 230, "of a phase to neutral"),
    ("power_factor_pm", "pm", 500, 1000, 900, "lowest power factor to expect at the fuse"),
    ("export_max_w", "W", 0, 8_000_000, 8_000_000, "largest export of a phase"),
    ("store_phase", "phase", 0, 3, 0, "phase the batteries are on; 0 = a third on each"),
    ("age_max_ms", "ms", 500, 600_000, 5000, "phase readings older than this are stale"),
    ("unbalance_max_w", "W", 0, 8_000_000, 0, "what the worst phase has above a third of the sum, "
     "for the time in which readings are stale; 0 = unknown: no charging then"),
)
_NO_LIMIT_W = const(8_000_000)
_ALL = const(7)  # all three phases known
_FUTURE = const(1 << 29)  # as in edge/snapshot.py
_TICKS = const((1 << 30) - 1)


def compiled(keys, gateway: str):
    """Where and with what the gateway speaks. A fuse's current times the voltage is what it
    carries at power factor 1: S = V I, P = S cos phi."""
    fuse_w = keys["fuse_a"] * keys["voltage_v"] * keys["power_factor_pm"] // 1000
    said_w = keys["import_max_w"]
    words = {name: keys[name] for name in ("export_max_w", "store_phase", "age_max_ms",
                                           "unbalance_max_w")}
    words["import_max_w"] = min(said_w, fuse_w) if said_w and fuse_w else said_w or fuse_w
    return [(ORDER, words)]


def rule(by: int, keys: dict, site):
    """Charge no more than the worst phase leaves free, and discharge what it has too much: a
    battery on three phases must give three times that. A phase the battery is not on is none of
    its business."""
    phase = keys["store_phase"]
    ways = 1 if phase else 3
    phases = Phases(site.now, ways, phase - 1 if phase else 0, phase if phase else 3)
    site.roles.append(phases)
    import_w, export_w = ways * keys["import_max_w"], ways * keys["export_max_w"]

    def narrow(now, by=by, envelope=site.envelope, at_least=site.envelope.at_least,
               at_most=site.envelope.at_most, phases=phases, row=site.now.row, ways=ways,
               import_w=import_w, export_w=export_w, age_max_ms=keys["age_max_ms"],
               unbalance_w=ways * keys["unbalance_max_w"],
               closed_w=0 if keys["export_max_w"] == _NO_LIMIT_W else -export_w):
        age_ms = row[2] - phases.oldest_ms & _TICKS
        if age_max_ms < age_ms < _FUTURE:
            phases.known = 0  # ticks come round: what was stale never looks new again
        if phases.known == _ALL:
            high_w = phases.high_w
            low_w = phases.low_w
        elif unbalance_w:  # the sum is fresh, or the battery rests anyway
            w = now.net_w if ways == 3 else now.net_w // 3
            high_w = w + 1 + unbalance_w
            low_w = w - 2 * unbalance_w
        else:
            high_w = import_w  # nothing is known: do not charge,
            low_w = closed_w  # nor discharge where that has a limit
        w = high_w - import_w
        if w > envelope.lo_w:
            at_least(w, by)
        w = low_w + export_w
        if w < envelope.hi_w:
            at_most(w, by)

    return narrow
