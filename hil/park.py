"""A site's devices around one plant, alive: on real Modbus, from the profiles of the site file.

The gateway's side of each bus is `lines`; everything else happens on the simulators' threads.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from boards.ledger import tenants
from boards.registers import to_words
from boards.site_devices import feeds
from boards.sunspec_schema import SunspecProfile
from hil import fault_slave, lines
from hil.can_station import CanStation
from hil.can_station import serve as serve_can
from hil.charging import ChargingPlant
from hil.device_simulator import DeviceSimulator, Values
from hil.dlt645_station import Dlt645Station
from hil.dlt645_station import serve as serve_dlt645
from hil.faults import Act, Effect, Piece
from hil.island import IslandPlant
from hil.line import Line
from hil.phase_split import Split
from hil.plants import Bank, Plant
from hil.scenario import ROLES
from hil.simulators import serve_rtu, serve_tcp
from hil.sunspec_simulator import SunspecSimulator

if TYPE_CHECKING:
    from boards.profile_schema import Profile
    from boards.site import Site
    from boards.site_devices import Device

NORMAL = Effect()


class Station:
    """One device of the site. `effect` is what is wrong with it."""

    def __init__(self, device: "Device", park: "Park", line: Line, rtu: bool, seed: int,
                 charger: int = -1) -> None:
        self.name = device.name
        self.struck = 0  # requests that met with it
        self._effect = NORMAL
        kind = SunspecSimulator if device.profile.proto == "sunspec" else DeviceSimulator
        self.simulator = kind(device.profile, self._values, self._take, device.unit, seed=seed)
        self.simulator.fault, self.simulator.wire = self._outgoing, self._pieces
        self._park, self._line, self._rtu = park, line, rtu
        self._battery, self._meters = device.battery, device.line
        control = device.profile.control
        self._setpoint = control.setpoint if control and control.is_power else ""
        self._relays = control.write if control and control.shape == "coils" else ""
        self._charger = charger  # its place among the chargers of the site
        self._limit = control.write if control and charger >= 0 else ""
        self._asks = control.asks if control and charger >= 0 else ()
        self._roof = limit_of(device.profile)  # what a PV inverter's limit and its switch are
        self._last: Values = {}

    @property
    def effect(self) -> Effect:
        return self._effect

    @effect.setter
    def effect(self, effect: Effect) -> None:
        self._effect = effect
        self.simulator.deaf = effect.forgets or effect.refuses
        if effect.forgets:
            self.simulator.restart()

    def advance(self, now_ms: int) -> None:
        """Let the device's own time pass; one that is stuck has none."""
        if self.effect.other_w is not None:
            self._overwrite(self.effect.other_w)
        if not self.effect.frozen:
            self.simulator.advance(now_ms)

    def _overwrite(self, w: int) -> None:
        """Another master writes a setpoint, W."""
        profile = self.simulator.profile
        assert profile.control is not None
        point = profile.writes[profile.control.write]
        raw = round(w / profile.setpoint_scale(profile.control.write))
        self.simulator.write(point.fc, point.addr, to_words(point.kind, Fraction(raw)))

    def _values(self) -> Values:
        if self.effect.hides:
            return {}
        if not self.effect.frozen or not self._last:
            park = self._park
            self._last = park.metered[self._meters] if self._meters else \
                self._stall() if self._charger >= 0 else park.shown[self._battery]
        change = self.effect.value
        if change:
            return {name: change(name, int(value)) for name, value in self._last.items()}
        return self._last

    def _take(self, name: str, value: int) -> None:
        if name == self._setpoint:
            self._park.setpoints[self._battery] = value
        elif name == self._relays:
            self._park.coils = value
        elif name == self._limit:
            self._park.limits_ma[self._charger] = value
        elif name in self._roof:
            self._park.roof[name == self._roof[0]] = abs(value)  # told as a battery's charge
            self._park.roof[0] *= not self.simulator.expired

    def _stall(self) -> Values:
        """What a charger measures; whether a vehicle is there, in its own code."""
        plant = self._park.plant
        assert isinstance(plant, ChargingPlant)
        values = plant.stalls[self._charger].values(plant.at_s)
        return {**values, "plugged": self._asks[-1] if values["plugged"] else 0}

    def _outgoing(self, frame: bytes) -> bytes:
        """What pymodbus sends instead of a reply."""
        effect = self.effect
        self.struck += effect is not NORMAL
        frame = self._changed(frame)
        if self._park.in_real_time and effect.delay_ms:
            time.sleep(effect.delay_ms / 1000)
        self._line.answered([(len(frame), effect.delay_ms)])
        return frame

    def _pieces(self, request: bytes, reply: bytes) -> list[Piece]:
        """What the raw slave does instead of replying."""
        effect = self.effect
        self.struck += effect is not NORMAL
        reply = self._changed(reply)
        pieces: list[Piece] = [(0, reply)] if reply else []
        if reply and effect.wire:
            pieces = effect.wire(request, reply, self._rtu)
        pieces = [(effect.delay_ms + after_ms, piece) for after_ms, piece in pieces
                  if isinstance(piece, bytes) or not self._rtu]
        self._line.answered([(len(piece), after_ms) for after_ms, piece in pieces
                             if isinstance(piece, bytes)],
                            any(isinstance(piece, Act) for _, piece in pieces))
        return pieces

    def _changed(self, frame: bytes) -> bytes:
        effect = self.effect
        if effect.mute:
            return b""
        return effect.frame(frame, self._rtu) if effect.frame else frame


def limit_of(profile: "Profile") -> tuple[str, str]:
    """The write points that limit a PV inverter and switch the limit on; empty where none does."""
    if not isinstance(profile, SunspecProfile) or not profile.steering \
            or profile.steering[0].shape != "limit":
        return "", ""
    return profile.steering[0].write, profile.steering[0].on[0][0]


class Park:
    """The simulated devices of a site. `shown` is what all of them measure at this moment, for each
    battery; `setpoints` what was last written for it.

    With `in_real_time` serial lines are as slow as their speed says, and late replies are. `raw`:
    the raw slave serves, for faults that nobody else can show; its serial lines are not slow.
    """

    def __init__(self, site: "Site", plant: Plant, seed: int = 0, in_real_time: bool = False,
                 raw: bool = False) -> None:
        self.plant = plant
        self.in_real_time = in_real_time
        self._raw = raw
        self._batteries = plant.battery.batteries if isinstance(plant.battery, Bank) \
            else (plant.battery,)
        self.setpoints = [0] * len(self._batteries)  # last written by the gateway
        self.coils = 0
        self.roof = [0, 0]  # whether the PV inverter is limited, and to what, W
        self.shown: list[Values] = []
        self.metered: dict[str, Values] = {}  # by the ledger's own meters
        places = {one.device: place for place, one in enumerate(site.chargers)}
        self.limits_ma = [0] * len(places)  # what the chargers were told last
        self._meters = [device.line for device in site.devices if device.line]
        self._tenants = len(tenants(site.devices))
        self._buses = [bus.image for bus in site.buses]
        self.lines = [Line() for _ in self._buses]
        slip_min = 1 if site.sections["demand"]["sliding"] else 15
        self.stations: list[Station | Dlt645Station | CanStation] = [
            CanStation(device, self) if device.profile.proto == "can" else
            Dlt645Station(device, self, self.lines[device.bus], slip_min)
            if device.profile.proto == "dlt645" else
            Station(device, self, self.lines[device.bus],
                    self._buses[device.bus]["link"] == "rtu", seed + number,
                    places.get(device.name, -1))
            for number, device in enumerate(site.devices)]
        placed = list(zip(self.stations, site.devices, strict=True))
        self._on_bus = [[station for station, device in placed if device.bus == bus]
                        for bus in range(len(self._buses))]
        self._roles = {role: feeds(site.devices, signal) for role, signal in ROLES.items()}
        self.show(0)

    @property
    def setpoint(self) -> Any:
        """The setpoint as Plant.run takes it: of several batteries one each."""
        return self.setpoints if len(self.setpoints) > 1 else self.setpoints[0]

    def station(self, role: str) -> Station | Dlt645Station | CanStation | None:
        """The device that has a role (hil/scenario.py), where the site has one."""
        found = self._roles[role]
        return next((one for one in self.stations if found and one.name == found[0].name), None)

    def strike(self, part: str, now: bool) -> None:
        """Let a part of the plant fail, or come back."""
        if isinstance(self.plant, IslandPlant):
            self.plant.strike(part, now)

    def shade(self) -> None:
        """Let the roof give no more than its inverter was told."""
        on, limit_w = self.roof
        if on:
            self.plant.pv_w = min(self.plant.pv_w, limit_w)

    def show(self, now_ms: int) -> None:
        """Measure the plant, and let the devices' own time come to `now_ms`."""
        plant = self.plant
        l_w = Split().grid_w(plant.load_w, plant.pv_w, plant.battery.power_w)
        self.shown = [{
            "grid_w": plant.grid_w, "l1_w": l_w[0], "l2_w": l_w[1], "l3_w": l_w[2],
            "import_wh": plant.import_ws // 3600,
            "export_wh": plant.export_ws // 3600, "store_w": battery.power_w,
            "soc_pm": battery.soc_now_pm, "charge_wh": battery.charged_ws // 3600,
            "discharge_wh": battery.discharged_ws // 3600, "ready": 1,
            "charge_max_w": battery.charge_max_w, "discharge_max_w": battery.discharge_max_w,
            "pv_w": plant.pv_w, "pv_wh": plant.pv_ws // 3600} for battery in self._batteries]
        if isinstance(plant, IslandPlant):
            self.shown = [{**self.shown[0], **plant.signals()}]
        self.metered = {
            line: {"grid_w": lines.power_w(plant, line, self._tenants), "export_wh": 0,
                   "import_wh": lines.counted_ws(plant, line, self._tenants) // 3600}
            for line in self._meters}
        for station in self.stations:
            station.advance(now_ms)

    @contextmanager
    def served(self) -> Iterator[list[dict[str, Any]]]:
        """Serve every bus; yields for each the keys of the site file that lead to it."""
        with ExitStack() as stack:
            yield [self._serve(stack, number) for number in range(len(self._buses))]

    def _serve(self, stack: ExitStack, number: int) -> dict[str, Any]:
        bus, stations = self._buses[number], self._on_bus[number]
        meters = [one for one in stations if isinstance(one, Dlt645Station)]
        for one in stations:
            if isinstance(one, CanStation):
                return stack.enter_context(serve_can(one))
        if meters:
            baud = bus.get("baud", 2400) if self.in_real_time else 0
            return stack.enter_context(serve_dlt645(meters, self.lines[number], bus["link"], baud))
        devices = [one.simulator for one in stations if isinstance(one, Station)]
        if self._raw:
            serve = fault_slave.serve_tcp if bus["link"] == "tcp" else fault_slave.serve_rtu
            place: Any = stack.enter_context(serve(devices, self.in_real_time))
            return {"host": "127.0.0.1", "port": place} if bus["link"] == "tcp" \
                else {"path": place}
        if bus["link"] == "tcp":
            return {"host": "127.0.0.1", "port": stack.enter_context(serve_tcp(devices))}
        rate = bus["baud"] if self.in_real_time else None
        return {"path": stack.enter_context(serve_rtu(devices, rate))}
