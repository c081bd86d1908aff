"""A simulated device on the bench, and the client that judges it."""

from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.client.mixin import ModbusClientMixin

from boards import profiles
from boards.profile_schema import TYPES, signal_terms
from hil.simulators import DeviceSimulator

MODBUS = [name for name in profiles.ids() if profiles.load(name).proto == "modbus"]
every_profile = pytest.mark.parametrize("profile_id", MODBUS)
JUDGE = ModbusClientMixin.DATATYPE
JUDGED = {"u16": JUDGE.UINT16, "i16": JUDGE.INT16, "u32": JUDGE.UINT32, "i32": JUDGE.INT32,
          "u64": JUDGE.UINT64, "i64": JUDGE.INT64, "f32": JUDGE.FLOAT32,
          "f64": JUDGE.FLOAT64}


RATED_W = 5000  # of a device whose profile leaves that to the site


def load(profile_id):
    """A profile as a site would use it."""
    profile = profiles.load(profile_id)
    if profile.control and profile.control.shape in ("percent", "slots") \
            and not profile.control.rated_w:
        return replace(profile, control=replace(profile.control, rated_w=RATED_W))
    return profile


def showable(profile, values):
    """The nearest values that the registers of a profile can show."""
    shown = {name: value for name, value in values.items()  # another one's signal may be its point
             if name in profile.signals or name not in profile.points}
    for signal, text in profile.signals.items():
        low = high = 0
        for name, turned in signal_terms(text):
            point, scale = profile.points[name], profile.term_scale(signal, name, turned)
            ends = [raw * scale for raw in TYPES[point.kind][1:] if not point.power]
            low, high = low + min(ends, default=-10**9), high + max(ends, default=10**9)
        shown[signal] = int(min(max(shown[signal], low), high))
    alone = {text.lstrip("-"): signal for signal, text in profile.signals.items()
             if len(signal_terms(text)) == 1}
    for signal, text in profile.signals.items():
        parts = [alone.get(name) for name, _ in signal_terms(text)]
        if len(parts) > 1 and None not in parts:  # its parts are signals themselves
            shown[signal] = sum(shown[part] for part in parts)
    return shown


def simulate(profile_id, values=None, unit=1, **more):
    """A simulated device and the list of what was written to it."""
    heard = []
    device = DeviceSimulator(load(profile_id), lambda: values or {},
                             lambda name, value: heard.append((name, value)), unit, **more)
    return device, heard


@contextmanager
def client_of(place):
    """pymodbus' own client, on a port number or on the path of a serial line."""
    if isinstance(place, int):
        client = ModbusTcpClient("127.0.0.1", port=place, timeout=3, retries=0)
    else:
        client = ModbusSerialClient(place, baudrate=9600, timeout=3, retries=0)
    with closing(client):
        assert client.connect()
        yield client


def read(client, fc, addr, count, unit=1):
    """Registers, or the exception code as a negative number."""
    ask = client.read_holding_registers if fc == 3 else client.read_input_registers
    reply = ask(addr, count=count, device_id=unit)
    return -reply.exception_code if reply.isError() else reply.registers


def judge(kind, words):
    """What pymodbus' client makes of registers."""
    order = "little" if kind.endswith("s") else "big"
    return ModbusClientMixin.convert_from_registers(words, JUDGED[kind.removesuffix("s")], order)
