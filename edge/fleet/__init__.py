"""Several batteries behind one controller.

Rules, planner and envelope know one battery. Here several become that one: what they can do and
hold is summed into the snapshot (total.py), the site's one command is shared out among them
(roster.py, split.py), and the last, independent check is made for each of them (guard.py). A site
with one battery loads none of it.
"""

from edge.fleet.command import bind_command
from edge.fleet.guard import Guard
from edge.fleet.total import bind_pair, bind_post, bind_settle
from edge.fleet.unit import Unit


def join(site, image: dict):
    """Put the batteries of `image` in the place of the site's one; before its beat is bound."""
    now, ages, rules = site.now, image["ages"], dict(image["rules"])
    reserve = rules["reserve"]
    whole_wh = image["battery"]["capacity_wh"]
    units = [Unit(now, keys, ages, reserve, whole_wh, site.beat_s) for keys in image["fleet"]]
    now.pair = again = bind_pair(now, units)
    for role in site.roles:
        if "l1_w" in role.SIGNALS:
            module = __import__("edge.fleet.phases", None, None, ("bind_again",))
            again = module.bind_again(role, units, now.pair)
    now.settle = bind_settle(now, units, site.flows, again)
    if "soc_check" in rules:
        place = site.rule_names.index("soc_check") - 1
        module = __import__("edge.rules.soc_check", None, None, ("bind_each",))
        site.rules[place] = module.bind_each(
            rules["soc_check"], units, image["fleet"], ages["soc_ms"])
    site.flows.post = bind_post(site.flows)
    guard = Guard(units, image["fleet"], image["gate"])
    ramp_w = rules["ramp"]["ramp_w_per_s"] * site.beat_s if "ramp" in rules else 8_000_000
    site.dispatch.command = bind_command(now, units, guard.allow_w, ramp_w, site.beat_s)
    site.fleet = units
    site.storage = None  # no part is to be taken for the whole
