"""Our bus and driver against our simulated devices over TCP, for every profile on disk.

Time is virtual: only the replies are waited for, so a minute of polling takes a moment.
"""

import select
from fractions import Fraction
from types import SimpleNamespace

import pytest

from boards import profiles
from boards.profile_schema import MEDIUM, signal_terms
from edge.app import _driver as driver_of
from edge.charging.charger import Charger
from edge.devices.bus import Bus
from edge.devices.phases import Phases
from edge.devices.roles import GridMeter, Pv, Storage
from edge.island.roles import Generator, GridSwitch, Outputs
from edge.media import Meter
from edge.port import TcpPort
from hil.simulators import serve_tcp
from tests.core.park import snapshot
from tests.devices.simulated import MODBUS, every_profile, load, showable, simulate

PATIENCE_S = 10
SITE_W = 2_000_000
LEASE_MS = 5000
VALUES = [
    {"grid_w": 123_460, "import_wh": 65_430, "export_wh": 10, "store_w": -98_760, "soc_pm": 420,
     "charge_wh": 70_000_000, "discharge_wh": 700, "charge_max_w": 45_000, "discharge_max_w": 700,
     "pv_w": 31_999, "pv_wh": 1_234_567, "l1_w": 70_000, "l2_w": 53_465, "l3_w": -5,
     "islanded": 1, "grid_ok": 0, "gen_w": 54_321, "gen_running": 1000, "gen_ready": 1,
     "opt_out": 0, "charger_w": -7_360, "plugged": 6, "charger_max_ma": 32_000, "i_l1_ma": 10_700,
     "i_l2_ma": 0, "i_l3_ma": 600},
    {"grid_w": -4_320, "import_wh": 6_554_400, "export_wh": 20, "store_w": 0, "soc_pm": 1000,
     "charge_wh": 70_000_100, "discharge_wh": 800, "charge_max_w": 0, "discharge_max_w": 50_000,
     "pv_w": -20, "pv_wh": 1_234_568, "l1_w": -4320, "l2_w": 0, "l3_w": 0,
     "islanded": 0, "grid_ok": 1, "gen_w": 0, "gen_running": 0, "gen_ready": 0, "opt_out": 1,
     "charger_w": 0, "plugged": 5, "charger_max_ma": 0, "i_l1_ma": 0, "i_l2_ma": 0, "i_l3_ma": 0},
    {"grid_w": 0, "import_wh": 13_107_200, "export_wh": 30, "store_w": 327_670, "soc_pm": 0,
     "charge_wh": 70_000_200, "discharge_wh": 900, "charge_max_w": 100, "discharge_max_w": 5_000,
     "pv_w": 1_500_000, "pv_wh": 1_234_569, "l1_w": 1, "l2_w": -1, "l3_w": 0,
     "islanded": 1, "grid_ok": 1, "gen_w": -10, "gen_running": 1000, "gen_ready": 1, "opt_out": 0,
     "charger_w": -22_080, "plugged": 1, "charger_max_ma": 16_000, "i_l1_ma": 16_000,
     "i_l2_ma": 15_900, "i_l3_ma": 16_100},
]
for one, big in zip(VALUES, (1_234_567, 3_000_000_000, 1_000_000_000_000), strict=True):
    one.update({signal: big + place for place, signal in enumerate(MEDIUM)})
    one["age_s"] = big % 1000
# Where the roles of an island keep a signal, and what one of theirs is in the busbar's units.
OWN = {"islanded": "islanded", "grid_ok": "grid_ok", "gen_w": "power", "gen_running": "running",
       "gen_ready": "ready", "opt_out": "opt_out"}
OWN_UNITS = {"gen_running": 1000}


class PatientPort(TcpPort):
    """Waits for the other end, so that no machine is too slow for virtual time."""

    def __init__(self, host, port):
        super().__init__(host, port)
        self._asked = False

    def is_open(self):
        self._poll.poll(PATIENCE_S * 1000)
        return super().is_open()

    def send(self, buf, n):
        self._asked = True
        return super().send(buf, n)

    def recv(self, buf, at):
        if self._asked:
            self._asked = False
            assert select.select([self._socket], [], [], PATIENCE_S)[0], "no reply"
        return super().recv(buf, at)


class Contact:
    """A contact as edge/response/orders.py has one, that shows what it was last."""

    SIGNALS = ("opt_out",)
    NEEDS = ()

    def take(self, signal, value, stamp_ms):
        self.opt_out = value != 0
        return True


class Gateway:
    """One driver on one bus, with every role there is."""

    def __init__(self, profile, port, **limits):
        image = profiles.compile_device(profile, "one", 0, 1, poll_ms=1000, **limits)
        now = snapshot()
        self.storage = Storage(now, SITE_W, SITE_W, LEASE_MS)
        self.roles = [GridMeter(now), self.storage, Pv(now), Phases(now, 3, 0, 3),
                      *[Meter(signal, 1, 1, 0, "age_s") for signal in MEDIUM]]
        self.relays = Outputs(SimpleNamespace(storage=self.storage))
        self.roles += [GridSwitch(None), Generator(None), self.relays, Contact()]
        self.charger = Charger(0, {"lease_ms": LEASE_MS, "voltage_v": 230})
        self.roles = [self.charger] if profile.kind == "charger" else self.roles
        self.driver = driver_of(image, self.roles)
        self.port = PatientPort("127.0.0.1", port)
        self.bus = Bus({"link": "tcp", "timeout_ms": 1000, "gap_ms": 25}, self.port)
        self.bus.drivers.append(self.driver)
        self.now_ms = 1000

    def run(self, span_ms, each=lambda now_ms: None):
        end_ms = self.now_ms + span_ms
        while self.now_ms < end_ms:
            each(self.now_ms)
            self.now_ms += max(1, self.bus.step(self.now_ms))

    def command(self, w, now_ms):
        """What a beat does: a setpoint and the moment from which its lease runs."""
        self.storage.setpoint_w = w
        self.storage.setpoint_ms = now_ms

    def shown(self, signal):
        role = next(role for role in self.roles if signal in role.SIGNALS)
        if role is self.charger:
            return {"charger_w": -role.drawn_w, "charger_max_ma": role.charger_max_ma,
                    "import_wh": role.import_wh,
                    **dict(zip(Charger.SIGNALS[1:4], role.i_ma, strict=True))}[signal]
        if isinstance(role, Phases):
            return role.trails[Phases.SIGNALS.index(signal)].w
        if isinstance(role, Meter):
            return role._before_s if signal == "age_s" else role.reading()
        if signal in OWN:
            found = getattr(role, OWN[signal])
            return found if isinstance(found, bool) else found.value * OWN_UNITS.get(signal, 1)
        return getattr(role.now if hasattr(role.now, signal) else role, signal)


@pytest.fixture
def bench(request):
    """A device of the profile asked for, its gateway, and what was written to it."""
    profile = load(request.param)
    values = showable(profile, VALUES[0])
    device, heard = simulate(request.param, values)
    limits = {"min_w": -SITE_W, "max_w": SITE_W} if profile.control else {}
    if limits and profile.control.shape == "current":
        limits = {"min_w": 0, "max_w": 32_000}
    if limits and profile.control.shape == "coils":
        limits = {"min_w": 0, "max_w": 127}
    with serve_tcp([device]) as port:
        gateway = Gateway(profile, port, **limits)
        yield gateway, device, values, heard
        gateway.port.close()


def is_shape(profile_id, shape):
    """Whether a device is commanded, and how."""
    control = profiles.load(profile_id).control
    return control is not None and control.shape == shape


on_every_profile = pytest.mark.parametrize("bench", MODBUS, indirect=True)
on_all_relays = pytest.mark.parametrize(
    "bench", [name for name in MODBUS if is_shape(name, "coils")], indirect=True)


def step_of(device, signal, value):
    """The finest step in which a device can show a signal, in canonical units."""
    terms = signal_terms(device.profile.signals[signal])
    if len(terms) > 1:
        return sum(abs(device.profile.term_scale(signal, *term)) for term in terms)
    point = device.profile.points[terms[0][0]]
    step = abs(device.profile.signal_scale(signal))
    if point.power:
        return step * Fraction(10) ** len(str(abs(value))) / 10**4  # four digits at least
    return step if point.kind[0] != "f" else Fraction(abs(value), 1 << 23) + 1


@on_every_profile
def test_every_signal_arrives(bench):
    gateway, device, values, _ = bench
    for newer in VALUES:
        values.update(showable(device.profile, newer))
        gateway.run(11_000, device.advance)  # slow points come with every tenth poll
        for signal in device.profile.signals:
            if signal == "plugged":
                asks = device.profile.control.asks if device.profile.control else (1,)
                assert gateway.charger.plugged == (values[signal] in asks)
                continue
            error = gateway.shown(signal) - values[signal]
            assert abs(error) <= step_of(device, signal, values[signal]) / 2, signal
    assert (gateway.bus.timeouts, gateway.bus.exceptions, gateway.bus.breaks) == (0, 0, 0)


@on_every_profile
def test_a_meter_that_shows_the_same_power_for_long_is_not_taken_for_frozen(bench):
    gateway, device, values, _ = bench
    values["grid_w"] = 0
    gateway.run(150_000, device.advance)
    assert not gateway.driver.readings.frozen
    if device.profile.frozen_s:
        gateway.run(2000 * device.profile.frozen_s)  # its clock stands still: a dead meter
        assert gateway.driver.readings.frozen


@on_all_relays
def test_relays_follow_the_beat_and_lose_their_power_when_it_stops(bench):
    gateway, device, _, heard = bench
    relays = gateway.relays
    first, other = relays.claim(1, 0), relays.claim(7, 1)
    relays.turn(first, True)
    relays.turn(other, False)

    def beat(now_ms):
        device.advance(now_ms)
        relays.setpoint_ms = now_ms

    gateway.run(10_000, beat)
    assert heard[-1] == (device.profile.control.write, 0b1000001)
    assert gateway.driver.lease.held_w == 0b1000001
    relays.turn(other, True)
    gateway.run(3000, beat)
    assert heard[-1] == (device.profile.control.write, 1)
    gateway.run(LEASE_MS + 5000, device.advance)
    assert heard[-1] == (device.profile.control.write, 0)
    assert gateway.storage.setpoint_ms == 0, "the battery's setpoint is another device's"


@every_profile
def test_a_stranger_at_the_address_is_not_believed(profile_id):
    profile = profiles.load(profile_id)
    if not profile.identity:
        return
    stranger, _ = simulate(profile_id, showable(profile, VALUES[0]))
    stranger.fault = lambda reply: reply[:-1] + bytes([reply[-1] ^ 1])
    with serve_tcp([stranger]) as port:
        gateway = Gateway(profile, port)
        before = [gateway.shown(signal) for signal in profile.signals]
        gateway.run(5000, stranger.advance)
        gateway.port.close()
    assert gateway.driver.stranger
    assert [gateway.shown(signal) for signal in profile.signals] == before
