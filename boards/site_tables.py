"""Every key a site file may hold: the validator and the JSON schema are both made from this.

A field is (name, unit, lowest, highest, default, meaning) as in edge/config.py; default None means
that it must be given. A rule's fields stand in its own file, found by its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from edge.config import FLEET as FLEET
from edge.config import MOST_BATTERIES as MOST_BATTERIES
from edge.config import SECTIONS

Field = tuple[str, str, int | None, int | None, int | str | None, str]

RULES_FOLDER = Path(__file__).parent.parent / "edge" / "rules"
CLOUDS_FOLDER = Path(__file__).parent.parent / "edge" / "clouds"
ALWAYS = ("fresh", "reserve")  # rules that no site can switch off
# Rules that a table of their own switches on.
OWN_TABLES = {"command": "commands", "dispatch_centre": "iec104", "response": "response"}
LIST_SECTIONS = ("bus", "device", "load", "charger", "medium")
TABLES: Mapping[str, tuple[Field, ...]] = SECTIONS

TCP: tuple[Field, ...] = (
    ("host", "text", None, None, None, "address of the device or of its gateway"),
    ("port", "port", 1, 65535, 502, "its TCP port"),
    ("settle_ms", "ms", 0, 10_000, 0, "rest between connecting and the first request"),
    ("timeout_ms", "ms", 50, 60_000, 1000, "how long to wait for an answer"),
    ("gap_ms", "ms", 0, 5000, 25, "rest between two requests"),
)
RTU: tuple[Field, ...] = (
    ("path", "line", None, None, None, "serial device, or the number of a UART"),
    ("baud", "baud", 300, 1_000_000, 9600, "speed of the line"),
    ("parity", "parity", None, None, "N", "N none, E even, O odd"),
    ("stop", "bits", 1, 2, 1, "stop bits"),
    ("echo", "0/1", 0, 1, 0, "1 = the adapter hears what it sends"),
    ("rs485", "0/1", 0, 1, 0, "1 = the kernel drives the direction pin; 0 = the adapter does"),
    ("timeout_ms", "ms", 50, 60_000, 500, "how long to wait for an answer"),
    ("gap_ms", "ms", 0, 5000, 25, "rest between two requests"),
)
DLT645: tuple[Field, ...] = (
    ("path", "line", None, None, None, "serial device, or the number of a UART"),
    ("baud", "baud", 300, 19_200, 2400, "speed of the line"),
    ("parity", "parity", None, None, "E", "N none, E even, O odd"),
    ("stop", "bits", 1, 2, 1, "stop bits"),
    ("rs485", "0/1", 0, 1, 0, "1 = the kernel drives the direction pin; 0 = the adapter does"),
    ("timeout_ms", "ms", 50, 60_000, 1000, "how long to wait for an answer"),
    ("gap_ms", "ms", 0, 5000, 30, "rest between two requests"),
)
DLT645_TCP: tuple[Field, ...] = (*TCP[:1], ("port", "port", 1, 65535, None, "its TCP port"),
                                 *TCP[2:])
CAN: tuple[Field, ...] = (
    ("interface", "text", None, None, None, "network interface of the CAN controller, as can0"),
)
LINKS = {"tcp": TCP, "rtu": RTU, "dlt645": DLT645, "dlt645_tcp": DLT645_TCP, "can": CAN}
NAME: Field = ("name", "id", None, None, None, "its name in messages")
LINK: Field = ("link", "link", None, None, None,
               "tcp, rtu, can, dlt645, or dlt645_tcp: that through a serial server")
DEVICE: tuple[Field, ...] = (
    NAME,
    ("profile", "profile", None, None, None, "what model it is: a file in edge/devices"),
    ("bus", "bus", None, None, None, "name of the bus it hangs on"),
    ("unit", "address", 0, 255, -1, "its address on the bus; without it the profile's"),
    ("number", "text", None, None, "", "DL/T 645: the meter's number, 12 digits"),
    ("ct", "times", 1, 100_000, 1, "DL/T 645: ratio of its current transformers, 600/5 = 120"),
    ("pt", "times", 1, 10_000, 1, "DL/T 645: ratio of its voltage transformers"),
    ("poll_ms", "ms", 100, 600_000, 1000, "how often it is read"),
    ("battery", "battery", None, None, "", "whose it is, where the site has several batteries"),
    ("line", "text", None, None, "", "[ledger]: direct, generator, or a tenant it is the meter of"),
    ("signals", "signals", None, None, "", "which of its readings to use; without it all"),
    ("rated_w", "W", 0, 8_000_000, 0, "its rated power, where its setpoint is a share of that"),
)
LOAD: tuple[Field, ...] = (
    NAME,
    ("priority", "rank", 1, 99, None, "1 is the most important: the last that is shed"),
    ("rated_w", "W", 1, 8_000_000, None, "what it draws when it runs"),
    ("coil", "coil", 1, 15, None, "the relay that connects it"),
    ("on_without", "0/1", 0, 1, 1, "1 = it stays connected while that coil has no power"),
    ("min_on_s", "s", 0, 86_400, 60, "once connected it stays so for so long"),
    ("min_off_s", "s", 0, 86_400, 300, "once shed it stays so for so long"),
    ("shed_pm", "pm", 0, 950, 0, "in an island it is shed below this state of charge; 0 = never"),
    ("surplus", "0/1", 0, 1, 0, "1 = it runs on the sun's surplus alone: [rules.surplus]"),
)
CHARGER: tuple[Field, ...] = (
    NAME,
    ("device", "id", None, None, None, "the [[device]] that it is"),
    ("priority", "rank", 1, 99, 1, "1 is the most important; equals share alike"),
    ("phase", "phase", 0, 3, 0, "the phase it hangs on; 0 = all three"),
    ("min_a", "A", 6, 80, 6, "the least limit a phase at which a vehicle charges"),
    ("max_a", "A", 6, 250, None, "what its cable and fuse carry"),
    ("failsafe_a", "A", 0, 80, None, "the limit it falls to without the gateway; 0 = it pauses"),
    ("min_on_s", "s", 0, 86_400, 600, "once started it charges for so long, unless a limit is in "
     "danger"),
    ("min_off_s", "s", 0, 86_400, 300, "once paused it rests for so long"),
    ("surplus", "0/1", 0, 1, 0, "1 = it charges with the sun's surplus alone"),
)
MEDIA: tuple[Field, ...] = (
    NAME,
    ("medium", "medium", None, None, None, "water, heat, cold, gas, steam or electricity"),
    ("use", "text", None, None, "", "what it counts as: fresh, reused; bought, waste_available, "
     "waste_used; a carrier as natural_gas; without it it is shown, and counts nowhere"),
    ("account", "text", None, None, "", "whose declaration it replaces; without it its name"),
    ("unit", "text", None, None, None, "it is told in: m3, MWh, GJ, t ..."),
    ("most_per_h", "text", None, None, None, 'more does not flow in an hour, as "50 m3"'),
    ("turns_at", "text", None, None, "", 'where its register begins at 0 again, as "100000 m3"'),
    ("kj_per_kg", "kJ/kg", 0, 4000, 0, "of steam told in t: its heat"),
    ("device", "text", None, None, "", "the device that reads it; or an input"),
    ("signal", "text", None, None, "", "which of its signals, where several fit"),
    ("input", "text", None, None, "", "where its pulses come in: GP10, 17, gpiochip0:17"),
    ("debounce_ms", "ms", 1, 500, 20, "a change that is shorter is bounce"),
    ("max_hz", "pulses/s", 1, 500, 10, "more pulses are noise"),
    ("weight", "text", None, None, "", 'what a pulse stands for, as "10 l" or "1/1000 MWh"'),
    ("offset", "text", None, None, "", "what the meter showed when its pulses began to be counted"),
)


@dataclass(frozen=True)
class RuleTable:
    """One rule as its file declares it: a smaller order speaks first."""

    name: str
    order: int
    fields: tuple[Field, ...]
    meaning: str
    needs: tuple[str, ...] = ()  # signals that a device must feed


@dataclass(frozen=True)
class CloudFile:
    """One cloud as its file in edge/clouds declares it."""

    name: str
    meaning: str
    fields: tuple[Field, ...]  # of [cloud]
    secret: str  # what the broker's password is; "": none is needed
    free: bool  # any topic may be used
    frames: bool  # it carries our messages
    native: bool  # it has a JSON of its own
    tls: bool  # it takes no other connection


def clouds() -> dict[str, CloudFile]:
    """Every cloud there is: a file in the folder is all it takes."""
    found = {}
    for path in sorted(CLOUDS_FOLDER.glob("[a-z]*.py")):
        module = import_module(f"edge.clouds.{path.stem}")
        meaning = (module.__doc__ or "").partition("\n")[0]
        found[path.stem] = CloudFile(path.stem, meaning, module.FIELDS, module.SECRET,
                                     bool(module.OWN_TOPICS), bool(module.FRAMES),
                                     hasattr(module, "native"), bool(module.TLS))
    return found


def rules() -> dict[str, RuleTable]:
    """Every rule there is, most important first: a file in the folder is all it takes."""
    found = []
    for path in RULES_FOLDER.glob("[a-z]*.py"):
        module = import_module(f"edge.rules.{path.stem}")
        meaning = (module.__doc__ or "").strip().splitlines()[0]
        needs = getattr(module, "NEEDS", ())
        found.append(RuleTable(path.stem, module.ORDER, module.FIELDS, meaning, needs))
    return {rule.name: rule for rule in sorted(found, key=lambda rule: (rule.order, rule.name))}
