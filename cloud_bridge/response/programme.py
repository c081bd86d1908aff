"""Programmes of demand response: how each works out a baseline, judges and pays. Data, with source
and validity, in edge/programmes; what could not be read in a source is listed as unverified."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import edge
from cloud_bridge import fields, response, source
from cloud_bridge.fields import DATE, NAME, TEXT, Field
from cloud_bridge.response import adjust, payment
from cloud_bridge.response.adjust import Adjust
from cloud_bridge.response.curve import FILL, SHAVE
from cloud_bridge.response.payment import Payment

FOLDER = Path(edge.__file__).parent / "programmes"
_HERE = Path(response.__file__).parent
_TABLE = Field("a table", lambda value: value if isinstance(value, dict) else None)
_FILE = {
    "name": NAME, "title": TEXT, "source": TEXT,
    "unverified": fields.list_of("texts", TEXT.read, 20).or_else(()),
    "valid_from": DATE.or_else(None), "zone": TEXT, "holidays": TEXT.or_else(""),
    "kinds": fields.list_of("kinds", fields.one_of((SHAVE, FILL)).read, 2).or_else((SHAVE,)),
    "interval_min": fields.whole(1, 60),
    "instants": Field("true or false", lambda value: value if isinstance(value, bool) else None),
    "baseline": _TABLE, "adjust": _TABLE.or_else({"kind": adjust.NONE}), "judge": _TABLE,
    "payment": _TABLE.or_else(None),
}


@dataclass(frozen=True)
class Programme:
    """`baseline` and `judge` are a module of their packages each, and what it is told."""

    name: str
    title: str
    source: str
    unverified: tuple[str, ...]
    valid_from: datetime.date | None
    zone: str
    holidays: str
    kinds: tuple[str, ...]
    interval_min: int
    instants: bool
    baseline: tuple[Any, Mapping[str, Any]]
    adjust: Adjust
    judge: tuple[Any, Mapping[str, Any]]
    payment: Payment | None


def shipped() -> list[str]:
    """The programmes that come with parkedge, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Programme:
    """A shipped programme by name, or one in a file. DocumentError; OSError."""
    path = FOLDER / f"{name}.toml" if name in shipped() else Path(name)
    if not path.is_file():
        raise fields.mistake("programme", name, "a file, or one of " + " ".join(shipped()))
    got = fields.read(path.name, source.toml(path), _FILE)
    got["baseline"] = _part(path.name, "baseline", "method", "baselines", got["baseline"])
    got["judge"] = _part(path.name, "judge", "rule", "judges", got["judge"])
    got["adjust"] = Adjust(**fields.read(f"{path.name}: adjust", got["adjust"], adjust.FIELDS))
    if got["adjust"].kind != adjust.NONE and got["adjust"].from_min <= got["adjust"].to_min:
        raise fields.mistake(f"{path.name}: adjust.from_min", got["adjust"].from_min,
                             f"more than to_min = {got['adjust'].to_min}")
    if got["payment"] is not None:
        got["payment"] = payment.of(f"{path.name}: payment", got["payment"])
    return Programme(**got)


def _part(file: str, table: str, key: str, package: str, found: Mapping[str, Any]
          ) -> tuple[ModuleType, Mapping[str, Any]]:
    """The module that a table names, with what else the table says to it."""
    known = sorted(path.stem for path in (_HERE / package).glob("[a-z]*.py"))
    name = found.get(key)
    if name not in known:
        raise fields.mistake(f"{file}: {table}.{key}", name, "one of " + " ".join(known))
    module = import_module(f"cloud_bridge.response.{package}.{name}")
    rest = {other: value for other, value in found.items() if other != key}
    return module, fields.read(f"{file}: {table}", rest, module.FIELDS)
