"""The JSON schema of a site file, for editors: made from the tables the validator reads.

Draft 4, the only one that TOML editors know (taplo). It knows each key by itself; what must hold
between keys only `check` says.
"""

from collections.abc import Iterable
from typing import Any

from boards import profiles
from boards.site_fields import LISTS, WORDS
from boards.site_tables import (
    ALWAYS,
    CHARGER,
    DEVICE,
    FLEET,
    LINK,
    LINKS,
    LOAD,
    MEDIA,
    MOST_BATTERIES,
    NAME,
    OWN_TABLES,
    TABLES,
    Field,
    clouds,
    rules,
)
from edge.config import OPTIONAL, SPECIAL

_KINDS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"},
    "line": {"type": ["string", "integer"], "minLength": 1, "minimum": 0, "maximum": 15},
    **{unit: {"enum": list(words)} for unit, words in WORDS.items()},
    "gateways": {"type": "array", "minItems": 1,
                 "items": {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}},
    "signals": {"type": "array", "items": {"type": "string", "minLength": 1}},
    "peers": {"type": "array", "items": {"type": "string", "minLength": 1}},
    "points": {"type": "array", "items": {"type": "array", "minItems": 3, "maxItems": 5}},
    "schedule": {"type": "array", "items": {"type": "array", "minItems": 4, "maxItems": 4}},
}


def schema() -> dict[str, Any]:
    """The schema as one JSON-able object."""
    tables: dict[str, Any] = {name: _table(fields) for name, fields in TABLES.items()}
    several = {"type": "object", "additionalProperties": False, "minProperties": 2,
               "maxProperties": MOST_BATTERIES,
               "patternProperties": {_KINDS["id"]["pattern"]: _table(FLEET["battery"])}}
    tables["battery"] = {"oneOf": [tables["battery"], several]}
    tables["gate"]["patternProperties"] = {_KINDS["id"]["pattern"]: _table(FLEET["gate"])}
    known = {name: rule for name, rule in rules().items() if name not in OWN_TABLES}
    tables["rules"] = _object(
        {name: _table(rule.fields) | {"description": rule.meaning} for name, rule in known.items()},
        [name for name in ALWAYS if _required(known[name].fields)])
    buses = [_table((NAME, LINK, *fields), {"link": [link]}) for link, fields in LINKS.items()]
    tables["bus"] = {"type": "array", "items": {"oneOf": buses}}
    tables["device"] = {"type": "array", "items": _table(DEVICE, {"profile": profiles.ids()})}
    tables["load"] = {"type": "array", "items": _table(LOAD)}
    tables["medium"] = {"type": "array", "items": _table(MEDIA)}
    tables["charger"] = {"type": "array", "items": _table(CHARGER)}
    keys = {field[0]: _key(field, {}) for cloud in clouds().values() for field in cloud.fields}
    tables["cloud"] = _object(keys, [])  # which of them a cloud has only `check` says
    required = [name for name in TABLES if name not in (*OPTIONAL, *SPECIAL)]
    return {"$schema": "http://json-schema.org/draft-04/schema#",
            "title": "A site of parkedge"} | _object(tables, [*required, "rules", "bus", "device"])


def _table(fields: Iterable[Field], choices: dict[str, list[str]] | None = None) -> dict[str, Any]:
    fields = tuple(fields)
    return _object({field[0]: _key(field, choices or {}) for field in fields}, _required(fields))


def _required(fields: Iterable[Field]) -> list[str]:
    return [name for name, _, _, _, default, _ in fields if default is None]


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    whole = {"type": "object", "additionalProperties": False, "properties": properties}
    return whole | {"required": required} if required else whole  # draft 4 allows no empty list


def _key(field: Field, choices: dict[str, list[str]]) -> dict[str, Any]:
    name, unit, low, high, default, meaning = field
    if low is not None:
        key: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    elif name in choices:
        key = {"enum": choices[name]}
    else:
        key = dict(_KINDS.get(unit, {"type": "string"}))
        if default is None and unit not in _KINDS:
            key["minLength"] = 1
    key["description"] = meaning if unit in _KINDS or low is None else f"{meaning} ({unit})"
    if default not in (None, -1) and unit not in LISTS:
        key["default"] = default
    return key
