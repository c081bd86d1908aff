"""A site file with some keys changed: other limits for a scenario, other places for a rig."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from boards.shapes import toml
from boards.site import Site, SiteError, check_bytes

Raw = dict[str, Any]


def read(path: Path) -> Raw:
    """A site file as it stands. OSError; SiteError when it is not TOML."""
    try:
        return toml(path.read_bytes())
    except ValueError as error:
        raise SiteError([f"{path.name}: not TOML: {error}"]) from None


def change(raw: Raw, keys: Mapping[str, Any]) -> Raw:
    """The same with other values; a key is written as "rules.demand.target_w", one of a list of
    tables as "bus.0" or "bus.0.echo", the first is 0. ValueError: there is no such one."""
    changed = copy.deepcopy(raw)
    for key, value in keys.items():
        *sections, name = key.split(".")
        table: Any = changed
        for section in sections:
            table = table[_index(table, section, key)] if isinstance(table, list) \
                else table.setdefault(section, {})
        table[_index(table, name, key) if isinstance(table, list) else name] = copy.deepcopy(value)
    return changed


def _index(tables: Sequence[Any], name: str, key: str) -> int:
    if not name.isdecimal() or int(name) >= len(tables):
        raise ValueError(f"{key}: found {name}, expected 0 .. {len(tables) - 1}")
    return int(name)


def place(raw: Raw, buses: Sequence[Mapping[str, Any]], broker: Mapping[str, Any]) -> Raw:
    """The same with its buses, in their order, and its broker elsewhere."""
    moved = change(raw, {f"broker.{key}": value for key, value in broker.items()})
    for bus, keys in zip(moved["bus"], buses, strict=True):
        bus.update(keys)
    return moved


def site(raw: Raw, path: Path) -> Site:
    """The site; `path` is where its file lies, or would lie. Raises SiteError."""
    checked = check_bytes(text(raw).encode(), path)
    if checked.site is None:
        raise SiteError(checked.errors)
    return checked.site


def text(raw: Raw) -> str:
    """A site as TOML: values first, then tables, then lists of tables."""
    return "\n".join(_table("", raw)) + "\n"


def _table(place: str, table: Raw) -> list[str]:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items()
             if not isinstance(value, dict) and not _tables(value)]
    for key, value in table.items():
        name = f"{place}.{_key(key)}" if place else _key(key)
        if isinstance(value, dict):
            lines += [f"[{name}]", *_table(name, value)]
        elif _tables(value):
            for one in value:
                lines += [f"[[{name}]]", *_table(name, one)]
    return lines


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _key(key: str) -> str:
    return json.dumps(key)


def _value(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)  # the same for whole numbers, texts and lists
    return written.replace("\x7f", "\\u007f")  # but TOML takes no DEL as it is
