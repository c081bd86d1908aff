"""The boards there are: a file in this folder with a class Board is all it takes.

What a board can do stands in its file as plain constants. They are read from the syntax tree,
because a microcontroller's board imports what only exists there.
"""

import ast
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards.pulse_source import place
from boards.shapes import Findings
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class BoardFile:
    """One board as its file declares it."""

    name: str
    meaning: str
    constants: Mapping[str, Any]  # FIRMWARE, UARTS, WATCHDOG_MS, FLASH_BYTES ...

    @property
    def micropython(self) -> bool:
        """Whether it runs MicroPython and has to be flashed; the others run where they stand."""
        return "FIRMWARE" in self.constants


def boards() -> dict[str, BoardFile]:
    """Every board by name."""
    found = (_read(path) for path in sorted(FOLDER.glob("[a-z]*.py")))
    return {board.name: board for board in found if board is not None}


def _read(path: Path) -> BoardFile | None:
    text = path.read_text(encoding="utf-8")
    if "\nclass Board" not in text:  # parsing all of them would take its time
        return None
    tree = ast.parse(text)
    if not any(isinstance(node, ast.ClassDef) and node.name == "Board" for node in tree.body):
        return None
    constants = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) \
                and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = node.value.value
    meaning = (ast.get_docstring(tree) or "").partition("\n")[0]
    return BoardFile(path.stem, meaning, constants)


def misfits(site: "Site", board: BoardFile) -> list[str]:
    """What of a valid site this board cannot do, a line each."""
    findings = Findings(site.path.name)
    uarts = board.constants.get("UARTS")
    for bus in site.buses:
        if board.micropython and bus.image["link"] == "can":
            findings.add(f"bus {bus.name} link", "can", f"another on {board.name}: it has no CAN")
        path = bus.image.get("path")
        if path is None:
            continue
        if uarts is None and not isinstance(path, str):
            findings.add(f"bus {bus.name} path", path, f'a serial device as "/dev/ttyUSB0" '
                         f"on {board.name}")
        elif uarts is not None and (isinstance(path, str) or path >= uarts):
            findings.add(f"bus {bus.name} path", path, f"the number of a UART, 0 .. {uarts - 1}, "
                         f"on {board.name}")
    pins = board.constants.get("PULSE_INPUTS", "")
    for meter in site.media:
        if meter.input and (meter.input not in pins.split() if board.micropython
                            else board.name == "pi" and not place(meter.input)[0]):
            findings.add(f"medium {meter.name} input", meter.input, f"one of {pins}" if
                         board.micropython else 'a line as "17" or "gpiochip4:17" on pi')
    page = site.sections["page"]
    if board.micropython and page["port"] and ipaddress.ip_address(page["address"]).is_loopback:
        findings.add("page.address", page["address"], f"0.0.0.0 or the address of {board.name}: "
                     "there is nobody on the board itself to read it")
    if board.micropython and "iec104" in site.sections:
        say(findings, "iec104", f"found a table, expected none on {board.name}: a dispatch centre "
            "is served by pi and emulator")
    beat_s, watchdog_ms = site.sections["site"]["beat_s"], board.constants.get("WATCHDOG_MS")
    if watchdog_ms is not None and 1500 * beat_s > watchdog_ms:
        say(findings, "site.beat_s", f"found {beat_s} s, expected at most {watchdog_ms // 1500} s: "
            f"the watchdog of {board.name} bites after {watchdog_ms} ms without a beat")
    return findings.lines
