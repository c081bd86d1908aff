"""Site files to vary: the examples, changed by replacing text."""

from __future__ import annotations

import datetime
from pathlib import Path

from boards import profiles
from boards.shapes import one_of
from boards.site import Checked, Site, check_bytes

ROOT = Path(__file__).resolve().parents[2]
FOUNDRY = ROOT / "examples" / "foundry" / "site.toml"
DEPOT = ROOT / "examples" / "depot" / "site.toml"
MILL = ROOT / "examples" / "mill" / "site.toml"
OFFICE = ROOT / "examples" / "office" / "site.toml"
TODAY = datetime.date(2025, 11, 22)


def changed(*pairs: tuple[str, str], base: Path = FOUNDRY) -> str:
    """The text of a site file with the first of each pair replaced by the second, once."""
    text = base.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def judge(text: str | bytes, path: Path = FOUNDRY) -> Checked:
    """What is said of a text, as if it lay at `path`."""
    return check_bytes(text.encode() if isinstance(text, str) else text, path, TODAY)


def valid(path: Path = FOUNDRY) -> Site:
    """An example as a site."""
    site = judge(path.read_bytes(), path).site
    assert site is not None
    return site


def feeding(signal: str) -> str:
    """The profiles that read a signal, as a message lists them."""
    return " ".join(name for name in profiles.ids() if signal in profiles.load(name).signals)


def commanded() -> str:
    """The profiles that take a battery's setpoint, likewise."""
    controls = {name: profiles.load(name).control for name in profiles.ids()}
    return " ".join(name for name, control in controls.items()
                    if control and control.is_power)


def any_profile(meant: str) -> str:
    """What is expected where no such profile was found."""
    return one_of(profiles.ids(), meant)
