"""Device profiles on disk. What a profile means is its protocol's: a module profile_<proto>.py
reads it, checks it and compiles it to the image that a gateway's driver executes."""

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from boards.profile_schema import PROTOS, Profile
from boards.shapes import Findings, one_of

FOLDER = Path(__file__).parent.parent / "edge" / "devices"


class ProfileError(ValueError):
    """A profile that cannot be used; `lines` says everything that is wrong with it."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(tuple(lines))  # what pickling hands to the next process
        self.lines = tuple(lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def ids() -> list[str]:
    """Every profile there is: a file in the folder is all it takes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(profile_id: str) -> Profile:
    """Read one profile by its id. Raises ProfileError with every mistake in it."""
    path = FOLDER / f"{profile_id}.toml"
    if profile_id not in ids():
        raise ProfileError([f"no device profile {profile_id}: there are {', '.join(ids())}"])
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(text: str, file: str) -> Profile:
    """Read one profile from TOML text; `file` is its name. Raises ProfileError."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([f"{file}: not TOML: {error}"]) from error
    findings = Findings(file)
    proto = raw.pop("proto", "modbus")
    if proto not in PROTOS:
        findings.add("proto", proto, one_of(PROTOS, proto))
        raise ProfileError(findings.lines)
    profile: Profile = module(proto).read(raw, findings)
    if profile.id and profile.id != Path(file).stem:
        findings.add("id", profile.id, f'"{Path(file).stem}", the name of the file')
    module(proto).check(findings, profile)
    if findings.lines:
        raise ProfileError(findings.lines)
    return profile


def module(proto: str) -> Any:
    """What reads, checks and compiles the profiles of a protocol."""
    return import_module(f"boards.profile_{proto}")


def compile_device(profile: Profile, name: str, bus: int, unit: int, *, poll_ms: int = 1000,
                   min_w: int | None = None, max_w: int | None = None) -> dict[str, Any]:
    """Compile a profile for one device of a site into plain lists and integers.

    `bus` is the index of the site's bus, `unit` the device's address on it. `min_w` .. `max_w` are
    the site's limits for its setpoint (W, discharge positive; both or none); without them the
    device is only read. Raises ValueError when the limits make no sense for the device.
    """
    image: dict[str, Any] = module(profile.proto).compile_device(
        profile, name, bus, unit, poll_ms=poll_ms, min_w=min_w, max_w=max_w)
    return image
