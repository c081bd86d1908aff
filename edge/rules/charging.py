"""Let chargers share what the rest of the site leaves below its limits, and nothing more."""

from edge.charging.charger import Charger, Chargers
from edge.charging.cut import cut
from edge.charging.growth import Growth
from edge.charging.offers import Offers
from edge.charging.room import Room
from edge.compat import const

ORDER = const(54)  # behind the limits of every moment, before all who would charge the battery,
_LAST = const(97)  # or behind them all
FIELDS = (
    ("battery_first", "0/1", 0, 1, 0, "1 = the battery is charged before vehicles; 0 = after them"),
    ("margin_w", "W", 0, 8_000_000, 2000, "kept free below every limit when an offer grows"),
    ("ramp_ma_per_s", "mA/s", 100, 32_000, 500, "how fast a charger's limit grows; it falls at "
     "once"),
    ("settle_s", "s", 2, 120, 10, "until a vehicle has followed its limit and the readings show "
     "it"),
    ("idle_s", "s", 10, 3600, 60, "a vehicle that takes less than it may for so long leaves the "
     "rest to others"),
    ("age_max_ms", "ms", 500, 600_000, 10_000, "a charger not read for so long is silent"),
    ("voltage_v", "V", 100, 1000, 230, "of a phase to neutral"),
    ("lease_ms", "ms", 2000, 300_000, 10_000, "how long a limit lives without a new beat"),
)
_TICK_S = const(5)  # between two steps of growth


def compiled(keys, gateway: str):
    """Where it speaks."""
    return [(_LAST if keys["battery_first"] else ORDER, dict(keys))]


def rule(by: int, keys: dict, site):
    """Each beat: look at what is drawn, find what there is, cut what does not fit, and now and
    then let one step grow. Where vehicles come first the battery leaves them what they were
    promised; it never discharges for them here."""
    listed = keys["chargers"]
    phases = None
    for role in site.roles:
        if "l1_w" in role.SIGNALS:
            phases = role
    offers = Offers(keys, listed, phases is not None)
    offers.chargers = [Charger(one[0], keys) for one in listed]
    site.roles.append(Chargers(offers.chargers))
    room = Room(keys, offers, phases, site)
    if keys["names"]:  # somebody is told
        shown = __import__("edge.charging.shown", None, None, ("Shown",))
        site.live = list(getattr(site, "live", ())) + [shown.Shown(keys["names"], offers).tell]
    growth = Growth(offers)
    wait_s = 0
    risen = False

    def narrow(now, by=by, envelope=site.envelope, offers=offers, find=room.find, cut=cut,
               start=growth.start, rise=growth.rise, battery_first=keys["battery_first"],
               ramp_ma=keys["ramp_ma_per_s"]):
        nonlocal wait_s, risen
        offers.look(now.row[2], now.span_s)
        if not find(now):
            offers.rest()
            wait_s = 0
        else:
            wait_s += now.span_s
            if cut(offers):
                wait_s = 0
            elif wait_s >= _TICK_S and offers.steady:
                risen = not risen  # in turns, so that a beat is short
                if risen:
                    rise(ramp_ma * 2 * wait_s)
                else:
                    start(ramp_ma * 2 * wait_s)
                wait_s = 0
            if not battery_first:
                w = offers.promised_w[0] - offers.room_w[0]
                if w > 0:
                    w = 0
                if w > envelope.lo_w:
                    envelope.at_least(w, by)

    return narrow
