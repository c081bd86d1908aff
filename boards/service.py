"""The systemd unit that runs a site on a Raspberry Pi."""

import sys
from pathlib import Path

from boards.site import Site

TEMPLATE = Path(__file__).with_name("parkedge.service")
TARGET = Path("/etc/systemd/system/parkedge.service")
AFTERWARDS = """\
sudo useradd --system --no-create-home --groups dialout parkedge
sudo systemctl daemon-reload
sudo systemctl enable --now parkedge
journalctl -u parkedge -f"""
_WATCHDOG_S = 10


def unit(site: Site, python: str = sys.executable) -> str:
    """The unit's text; three missed beats are the watchdog's limit, and at least ten seconds."""
    beat_s = site.sections["site"]["beat_s"]
    return TEMPLATE.read_text(encoding="utf-8").format(
        site=site.path.resolve(), name=site.name, python=python,
        root=Path(__file__).resolve().parent.parent, watchdog_s=max(_WATCHDOG_S, 3 * beat_s))
