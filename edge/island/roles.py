"""The roles of a site that can run without the grid: grid switch, generator, relays.

As in edge/devices/roles.py a driver hands over one signal at a time through `take`. Each role
stands in `site.roles` once a rule has asked for it with `role_of`.
"""

from edge.compat import const
from edge.devices.roles import plausible_w
from edge.island.signal import Signal
from edge.trail import Trail

_TURNS = const(500)  # a flag reads as 1000; an engine idles above so many turns a minute


class GridSwitch:
    """The switch between grid and site, and whether the grid behind it is healthy.

    `mode` is what edge/island/mode.py makes of it; `open` is True while the site is known to be
    on its own.
    """

    SIGNALS = ("islanded", "grid_ok")
    NEEDS = SIGNALS

    def __init__(self, site):
        self.islanded = Signal()
        self.grid_ok = Signal()
        self.mode = 0  # on the grid
        self.open = False

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if value != 0 and value != 1:
            return False
        if signal == "islanded":
            self.islanded.keep(value, stamp_ms)
        elif signal == "grid_ok":
            self.grid_ok.keep(value, stamp_ms)
        else:
            return False
        return True


class Generator:
    """A generator of the site: power into the busbar, whether it runs, whether it may be started.

    `on_bus` is True while it is known to carry load or to be ready for it, `max_w` what it can.
    """

    SIGNALS = ("gen_w", "gen_running", "gen_ready")
    NEEDS = ("gen_w", "gen_running")

    def __init__(self, site):
        self.power = Signal()
        self.trail = Trail()
        self.running = Signal()
        self.ready = True  # a set that does not say is taken for ready: failed starts are counted
        self.on_bus = False
        self.max_w = 0

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "gen_w":
            if not plausible_w(value):
                return False
            self.power.keep(value, stamp_ms)
            self.trail.push(stamp_ms, value)
        elif signal == "gen_running":
            self.running.keep(1 if value >= _TURNS else 0, stamp_ms)
        elif signal == "gen_ready":
            self.ready = value != 0
        else:
            return False
        return True

    def fresh(self, now_ms: int) -> bool:
        """Whether power and state were read lately enough."""
        return self.power.fresh(now_ms) and self.running.fresh(now_ms)


class Outputs:
    """The site's relays, one bit a coil; the bits are leased to the relay board like a setpoint.

    A coil loses its power when the lease ends, and what it commands falls into the position that
    its wiring gives it then: that is declared for each coil, and is where it starts from.
    """

    SIGNALS = ()
    NEEDS = ()

    def __init__(self, site):
        self.setpoint_w = 0  # bit n - 1 set: coil n has power
        self.setpoint_ms = 0
        self.lease_ms = site.storage.lease_ms
        self._on = 0  # bits of what is on while its coil has no power

    def claim(self, coil: int, on_without: int) -> int:
        """Take coil 1 .. 15 (0: there is none); returns its bit. `on_without`: 1 when what it
        commands is on (closed, running) while the coil has no power."""
        if not coil:
            return 0
        bit = 1 << coil - 1
        if on_without:
            self._on |= bit
        return bit

    def turn(self, bit: int, on: bool):
        """Switch what the coil commands on or off."""
        if on != (self._on & bit != 0):
            self.setpoint_w |= bit
        else:
            self.setpoint_w &= ~bit


def role_of(site, kind):
    """The site's role of a kind; made when the first rule asks for it."""
    for role in site.roles:
        if isinstance(role, kind):
            return role
    role = kind(site)
    site.roles.append(role)
    return role
