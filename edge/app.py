"""The gateway as a whole: the only file with `await`.

Tasks share one thread. The beat task is paced by the monotonic clock and never waits for anything
else; each bus and the uplink are step machines that say when they want to be called again. The
watchdog is fed by a completed beat and by nothing else, so that a beat that fails, hangs or is
starved ends in a restart, and every device falls back by its own dead-man timer or its last 0 W.
What the beat's task itself calls (the board's `wall`, with its SNTP, and `keep`) ends in `main`, if
it raises: devices are given back, and it is for the watchdog, or the host, to start anew. All other
tasks step through a guard (edge/guard.py): none of them ends in silence.
"""

import asyncio
import gc

from edge import uplink
from edge.compat import TYPE_CHECKING, const
from edge.controller import Controller
from edge.devices.bus import Bus
from edge.devices.driver import Driver
from edge.guard import Guard
from edge.site import Site
from edge.ticks import ticks_add, ticks_diff, ticks_ms

if TYPE_CHECKING:
    from typing import Any

_LEAVE_MS = const(5000)  # how long devices are given to confirm that they were left at 0 W
_COLLECT_BEATS = const(8)
_BUS_REST_MS = const(32_000)  # as long as a bus waits at most to connect again

_sleep_ms = getattr(asyncio, "sleep_ms", None)
_collect_every = getattr(gc, "threshold", None)


def _driver(device: dict, roles: list):
    """What speaks with a device: Modbus, or a module of its own where its profile asks for one."""
    if "driver" in device:
        module = __import__("edge.devices." + device["driver"], None, None, ("driver",))
        return module.driver(device, roles)
    return Driver(device, roles)


def _bus(image: dict, port):
    """A bus that asks its devices, or one on which they speak by themselves."""
    if image["link"] == "can":
        return __import__("edge.devices.canbus", None, None, ("bus",)).bus(image, port)
    return Bus(image, port)


async def _pause_ms(ms: int):
    """Let the other tasks run for ms milliseconds."""
    if _sleep_ms:
        await _sleep_ms(ms)
    else:  # CPython
        await asyncio.sleep(ms / 1000)


class App:
    """One running gateway; `image` is its compiled site, `board` what it runs on."""

    def __init__(self, image: dict, board):
        self.board = board
        if "commands" in image and image["commands"]["root"]:
            __import__("edge.root", None, None, ("apply",)).apply(image, board)
        self.site = Site(image)
        if "push" in image["tariff"].get("days", ()):
            store = __import__("edge.price_store", None, None, ("restore",))
            store.restore(self.site, board.state("prices"))
        if "media" in image:
            __import__("edge.media", None, None, ("join",)).join(self.site, image["media"], board)
        self.controller = Controller(self.site)
        self.buses = [_bus(bus, board.open_port(bus)) for bus in image["buses"]]
        site: Any = self.site
        for device in image["devices"]:
            if "line" in device:  # a meter of the ledger's own
                roles = [site.ledger.lines[device["line"]]]
            else:
                roles = [site.fleet[device.get("battery", 0)]] + site.roles
            self.buses[device["bus"]].add(_driver(device, roles))
        self.outbox: Any = None  # what the uplink is made of, as far as there is one
        self.account: Any = None
        self.client: Any = None
        self.sync: Any = None
        self.commands: Any = None  # from the cloud; steps like a bus
        self.uplink: Any = uplink.part(self, image)
        self.guards: list[Guard] = []  # of all tasks but the beat, those of the buses first
        for number, bus in enumerate(self.buses):
            self._guard("bus %d" % number, bus.step, bus.mend, _BUS_REST_MS)
        if self.uplink is not None:
            self._guard("network", self._step_uplink)
        if self.commands is not None:
            self._guard("commands", self.commands.step, self.commands.mend)
        self.link: Any = None  # to gateways that share a limit with this one
        if hasattr(self.site, "share"):
            module = __import__("edge.share_link", None, None, ("link",))
            self.link = module.link(self.site, self.client, image["site"]["park"])
            self._guard("share", self.link.step)
        self.shown: list = []  # what tells people what is so now; steps like a bus
        for name in ("live", "page", "iec104", "response"):
            if name in image:
                module = __import__("edge." + name, None, None, ("part",))
                shown = module.part(self, image)
                self.shown.append(shown)
                self._guard(name, shown.step, shown.mend)
        self.keeper: Any = None  # of the carbon ledger; steps like a bus
        if "ledger" in image:
            module = __import__("edge.evidence.keeper", None, None, ("part",))
            self.keeper = module.part(self, image)
            if self.keeper is not None:
                self._guard("ledger", self.keeper.step)  # it ends in a state of its own
        if self.shown:
            __import__("edge.now", None, None, ("watch",)).watch(self)
        self.running = True
        self.due_ms = -1  # when the next beat is; -1: nobody has said
        self.beats = 0
        self.late = 0  # beats that began more than half a beat late
        if _collect_every:
            _collect_every(-1)  # the start has collected as it went, lest its waste lie in between

    def _guard(self, name: str, step, mend=None, most_ms: int = 300_000):
        self.guards.append(Guard(name, step, mend, self.outbox, most_ms))

    def beat(self, now_ms: "int | None" = None):
        """Take one beat now; a rig whose time is its own says when that is."""
        day, second, self.site.clock_set = self.board.wall()
        self.controller.beat(ticks_ms() if now_ms is None else now_ms, day, second)
        self.board.keep(self.site.journal.row, self.site.rule_names)
        if self.site.fault is None:
            self.board.watchdog(True)
        self.beats += 1

    async def _beat_task(self):
        period_ms = self.site.beat_s * 1000
        due_ms = ticks_ms()
        while self.running:
            self.beat()
            if self.beats % _COLLECT_BEATS == 0 and hasattr(gc, "mem_free"):
                gc.collect()  # here, in the slack after a beat, and nowhere by surprise
            self.due_ms = due_ms = ticks_add(due_ms, period_ms)
            wait_ms = ticks_diff(due_ms, ticks_ms())
            if wait_ms < -period_ms // 2:
                self.late += 1
                due_ms = ticks_ms()
            await _pause_ms(wait_ms if wait_ms > 0 else 0)

    def free_ms(self) -> int:
        """How long until the next beat: what takes long has to fit in."""
        return 1000 if self.due_ms < 0 else ticks_diff(self.due_ms, ticks_ms())

    async def _task(self, guard):
        try:
            while self.running:
                await _pause_ms(guard.step(ticks_ms()))
        except Exception as error:  # no memory even to pause: rest, and let the watchdog bite
            site: Any = self.site
            site.fault = site.fault or error

    def _step_uplink(self, now_ms: int) -> int:
        return self.uplink.step(now_ms, self.board.network_up())

    async def main(self):
        """Run until `stop`, then give the devices back."""
        self.board.watchdog(False)
        tasks = [asyncio.create_task(self._task(guard)) for guard in self.guards]
        try:
            await self._beat_task()
        finally:
            self.running = False
            for task in tasks:
                task.cancel()
            await self._leave()

    async def _leave(self):
        """0 W to every device, confirmed where it answers in time; goodbye to the broker."""
        for bus in self.buses:
            bus.leave()
        end_ms = ticks_add(ticks_ms(), _LEAVE_MS)
        while ticks_diff(end_ms, ticks_ms()) > 0:
            wait_ms = 20
            for guard in self.guards[:len(self.buses)]:
                bus_ms = guard.step(ticks_ms())
                if bus_ms < wait_ms:
                    wait_ms = bus_ms
            if all(bus.has_left() for bus in self.buses):
                break
            await _pause_ms(wait_ms)
        if self.uplink is not None:
            self.uplink.flush()
        if self.client is not None:
            self.client.leave(ticks_ms())

    def stop(self):
        """End after the running beat."""
        self.running = False


def run(image: dict, board) -> None:
    """Run a gateway until it is stopped; an interrupt leaves the devices at 0 W first. The image
    is used up: the parts hold what they need of it, and the rest (4 KB) is let go."""
    app = App(image, board)
    image.clear()
    board.on_stop(app.stop)
    asyncio.run(app.main())
