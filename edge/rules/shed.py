"""Shed loads by priority when power or energy does not suffice, and bring them back."""

from edge.compat import const
from edge.island.roles import Generator, GridSwitch, Outputs, role_of
from edge.island.shedder import Shedder

ORDER = const(55)
NEEDS = ()
FIELDS = (
    ("limit_pm", "pm", 100, 1000, 950, "share of the battery's power that an island may use"),
    ("floor_pm", "pm", 0, 1000, 100, "below this state of charge it counts for nothing"),
    ("back_pm", "pm", 1, 500, 50, "a load comes back so far above its own threshold"),
    ("margin_pm", "pm", 1000, 3000, 1300, "a load needs this share of its rating free"),
    ("settle_s", "s", 0, 600, 5, "until the readings show what was shed"),
    ("restore_s", "s", 1, 7200, 60, "calm before each load that comes back"),
    ("import_max_w", "W", 0, 8_000_000, 0,
     "on the grid, the last resort above this import; 0 = never"),
    ("over_s", "s", 0, 3600, 30, "when that has lasted so long"),
)
_SHED = const(1 << 10)  # in the journal's flags: a load is shed
_RETURN = const(2)  # as in edge/island/mode.py
_DOUBT = const(3)
_GRID = const(1)  # as in edge/snapshot.py
_STORE = const(2)
_SOC = const(4)
_PLENTY_W = const(8_000_000)


def rule(by: int, keys: dict, site):
    """It only switches, and never speaks. In an island: what battery and generator carry against
    what they can; in the first moments what the grid carried last, because the readings lag. On the
    grid: what the battery's bounds leave uncovered. On the way back nothing is shed."""
    outputs = role_of(site, Outputs)
    switch = role_of(site, GridSwitch)
    shedder = Shedder(keys["loads"], keys, outputs)
    balance_w = bind_balance(site, keys, shedder)

    def narrow(now, outputs=outputs, shedder=shedder, switch=switch, balance_w=balance_w):
        outputs.setpoint_ms = now.row[2]
        if switch.mode != _DOUBT:
            need_w = balance_w(now)
            soc_pm = 1000
            if switch.open:
                soc_pm = now.soc_pm if now.flags & _SOC else 0
            if need_w > 0:
                shedder.follow(need_w, 0, soc_pm, now.span_s)
            else:
                shedder.follow(0, -need_w, soc_pm, now.span_s)
        if shedder.count < len(shedder.loads):
            now.flags |= _SHED

    return narrow


def bind_balance(site, keys: dict, shedder):
    """Bind what tells how much power is missing, W; below 0 it is free."""
    switch = role_of(site, GridSwitch)
    generator = role_of(site, Generator)
    early_s = 0  # the readings do not show the island yet
    was_w = 0  # what the grid carried last, with the battery idle
    over_s = 0

    def balance_w(now, switch=switch, generator=generator, envelope=site.envelope,
                  shedder=shedder, keys=keys) -> int:
        nonlocal early_s, was_w, over_s
        if switch.open:
            over_s = 0
            can_w = carried_w = 0
            if generator.on_bus:
                can_w = generator.max_w
                carried_w = generator.power.value
            if now.flags & _STORE:
                carried_w += now.store_w
                if now.flags & _SOC and now.soc_pm > keys["floor_pm"]:
                    can_w += now.discharge_max_w // 1000 * keys["limit_pm"]
            if early_s > 0:
                early_s -= now.span_s
                still_w = was_w - shedder.shed_w()
                if carried_w < still_w:
                    carried_w = still_w
            return carried_w - can_w
        early_s = keys["settle_s"]
        was_w = now.net_w + shedder.shed_w()
        import_max_w = keys["import_max_w"]
        if not import_max_w:
            return -_PLENTY_W
        if not now.flags & _GRID or switch.mode == _RETURN:
            return 0
        over_w = now.net_w - import_max_w
        if over_w < 0:  # what comes back must not need the battery
            over_s = 0
            return over_w
        over_w -= envelope.hi_w
        if over_w <= 0:
            over_s = 0
        elif over_s >= keys["over_s"]:
            return over_w
        else:
            over_s += now.span_s
        return 0

    return balance_w
