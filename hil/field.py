"""`python -m hil field`: what users of other systems complained of, played on every wire we have.

Each scenario with a `source` is played over TCP and on serial lines, with the gateway on CPython
and on a real MicroPython; both must leave the same rows, byte for byte.
"""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from boards.build import BuildError
from boards.site import SiteError
from hil import scenario
from hil.dut import DutError
from hil.patience import RigError
from hil.results import Result
from hil.rig import Record
from hil.run import misfit, play
from hil.scenario import Scenario

WIRES = {"TCP": ("wire_tcp", "wire_tcp_micropython"),
         "line": ("wire_pty", "wire_pty_micropython")}
_MARKS = {"passed": "+", "failed": "!", "skipped": "-"}
# What shows itself in every scenario, or in a test alone: complaint, source, where.
ELSEWHERE = (
    ("Silence between frames is skipped, and a slave loses one",
     "sunspec/pysunspec2#21, node-modbus-serial#455, stephane/libmodbus#494",
     "judged in every scenario: a request before its line has rested"),
    ("Two devices on a bus time out; a gap of 25 ms cures it", "OpenEMS/openems#3099",
     "judged in every scenario, as above; tests/devices/test_bus_turns.py"),
    ("The device takes one function code for writes and not the other",
     "mbpoll#32, modbus-cli#22, linuxcnc#487, home-assistant.io#25750",
     "every scenario: the simulated device refuses the other; tests/devices/test_conformance.py"),
    ("Both halves of a value are from different readings", "Growatt_ModbusTCP#417",
     "tests/devices/test_profiles.py: no value comes from two reads"),
    ("Setpoints wear out memory that keeps them for good",
     "solaredge-modbus-multi#726, Growatt_ModbusTCP#392",
     "tests/devices/test_steps.py: no 24 hours see more writes than the memory bears"),
    ("A second master overwrites the setpoint", "trust: attack 10",
     "hil/scenarios/second_master.toml, tests/attacks/test_10_second_master.py"),
)


@dataclass
class Played:
    """One scenario on one wire: what became of it on CPython and on MicroPython."""

    results: list[Result]
    records: list[Record] = field(default_factory=list)

    @property
    def marks(self) -> str:
        """For example ++."""
        return "".join(_MARKS[one.verdict] for one in self.results)

    def problems(self) -> list[str]:
        """Everything that is wrong, a line each."""
        found = [f"{one.again}: {line}" for one in self.results for line in one.problems]
        if len(self.records) == 2 and (at := unlike(*self.records)):
            found.append(f"{self.results[1].again}: {at}")
        return found


def complaints() -> list[Scenario]:
    """The scenarios with a source."""
    return [one for one in map(scenario.read, scenario.shipped()) if one.source]


def played(one: Scenario, wire: str) -> Played:
    """Play one scenario on both interpreters over one of WIRES."""
    found = Played([])
    for rig in WIRES[wire]:
        one = scenario.read(one.path)  # anew: some faults count what they are asked
        file = scenario.read_rig(scenario.find("rigs", rig))
        result = Result(one, f"python -m hil run {rig} {one.name}", skipped=misfit(file, one, True))
        found.results.append(result)
        if result.skipped:
            continue
        with tempfile.TemporaryDirectory(prefix="parkedge-") as folder:
            try:
                found.records.append(play(file, one, result, Path(folder), lambda done: None))
            except (SiteError, RigError, DutError, BuildError, OSError, ValueError) as error:
                result.problems.append(f"{type(error).__name__}: {error}")
    return found


def unlike(one: Record, other: Record) -> str:
    """Where the rows of two records differ first; "" when they do not."""
    for at_s, here, there in zip(one.at_s, one.rows, other.rows, strict=False):
        if bytes(here) != bytes(there):
            return f"{scenario.clock(at_s)}: MicroPython's row is another than CPython's"
    return "" if len(one.rows) == len(other.rows) else "not as many rows as with CPython"


def table(found: Mapping[str, Mapping[str, Played]] | None = None) -> str:
    """A page of Markdown: complaint, source, scenario, and on which wires it is played, or what
    came of it."""
    lines = ["# Complaints from the field", "",
             "What users of other systems met with on the wire, and where it is played. Written by "
             "`python -m hil field --table`; `python -m hil field` plays all of it.", "",
             "| what happens | source | scenario | " + " | ".join(WIRES) + " |",
             "|---|---|---|" + "---|" * len(WIRES)]
    for one in complaints():
        cells = [found[one.name][wire].marks if found else
                 "" if one.link not in ("", wire_link) else "yes"
                 for wire, wire_link in (("TCP", "tcp"), ("line", "rtu"))]
        lines.append(f"| {one.about} | {', '.join(one.source)} | {one.name} | "
                     + " | ".join(cells) + " |")
    lines += ["", "Not a scenario of its own:", "", "| what happens | source | where |",
              "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in ELSEWHERE]
    return "\n".join(lines) + "\n"


@click.command("field")
@click.argument("names", nargs=-1)
@click.option("--table", "only_table", is_flag=True, help="Only the table, without playing.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="Where the table with the outcomes goes.")
def command(names: Sequence[str], only_table: bool, out: Path | None) -> None:
    """Complaints from the field: over TCP and lines, on CPython and MicroPython.

    NAMES are scenarios with a source; all without. A mark for each interpreter: + as expected,
    ! not so, - no such thing on this wire. Exit status 1 when one is not as expected.

    \b
    Example:
      python -m hil field meter_silent rival_client
    """
    if only_table:
        click.echo(table(), nl=False)
        return
    asked = [one for one in complaints() if not names or one.name in names]
    if unknown := set(names) - {one.name for one in asked}:
        raise click.UsageError(f"found {' '.join(sorted(unknown))}, expected scenarios with a "
                               "source")
    began, found, wrong = time.monotonic(), {}, 0
    for one in asked:
        found[one.name] = {wire: played(one, wire) for wire in WIRES}
        marks = "  ".join(f"{wire} {each.marks}" for wire, each in found[one.name].items())
        click.echo(f" {one.name:<24} {marks}  {', '.join(one.source)}")
        for each in found[one.name].values():
            for line in each.problems():
                wrong += 1
                click.echo(f"   {line}")
    plays = sum(not one.skipped for each in found.values() for both in each.values()
                for one in both.results)
    click.echo(f"\n{len(asked)} complaints, {plays} plays, {wrong} problems, "
               f"{time.monotonic() - began:.0f} s")
    if out is not None and not names:
        out.write_text(table(found), encoding="utf-8")
    sys.exit(1 if wrong else 0)
