"""Shed loads by priority when the demand target is in danger, and bring them back."""

from edge.compat import const
from edge.island.roles import GridSwitch, Outputs, role_of
from edge.island.shedder import Shedder

ORDER = const(81)  # behind the demand rule, whose word it goes by
NEEDS = ()
FIELDS = (
    ("over_s", "s", 0, 900, 60, "when battery and window have not sufficed for so long"),
    ("margin_pm", "pm", 1000, 3000, 1300, "a load needs this share of its rating free"),
    ("settle_s", "s", 0, 600, 10, "until the readings show what was shed"),
    ("restore_s", "s", 1, 7200, 120, "calm before each load that comes back"),
)
_SHED = const(1 << 10)  # in the journal's flags: a load is shed
_PAIR = const(3)  # as in edge/snapshot.py
_TARGET_MAX_W = const(8_000_000)  # as in edge/rules/demand.py: nothing is known yet
_ENERGY_MAX_WH = const(29_000_000)  # a 36th of it fits 31 bits


def rule(by: int, keys: dict, site):
    """It only switches, and never speaks. Missing is what the load has above the mean import that
    may be held until the window's end, less what the battery can do: its power, and what energy it
    has above its floor, spread over what is left of the window. Without readings all stays."""
    outputs = role_of(site, Outputs)
    role_of(site, GridSwitch)  # takes what the board of the relays reads
    shedder = Shedder(keys["loads"], keys, outputs)
    wh_per_pm = site.battery["capacity_wh"] // 1000
    over_s = 0

    def narrow(now, outputs=outputs, shedder=shedder, follow=shedder.follow,
               envelope=site.envelope, keys=keys, wh_per_pm=wh_per_pm, floor_pm=keys["floor_pm"]):
        nonlocal over_s
        outputs.setpoint_ms = now.row[2]
        if now.flags & _PAIR == _PAIR and 0 < now.target_w < _TARGET_MAX_W:
            over_w = now.net_w - now.hold_w
            if over_w > 0:
                wh = (now.soc_pm - floor_pm) * wh_per_pm
                if wh > _ENERGY_MAX_WH:
                    wh = _ENERGY_MAX_WH
                can_w = wh * 36 // (now.left_s if now.left_s > 60 else 60) * 100 if wh > 0 else 0
                over_w -= can_w if can_w < envelope.hi_w else envelope.hi_w
                if over_w <= 0:
                    over_s = 0
                    over_w = 0
                elif over_s < keys["over_s"]:
                    over_s += now.span_s
                    over_w = 0
            else:
                over_s = 0
                if now.gap_w > 0:
                    over_w += now.gap_w
            if over_w > 0:
                follow(over_w, 0, 1000, now.span_s)
            else:
                follow(0, -over_w, 1000, now.span_s)
        if shedder.count < len(shedder.loads):
            now.flags |= _SHED

    return narrow
