"""An on-site generator: when it runs, and how the battery keeps it between its least and most."""

from edge.compat import const
from edge.island.genset import Genset
from edge.island.roles import Generator, GridSwitch, Outputs, role_of

ORDER = const(3)
NEEDS = ("gen_w", "gen_running")
FIELDS = (
    ("min_w", "W", 0, 8_000_000, None, "least load it may carry for long"),
    ("max_w", "W", 1, 8_000_000, None, "largest load it may carry"),
    ("best_w", "W", 0, 8_000_000, None, "load at which it recharges the battery in an island"),
    ("start_coil", "coil", 1, 15, None, "the coil of its start contact"),
    ("start_fails_on", "0/1", 0, 1, 0, "1 = it runs while that coil has no power"),
    ("load_coil", "coil", 0, 15, 0, "has power while it may take load; 0 = its panel decides"),
    ("always", "0/1", 0, 1, 0, "1 = it runs in every island; 0 = when the battery needs it"),
    ("start_pm", "pm", 0, 1000, 300, "in an island it starts at this state of charge,"),
    ("stop_pm", "pm", 0, 1000, 700, "and recharges to this"),
    ("floor_pm", "pm", 0, 1000, 100, "the battery does not help it below this"),
    ("ceiling_pm", "pm", 0, 1000, 900, "and takes no load for it above this"),
    ("full_pm", "pm", 1, 1000, 900, "it also starts above this share of the battery's power"),
    ("peak_w", "W", 0, 8_000_000, 0, "on the grid it starts above this import; 0 = never"),
    ("peak_s", "s", 0, 3600, 60, "when that has lasted so long; and stops likewise"),
    ("start_s", "s", 1, 600, 30, "it must run so long after its start"),
    ("pause_s", "s", 0, 3600, 30, "between a start that failed and the next"),
    ("attempts", "starts", 1, 10, 3, "so many failed in a row lock it out until a restart"),
    ("warm_s", "s", 0, 3600, 60, "from running to its first load"),
    ("run_s", "s", 0, 86_400, 900, "least time with load"),
    ("low_s", "s", 10, 86_400, 600,
     "longest time below min_w; then it is stopped, unless it is the island's only source"),
    ("cool_s", "s", 0, 3600, 180, "from its last load to its stop"),
    ("rest_s", "s", 0, 86_400, 300, "least time at rest"),
    ("ramp_w_per_s", "W/s", 1, 8_000_000, 10_000, "how fast the battery's charging may grow"),
    ("age_ms", "ms", 500, 600_000, 5000, "its readings older than this are stale"),
)
_GRID = const(0)  # as in edge/island/mode.py
_DOUBT = const(3)
_REST = const(0)  # as in edge/island/genset.py
_WARMING = const(2)
_LOADED = const(3)
_COOLING = const(4)
_LOCKED = const(5)
_LOCKOUT = const(1 << 11)  # in the journal's flags
_TICKS = const((1 << 30) - 1)
_FUTURE = const(1 << 29)
_STORE_AND_SOC = const(6)  # as in edge/snapshot.py: both fresh


def rule(by: int, keys: dict, site):
    """With the generator on an island's busbar it forms the island and the battery takes commands:
    discharge what it cannot carry, charge what keeps it at its least load, and recharge at its
    best one. On the grid it only starts and stops for peaks; its power is in net_w."""
    generator = role_of(site, Generator)
    generator.power.max_ms = generator.running.max_ms = keys["age_ms"]
    generator.max_w = keys["max_w"]
    switch = role_of(site, GridSwitch)
    outputs = role_of(site, Outputs)
    start = outputs.claim(keys["start_coil"], keys["start_fails_on"])
    load = outputs.claim(keys["load_coil"], 0)
    outputs.turn(start, False)
    machine = Genset(keys)
    wanted = bind_wish(site, keys)
    step_w = bind_step(keys, generator)

    def narrow(now, by=by, exactly=site.envelope.exactly, generator=generator, switch=switch,
               outputs=outputs, turn=outputs.turn, start=start, load=load, machine=machine,
               wanted=wanted, step_w=step_w, min_w=keys["min_w"], alone=keys["always"]):
        now_ms = now.row[2]
        fresh = generator.fresh(now_ms)
        gen_w = generator.power.value
        state = machine.state
        # What cannot be seen stays as it is: a lost line must not stop what carries the site.
        running = generator.running.value != 0 if fresh else _WARMING <= state <= _COOLING
        wish = wanted(now, gen_w if fresh else 0)
        low = fresh and gen_w < min_w and not (alone and switch.open)
        state = machine.follow(wish, running, generator.ready, low, now.span_s)
        turn(start, _REST < state <= _COOLING)
        turn(load, state == _LOADED)
        outputs.setpoint_ms = now_ms
        if state == _LOCKED:
            now.flags |= _LOCKOUT
        generator.on_bus = fresh and running and (state == _LOADED or gen_w > 0)
        if switch.open:
            exactly(step_w(now, gen_w) if generator.on_bus else 0, by)

    return narrow


def bind_wish(site, keys: dict):
    """Bind what tells whether the generator is wanted."""
    switch = role_of(site, GridSwitch)
    wish = False
    lasted_s = 0

    def wanted(now, gen_w: int, switch=switch, keys=keys) -> bool:
        nonlocal wish, lasted_s
        if switch.mode == _DOUBT:
            return wish
        if switch.open:
            lasted_s = 0
            if keys["always"]:
                wish = True
            elif now.flags & _STORE_AND_SOC == _STORE_AND_SOC:
                full_w = now.discharge_max_w // 1000 * keys["full_pm"]
                carried_w = now.store_w + gen_w
                if now.soc_pm <= keys["start_pm"] or carried_w > full_w:
                    wish = True
                elif now.soc_pm >= keys["stop_pm"] and carried_w < full_w - full_w // 8:
                    wish = False
            return wish
        if switch.mode != _GRID:
            return wish
        peak_w = keys["peak_w"]
        bare_w = now.net_w + gen_w  # what the grid would carry without battery and generator
        turns = bare_w < peak_w - peak_w // 10 if wish else peak_w and bare_w > peak_w
        if not peak_w:
            wish = False
        elif not turns:
            lasted_s = 0
        elif lasted_s < keys["peak_s"]:
            lasted_s += now.span_s
        else:
            wish = not wish
            lasted_s = 0
        return wish

    return wanted


def bind_step(keys: dict, generator):
    """Bind what the battery does beside a generator that forms the island."""
    recharging = False
    idle_w = 0  # what the generator would carry with the battery idle

    def step_w(now, gen_w: int, keys=keys, power=generator.power, trail=generator.trail) -> int:
        """The command, W. Both powers are told at the older of their stamps, as the load is in
        edge/snapshot.py, and for the same reason. Relief comes at once, charging grows slowly."""
        nonlocal recharging, idle_w
        if now.flags & _STORE_AND_SOC != _STORE_AND_SOC:
            return 0
        soc_pm = now.soc_pm
        if soc_pm <= keys["start_pm"]:
            recharging = True
        elif soc_pm >= keys["stop_pm"]:
            recharging = False
        late_ms = now.store_ms - power.ms & _TICKS
        if late_ms == 0:
            idle_w = gen_w + now.store_w
        else:
            newer = now.store if late_ms < _FUTURE else trail
            newer.look(power.ms if late_ms < _FUTURE else now.store_ms)
            older_w = gen_w if late_ms < _FUTURE else now.store_w
            if idle_w < older_w + newer.low_w:
                idle_w = older_w + newer.low_w
            elif idle_w > older_w + newer.high_w:
                idle_w = older_w + newer.high_w
        w = 0
        if recharging and idle_w < keys["best_w"]:
            w = idle_w - keys["best_w"]
        if w > idle_w - keys["min_w"]:
            w = idle_w - keys["min_w"]
        if w < idle_w - keys["max_w"]:
            w = idle_w - keys["max_w"]
        last_w = now.command_w if now.command_w < 0 else 0
        least_w = last_w - keys["ramp_w_per_s"] * now.beat_s
        if w < least_w:
            w = least_w
        if w > 0:
            return w if soc_pm > keys["floor_pm"] else 0
        return w if soc_pm < keys["ceiling_pm"] else 0

    return step_w
