"""Scenarios and rigs: what happens and what is expected, apart from where it is tried.

A scenario is a file in hil/scenarios, a rig one in hil/rigs; both are found by name, or by path.
Times of a scenario are local times of the plant's day, on every one of the three clocks.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boards.shapes import (
    MAYBE_TEXT,
    TABLE,
    TEXT,
    Findings,
    Shape,
    choice,
    list_of,
    one_of,
    table,
    text,
    toml,
    whole,
)
from edge.journal import FIELDS
from hil import faults, wire_faults
from hil.faults import Effect

HERE = Path(__file__).parent
CLOCKS = ("lockstep", "wire", "wall")
DUTS = ("inproc", "micropython")
ROLES = {"grid_meter": "grid_w", "converter": "store_w", "bms": "soc_pm", "pv": "pv_w",
         "switch": "islanded", "generator": "gen_w"}
COUNTS = ("timeouts", "exceptions", "crc_errors", "foreign", "breaks", "changed")
LINKS = ("rtu", "tcp")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_SPAN = re.compile(r"(\d+) ?(s|min|h)")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_DAY_S = 86400
_HELPERS = ("body_of", "framed")  # of the faults, and none
_W = whole(-8_000_000, 8_000_000)


class ScenarioError(ValueError):
    """A scenario or a rig that cannot be used; a line for each mistake."""


@dataclass(frozen=True)
class Planned:
    """A fault from second `at_s` of the local day on, for `for_s`; `device` is one of ROLES."""

    kind: str
    at_s: int
    for_s: int
    device: str
    effect: Effect

    @property
    def end_s(self) -> int:
        """The first second without it."""
        return self.at_s + self.for_s


@dataclass(frozen=True)
class Watch:
    """A journal field that must stay between two bounds, from one second to another."""

    field: str
    from_s: int
    to_s: int
    at_least: int
    at_most: int


@dataclass(frozen=True)
class Scenario:
    """`change` amends the site file: {"rules.demand.target_w": 300000}."""

    path: Path
    about: str
    start_s: int
    for_s: int
    faults: tuple[Planned, ...]
    watches: tuple[Watch, ...]
    rests_within_s: int | None = None  # 0 W so soon after a device's fault began, until its end
    resumes_within_s: int | None = None  # back at work so soon after a fault's end
    works_through: bool = False  # no fault makes the battery rest
    demand_max_w: int | None = None  # no quarter-hour imports more
    delivered: bool = False  # every row is in the store, once
    black_max_s: int | None = None  # an island may be without supply for so long
    island_s: int | None = None  # the site was on its own for so long at least
    shed: bool = False  # a load was shed, and all were back in the end
    starts_max: int | None = None  # the generator ran, and was started so often at most
    charged_wh: int | None = None  # vehicles were charged with so much at least
    laundered: bool = False  # an account that takes the battery for green hides the grid's carbon
    noticed: tuple[str, ...] = ()  # what the buses must have counted some of, on a wire: COUNTS
    source: tuple[str, ...] = ()  # who complained, as evcc-io/evcc#23395
    link: str = ""  # the wire of the device with the fault: one of LINKS; "": any
    change: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def end_s(self) -> int:
        """The second of the local day at which it is over."""
        return self.start_s + self.for_s

    @property
    def needs_wire(self) -> bool:
        """Whether readings alone cannot show what happens in it."""
        return any(fault.effect.needs_wire or fault.effect.part for fault in self.faults)

    @property
    def needs_slave(self) -> bool:
        """Whether only the raw slave can show what happens in it."""
        return any(fault.effect.needs_slave for fault in self.faults)

    @property
    def needs_island(self) -> bool:
        """Whether the site must be able to run without the grid."""
        return any(fault.effect.plant for fault in self.faults)

    @property
    def needs_cloud(self) -> bool:
        """Whether it is about the way up."""
        return self.delivered or self.strikes_cloud

    @property
    def strikes_cloud(self) -> bool:
        """Whether a part of the way up fails in it."""
        return any(fault.effect.part for fault in self.faults)


@dataclass(frozen=True)
class RigFile:
    """Where a scenario is tried: a site, a clock, a device under test and what feeds the plant."""

    path: Path
    site: Path
    clock: str
    dut: str
    load_w: int  # 0: the shipped factory
    pv_w: int  # peak of the roof; 0: none
    soc_pm: int
    change: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.path.stem


def find(folder: str, name: str) -> Path:
    """A file by path, or by its name among the shipped ones. ScenarioError when there is none."""
    shipped = sorted((HERE / folder).glob("*.toml"))
    for path in (Path(name), HERE / folder / f"{name}.toml"):
        if path.suffix == ".toml" and path.is_file():
            return path
    raise ScenarioError(f"found {name}, expected a file, or "
                        + one_of([path.stem for path in shipped], name))


def shipped() -> list[Path]:
    """The scenarios that come with parkedge."""
    return sorted((HERE / "scenarios").glob("*.toml"))


def known_faults() -> dict[str, Callable[..., Effect]]:
    """Every fault by its name."""
    return {name: made for module in (faults, wire_faults) for name, made in vars(module).items()
            if inspect.isfunction(made) and made.__module__ == module.__name__
            and not name.startswith("_") and name not in _HELPERS}


def fault(kind: str, keys: Mapping[str, int]) -> Effect:
    """The fault of a name. ValueError when there is none, or it has no such key."""
    made = known_faults().get(kind)
    if made is None:
        raise ValueError(f"kind: found {kind}, expected {one_of(known_faults(), kind)}")
    taken = inspect.signature(made).parameters
    for key in keys:
        if key not in taken:
            raise ValueError(f"{key}: unknown key, {kind} has {' '.join(taken) or 'none'}")
    return made(**keys)


def read_rig(path: Path) -> RigFile:
    """Read a rig. Raises ScenarioError."""
    findings, raw = _open(path)
    got = table(findings, "", raw, {
        "site": TEXT, "clock": choice(CLOCKS), "dut": choice(DUTS),
        "load_w": whole(0, 8_000_000, 0), "pv_w": whole(0, 8_000_000, 0),
        "soc_pm": whole(0, 1000, 600), "set": TABLE, "about": MAYBE_TEXT})
    _raise(findings)
    return RigFile(path, path.parent / got["site"], got["clock"], got["dut"], got["load_w"],
                   got["pv_w"], got["soc_pm"], got["set"])


def read(path: Path) -> Scenario:
    """Read a scenario. Raises ScenarioError."""
    findings, raw = _open(path)
    tables = {name: _tables(findings, name, raw.pop(name, [])) for name in ("fault", "watch")}
    hopes = table(findings, "expect", raw.pop("expect", {}), _EXPECT)
    got = table(findings, "", raw, {"about": TEXT, "start": _TIME, "for": _LENGTH, "set": TABLE,
                                    "source": list_of("texts", text), "link": _LINK})
    planned = [_fault(findings, f"fault[{n}]", one) for n, one in enumerate(tables["fault"])]
    watches = [_watch(findings, f"watch[{n}]", one) for n, one in enumerate(tables["watch"])]
    for number, one in enumerate(planned):
        if one and not got["start"] <= one.at_s <= one.end_s <= got["start"] + got["for"]:
            findings.add(f"fault[{number}]", f"{clock(one.at_s)} - {clock(one.end_s)}",
                         "times inside the scenario's")
    _raise(findings)
    found: dict[str, Any] = {key: None if type(value) is int and value < 0 else value
                             for key, value in hopes.items()}
    return Scenario(path, got["about"], got["start"], got["for"],
                    tuple(one for one in planned if one),
                    tuple(one for one in watches if one), change=got["set"],
                    source=got["source"], link=got["link"], **found)


def clock(second: int) -> str:
    """A second of the local day as people say it: 10:05, or 10:05:30."""
    minutes, seconds = divmod(second % _DAY_S, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")


def span(seconds: int) -> str:
    """A length of time as people say it."""
    unit = next((unit for unit in ("h", "min") if seconds and seconds % _SECONDS[unit] == 0), "s")
    return f"{seconds // _SECONDS[unit]} {unit}"


def _time(value: Any) -> int | None:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return sum(int(part or 0) * size for part, size in zip(found.groups(), (3600, 60, 1),
                                                           strict=True)) if found else None


def _length(value: Any) -> int | None:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _SECONDS[found[2]] if found else None


_TIME = Shape('a time as "10:05" or "10:05:30"', _time, 0, needed=True)
_LENGTH = Shape('a length of time as "8 s", "20 min" or "2 h"', _length, 0, needed=True)
_YES = Shape("true or false", lambda value: value if isinstance(value, bool) else None, False)
_LINK = Shape(one_of(LINKS), lambda value: value if value in LINKS else None, "")
_COUNTED = list_of(one_of(COUNTS), lambda value: value if value in COUNTS else None)
_EXPECT = {
    "rests_within_s": whole(0, 3600, -1), "resumes_within_s": whole(0, 3600, -1),
    "works_through": _YES, "noticed": _COUNTED, "delivered": _YES,
    "demand_max_w": whole(0, 8_000_000, -1), "black_max_s": whole(0, _DAY_S, -1),
    "island_s": whole(0, _DAY_S, -1), "shed": _YES, "starts_max": whole(1, 100, -1),
    "charged_wh": whole(1, 1_000_000, -1), "laundered": _YES}


def _open(path: Path) -> tuple[Findings, dict[str, Any]]:
    try:
        return Findings(path.name), toml(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from None


def _raise(findings: Findings) -> None:
    if findings.lines:
        raise ScenarioError("\n".join(findings.lines))


def _tables(findings: Findings, key: str, raw: object) -> list[dict[str, Any]]:
    if isinstance(raw, list) and all(isinstance(one, dict) for one in raw):
        return raw
    findings.add(key, raw, f"tables [[{key}]]")
    return []


def _fault(findings: Findings, key: str, raw: dict[str, Any]) -> Planned | None:
    before = len(findings.lines)
    own = {"kind": TEXT, "at": _TIME, "for": _LENGTH, "device": choice(ROLES)}
    keys = {name: value for name, value in raw.items() if name not in own and type(value) is int}
    try:
        effect = fault(str(raw.get("kind")), keys)
    except ValueError as error:
        findings.lines.append(f"{findings.file}: {key}.{error}")
        return None
    if effect.part or effect.plant:
        del own["device"]
    got = table(findings, key, {name: raw[name] for name in raw if name not in keys}, own)
    return None if len(findings.lines) > before else Planned(
        got["kind"], got["at"], got["for"], got.get("device", ""), effect)


def _watch(findings: Findings, key: str, raw: dict[str, Any]) -> Watch | None:
    before = len(findings.lines)
    got = table(findings, key, raw, {"field": choice(FIELDS), "from": _TIME, "to": _TIME,
                                     "at_least": _W, "at_most": _W})
    return None if len(findings.lines) > before else Watch(*got.values())
