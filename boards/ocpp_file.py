"""The file of `parkedge serve ocpp`: the central system and its charge points.

It is read with the words of a site file. Passwords stand elsewhere, in a file that nobody else may
read or in the environment, as they are or as "sha256:" and 64 hexadecimal digits; only the hash is
kept. As they are no words of people but random, one round of SHA-256 is enough.
"""

import hashlib
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards.ocpp_connector import DEFAULT, OF_TRANSACTION, Wiring
from boards.ocpp_meter import Rating
from boards.shapes import MAYBE_TEXT, TABLE, Findings, Shape, list_of, table, text, toml, whole

_NAME = re.compile("[A-Za-z0-9_.-]{1,48}")
_CARD = re.compile(r"[\x21-\x7e]{1,20}")  # CiString20
_HASH = re.compile("sha256:[0-9a-f]{64}")
_LEAST_PASSWORD, _MOST_PASSWORD = 16, 40  # security whitepaper, 2.4: AuthorizationKey
_STALE = 3  # samples after which a value is too old


@dataclass(frozen=True)
class ChargePoint:
    """One [[charge_point]]; `password` is the hash of it."""

    name: str
    password: bytes
    connectors: tuple[Wiring, ...]
    rate_unit: str  # A, W or auto


@dataclass(frozen=True)
class CentralSystem:
    """The whole file. `cards`: who may charge, None: anybody."""

    address: str
    port: int
    certificate: str  # with its key, files of PEM; "": ws://
    key: str
    modbus_address: str
    modbus_port: int
    cards: frozenset[str] | None
    sample_s: int
    charge_points: tuple[ChargePoint, ...]


class FileError(Exception):
    """What is wrong with the file, a line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _ip(value: Any) -> Any:
    try:
        return str(ipaddress.ip_address(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _cards(value: Any) -> Any:
    if value == "any":
        return value
    fits = isinstance(value, list) and value and all(
        isinstance(one, str) and _CARD.fullmatch(one) for one in value)
    return frozenset(one.casefold() for one in value) if fits else None


def _phases(value: Any) -> Any:
    fits = isinstance(value, list) and value and all(one in (1, 2, 3) for one in value)
    return tuple(value) if fits and len(set(value)) == len(value) else None


def _word(words: tuple[str, ...]) -> Shape:
    return Shape("one of " + " ".join(words), lambda value: value if value in words else None,
                 words[0], choices=words)


def _table_list(value: Any) -> Any:
    fits = isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    return value if fits else None


_ADDRESS = Shape("an IP address", _ip, "127.0.0.1")
_TOP = {"server": TABLE,
        "charge_point": Shape("one table [[charge_point]] or more", _table_list, [], needed=True)}
_SERVER = {
    "address": _ADDRESS, "port": whole(0, 65535, 8887),
    "cleartext": whole(0, 1, 0), "certificate": MAYBE_TEXT, "key": MAYBE_TEXT,
    "modbus_address": _ADDRESS, "modbus_port": whole(0, 65535, 1503),
    "id_tags": Shape('"any", or a list of 1 .. 20 characters each', _cards, "any", needed=True),
    "sample_s": whole(1, 300, 10), "fallback_s": whole(20, 120, 120),
}
_POINT = {
    "id": Shape("A-Z, a-z, 0-9, _, . and -, 1 .. 48 of them",
                lambda value: value if _NAME.fullmatch(text(value) or "") else None, "", True),
    "password_file": MAYBE_TEXT, "password_env": MAYBE_TEXT,
    "units": list_of("the Modbus unit of each connector, 1 .. 247",
                     lambda value: value if type(value) is int and 1 <= value <= 247 else None,
                     needed=True),
    "phases": Shape("the site's phases behind L1, L2, L3, as [1, 2, 3]", _phases, (1, 2, 3)),
    "min_a": whole(6, 80, 6), "max_a": whole(6, 500), "failsafe_a": whole(0, 500),
    "volts": whole(100, 500, 230), "rate_unit": _word(("auto", "A", "W")),
    "purpose": _word((OF_TRANSACTION, DEFAULT)),
}


def load(path: Path) -> CentralSystem:
    """Read and check the file. FileError with every mistake; OSError when it cannot be read."""
    findings = Findings(path.name)
    try:
        raw = toml(path.read_bytes())
    except ValueError as error:
        raise FileError([f"{path.name}: {error}"]) from None
    top = table(findings, "", raw, _TOP)
    server = table(findings, "server", top["server"], _SERVER)
    _check_server(findings, server)
    read = [(f"charge_point[{at}]", table(findings, f"charge_point[{at}]", one, _POINT))
            for at, one in enumerate(top["charge_point"])]
    _check_twice(findings, [point for _, point in read])
    points = tuple(_point(findings, key, point, server, path.parent) for key, point in read)
    if findings.lines:
        raise FileError(findings.lines)
    cards = None if server["id_tags"] == "any" else server["id_tags"]
    named: dict[str, Any] = {name: server[name] for name in (
        "address", "port", "modbus_address", "modbus_port", "sample_s")}
    named |= {name: str(path.parent / server[name]) if server[name] else ""
             for name in ("certificate", "key")}
    return CentralSystem(**named, cards=cards, charge_points=points)


def _check_server(findings: Findings, server: Any) -> None:
    if bool(server["certificate"]) != bool(server["key"]):
        findings.add("server.key", server["key"] or None, "certificate and key, or neither")
    far = not ipaddress.ip_address(server["address"]).is_loopback
    if far and not server["certificate"] and not server["cleartext"]:
        findings.add("server.address", server["address"], "certificate and key, or cleartext = 1: "
                     "passwords would cross the network as anybody can read them")


def _check_twice(findings: Findings, points: list[Any]) -> None:
    names = [point["id"] for point in points]
    units = [unit for point in points for unit in point["units"]]
    for key, values in (("charge_point.id", names), ("charge_point.units", units)):
        for value in sorted({value for value in values if values.count(value) > 1}):
            findings.add(key, value, "each once")


def _point(findings: Findings, key: str, raw: Any, server: Any, folder: Path) -> ChargePoint:
    least, most, safe = raw["min_a"], raw["max_a"], raw["failsafe_a"]
    if most < least:
        findings.add(f"{key}.max_a", most, f"at least min_a = {least}")
    if safe and not least <= safe <= most:
        findings.add(f"{key}.failsafe_a", safe, f"0 to pause, or {least} .. {most}")
    rating = Rating(most * 1000, raw["phases"], raw["volts"])
    connectors = tuple(
        Wiring(number, unit, rating, least * 1000, safe * 1000, server["fallback_s"],
               _STALE * server["sample_s"], raw["purpose"])
        for number, unit in enumerate(raw["units"], 1))
    return ChargePoint(raw["id"], _password(findings, key, raw, folder), connectors,
                       raw["rate_unit"])


def _password(findings: Findings, key: str, raw: Any, folder: Path) -> bytes:
    """The hash of the password; what it is never becomes part of a finding."""
    name, variable = raw["password_file"], raw["password_env"]
    if bool(name) == bool(variable):
        findings.add(f"{key}.password_file", name or None, "one of password_file, password_env")
        return b""
    if variable:
        said, place = os.environ.get(variable), f"{key}.password_env: {variable}"
    else:
        place = f"{key}.password_file"
        said = _secret(findings, place, folder / name)
        if said is None:
            return b""
    said = (said or "").strip()
    if _HASH.fullmatch(said):
        return bytes.fromhex(said.removeprefix("sha256:"))
    if not _LEAST_PASSWORD <= len(said) <= _MOST_PASSWORD:
        findings.lines.append(f"{findings.file}: {place}: found {len(said)} characters, expected "
                              f"{_LEAST_PASSWORD} .. {_MOST_PASSWORD}, or sha256:HEX")
    return hashed(said)


def _secret(findings: Findings, key: str, path: Path) -> str | None:
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            findings.add(key, f"mode {mode:04o}", "0600: others could read it")
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        findings.add(key, f"{path}: {getattr(error, 'strerror', None) or 'no UTF-8 text'}",
                     "a file with the password")
        return None


def hashed(password: str) -> bytes:
    """What is kept of a password, and held against what comes."""
    return hashlib.sha256(password.encode()).digest()
