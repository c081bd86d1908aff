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
LIST_SECTIONS = ("bus", "device", "load")
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
