"""The state of charge in bands: backup at the bottom, then response, then what trading may use."""

from edge.compat import const

ORDER = const(45)
FIELDS = (
    ("response_floor_pm", "pm", 0, 1000, None,
     "below is backup: only an outage may use it, no response, peak or limit"),
    ("demand_floor_pm", "pm", 0, 1000, None, "peak shaving stops here"),
    ("trade_floor_pm", "pm", 0, 1000, None,
     "tariff and own use stop here; what lies between this and the backup is kept for response"),
    ("backup_charge_w", "W", 0, 8_000_000, 0,
     "a backup that is not full is charged so at any price; 0 = when it is cheap"),
    ("response_charge_w", "W", 0, 8_000_000, 0, "and the same of what is kept for response"),
)
_DEMAND = const(75)  # where the words stand: behind a response, before the demand rule,
_TRADE = const(82)  # and between that and those who trade
_MODE = const(0x300)  # of the flags, see edge/island
_ISLANDED = const(0x100)


def compiled(keys, gateway: str):
    """One word for each user of the battery: who speaks behind it may not go below its floor."""
    backup_pm = keys["response_floor_pm"]
    words = []
    for order, floor_pm in ((ORDER, backup_pm), (_DEMAND, keys["demand_floor_pm"]),
                            (_TRADE, keys["trade_floor_pm"])):
        last = order == _TRADE  # the one that charges, under all limits and the demand rule
        words.append((order, {
            "floor_pm": floor_pm, "called": int(order != ORDER), "backup_pm": backup_pm,
            "backup_charge_w": keys["backup_charge_w"] if last else 0,
            "response_charge_w": keys["response_charge_w"] if last else 0}))
    return words


class Bands:
    """Whoever has been called for a response sets `called_pm` to the state of charge it will need,
    per mille, and back to 0 when it is over: until then neither peak shaving nor trading goes
    below it."""

    def __init__(self):
        self.called_pm = 0


def rule(by: int, keys: dict, site):
    """End the discharge of all who speak later: what others have insisted on already stays. Near
    the floor, no more than one beat of power can still move. Islanded, everything may be used."""
    if not hasattr(site, "bands"):
        site.bands = Bands()  # one for all words
    called = site.bands if keys["called"] else Bands()
    w_per_pm = site.battery["capacity_wh"] * 36 // (10 * site.beat_s)  # as in edge/rules/reserve.py
    w_per_pm = w_per_pm if w_per_pm < 16_000_000 else 16_000_000

    def narrow(now, by=by, envelope=site.envelope, at_most=site.envelope.at_most, called=called,
               w_per_pm=w_per_pm, floor_pm=keys["floor_pm"], backup_pm=keys["backup_pm"],
               backup_w=-keys["backup_charge_w"], response_w=-keys["response_charge_w"]):
        above_pm = now.soc_pm - floor_pm
        if called.called_pm > floor_pm:
            above_pm = now.soc_pm - called.called_pm
        if above_pm >= 50 or now.flags & _MODE == _ISLANDED:
            return
        w = above_pm * w_per_pm if above_pm > 0 else 0
        if now.soc_pm < floor_pm:
            w = backup_w if now.soc_pm < backup_pm else response_w
        if w < envelope.hi_w:
            at_most(w, by)

    return narrow
