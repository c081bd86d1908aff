"""Whether the site is on the grid, on its own, or on the way back; on its own, the grid rests."""

from edge.compat import const
from edge.island.gate import IslandGate
from edge.island.mode import Mode
from edge.island.roles import Generator, GridSwitch, Outputs, role_of

ORDER = const(2)
NEEDS = ("islanded", "grid_ok")
FIELDS = (
    ("forming", "0/1", 0, 1, None,
     "1 = the battery's converter forms the island by itself; 0 = only a generator can"),
    ("healthy_s", "s", 0, 86_400, 300, "the grid must be healthy for so long before the return"),
    ("settle_s", "s", 0, 3600, 10, "and the switch closed for so long, the battery at rest"),
    ("age_ms", "ms", 500, 600_000, 5000, "switch readings older than this are stale"),
    ("stale_holds", "0/1", 0, 1, 0, "while they are: 0 = the battery rests, 1 = all goes on"),
    ("doubt_w", "W", 1, 8_000_000, 10_000,
     "an open switch is not believed while the meter shows so much"),
    ("permit_coil", "coil", 0, 15, 0, "has power while the switch may close; 0 = it decides alone"),
    ("pv_coil", "coil", 0, 15, 0, "has power to switch PV off in an island; 0 = none"),
    ("pv_off_pm", "pm", 0, 1000, 950, "from this state of charge on,"),
    ("pv_on_pm", "pm", 0, 1000, 900, "until it has fallen to this"),
)
_GRID = const(0)  # as in edge/island/mode.py
_ISLAND = const(1)
_DOUBT = const(3)
_FLAGS = const(8)  # the mode stands in the journal's flags from this bit on
_GRID_FRESH = const(1)  # as in edge/snapshot.py
_SOC_FRESH = const(4)
_LAG_MS = const(2000)  # what a meter shows lags so far behind, as it is a mean
_TICKS = const((1 << 30) - 1)
_FUTURE = const(1 << 29)


def rule(by: int, keys: dict, site):
    """On its own the site's battery takes no command, unless a generator runs (whose rule speaks
    then): a converter that forms the island gives what the island asks, and is at 0 W in
    grid mode when the grid is back. In doubt it rests, and on the way back until the grid is
    trusted. An open switch carries nothing, so a meter that died with the grid leaves no gap."""
    site.gate = IslandGate(keys["gate"], site.gate, site)  # a section of its own: [island_gate]
    switch = role_of(site, GridSwitch)
    generator = role_of(site, Generator)
    outputs = role_of(site, Outputs)
    switch.islanded.max_ms = switch.grid_ok.max_ms = keys["age_ms"]
    permit = outputs.claim(keys["permit_coil"], 0)
    pv = outputs.claim(keys["pv_coil"], 0)
    follow = bind_follow(switch, keys)
    pv_off = False

    def narrow(now, by=by, exactly=site.envelope.exactly, follow=follow, switch=switch,
               generator=generator, outputs=outputs, turn=outputs.turn, permit=permit, pv=pv,
               keys=keys):
        nonlocal pv_off
        now_ms = now.row[2]
        mode = follow(now, now_ms)
        now.flags |= mode << _FLAGS
        if mode != _DOUBT:  # in doubt relays stay as they are
            turn(permit, mode != _ISLAND)
            if not switch.open:
                pv_off = False
            elif now.flags & _SOC_FRESH:
                if now.soc_pm >= keys["pv_off_pm"]:
                    pv_off = True
                elif now.soc_pm <= keys["pv_on_pm"]:
                    pv_off = False
            turn(pv, pv_off)
        outputs.setpoint_ms = now_ms
        if mode != _GRID and not (switch.open and generator.on_bus):
            exactly(0, by)

    return narrow


def bind_follow(switch, keys: dict):
    """Bind what reads the switch."""
    machine = Mode(keys["healthy_s"], keys["settle_s"], keys["stale_holds"])
    opened_ms = -1  # when it was last seen closed, or since then nearly the meter's last reading
    own_ms = -1  # of the newest reading that was told in the meter's place

    def follow(now, now_ms: int, switch=switch, follow=machine.follow, doubt_w=keys["doubt_w"]):
        nonlocal opened_ms, own_ms
        fresh = switch.islanded.fresh(now_ms) and switch.grid_ok.fresh(now_ms)
        islanded = switch.islanded.value
        seen_ms = switch.islanded.ms
        if not islanded or opened_ms < 0:
            opened_ms = seen_ms if switch.islanded.known else -1
        later = _LAG_MS < now.grid_ms - opened_ms & _TICKS < _FUTURE
        if later:  # it follows, before the ticks come round
            opened_ms = now.grid_ms - _LAG_MS - 1 & _TICKS
        heard = later and now.flags & _GRID_FRESH and now.grid_ms != own_ms
        odd = fresh and islanded and heard and not -doubt_w <= now.grid_w <= doubt_w
        mode = follow(fresh, islanded, switch.grid_ok.value, odd, now.span_s)
        switch.mode = mode
        switch.open = islanded != 0 and mode != _GRID and mode != _DOUBT
        if switch.open and not heard and seen_ms != own_ms:
            own_ms = seen_ms
            now.row[4] = now.grid_w = 0
            now.grid_ms = seen_ms
            now.known |= _GRID_FRESH
            now.grid.push(seen_ms, 0)
            now.pair()
        return mode

    return follow
