"""Switch loads that may wait for it on with the sun's surplus."""

from edge.compat import const
from edge.island.roles import GridSwitch, Outputs, role_of
from edge.island.shedder import Shedder

ORDER = const(96)
NEEDS = ()
FIELDS = (
    ("battery_first", "0/1", 0, 1, 0, "1 = what the battery may take comes before them; 0 = after"),
    ("import_max_w", "W", 0, 8_000_000, 0, "import that is let pass while one runs"),
    ("over_s", "s", 0, 3600, 30, "when there has been more for so long, the last one stops"),
    ("margin_pm", "pm", 1000, 3000, 1100, "a load starts at this share of its rating as surplus"),
    ("settle_s", "s", 0, 600, 10, "until the readings show what was switched"),
    ("restore_s", "s", 1, 7200, 60, "calm before each load that starts"),
)
_PAIR = const(3)  # as in edge/snapshot.py
_NEVER_W = const(8_000_000)


def rule(by: int, keys: dict, site):
    """It only switches, and never speaks. What the site would draw from the grid with the battery
    idle, or with what it may be charged with, tells how much is missing or free. While nobody
    knows, none of them runs for longer than it must."""
    outputs = role_of(site, Outputs)
    role_of(site, GridSwitch)  # takes what the board of the relays reads
    shedder = Shedder(keys["loads"], keys, outputs)
    stores_sun = keys["battery_first"] and "self_use" in site.rule_names
    over_s = 0

    def narrow(now, outputs=outputs, follow=shedder.follow, envelope=site.envelope, keys=keys,
               stores_sun=stores_sun):
        nonlocal over_s
        outputs.setpoint_ms = now.row[2]
        need_w = _NEVER_W
        if now.flags & _PAIR == _PAIR:
            need_w = now.net_w - keys["import_max_w"]
            if keys["battery_first"]:
                w = envelope.lo_w if stores_sun else envelope.choose_w()
                if w < 0:
                    need_w -= w
        if need_w <= 0:
            over_s = 0
            follow(0, -need_w - keys["import_max_w"], 1000, now.span_s)
        elif over_s < keys["over_s"]:
            over_s += now.span_s
            follow(0, 0, 1000, now.span_s)
        else:
            follow(need_w, 0, 1000, now.span_s)

    return narrow
