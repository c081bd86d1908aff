"""Let the demand window, and the month's peak, be those of the utility's own meter."""

from edge.compat import const
from edge.devices.billing_meter import UNLIKE, WORDS, BillingMeter
from edge.ledger.aligned import Aligned

ORDER = const(5)  # before whoever looks at the window
FIELDS = ()
_PAST = const(1 << 29)
_TICKS = const((1 << 30) - 1)
_TOLD = ("import_t1_wh", "import_t2_wh", "import_t3_wh", "import_t4_wh", "f_mhz", "v_l1_mv",
         "v_l2_mv", "v_l3_mv", "i_l1_ma", "i_l2_ma", "i_l3_ma")


def rule(by: int, keys: dict, site):
    """Narrow nothing, and tell the window when a minute of the meter's is over."""
    meter = BillingMeter(site.window.sliding)
    aligned = Aligned(site, meter, keys["import_max_w"])
    site.roles.append(meter)

    def now_so(put):
        values = meter.values
        place = meter.place(site.now.row[2])
        put("demand_window", WORDS[place if place == UNLIKE else aligned.placed])
        put("meter_demand_w", values.get("present_demand_w"))
        put("meter_peak_w", values.get("max_demand_w"))
        for name in _TOLD:
            if name in values:
                put(name, values[name])

    site.live = getattr(site, "live", []) + [now_so]

    def narrow(now, aligned=aligned):
        if aligned.placed:
            if now.row[2] - aligned.end_ms & _TICKS < _PAST:
                aligned.follow(now)
        elif aligned.due:
            aligned.lock(now)

    return narrow
