"""What became of a rig's scenarios: for people as a page of Markdown, for machines as JUnit XML."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge import __version__
from edge.journal import FIELDS
from hil.rig import Record
from hil.scenario import Scenario, span
from hil.trace import MINUTES

_COMMAND = FIELDS.index("command_w")
_GRID_AGE = FIELDS.index("grid_age_ms")


@dataclass
class Result:
    """One scenario on one rig. `problems`: a line each; `skipped`: why it was not played;
    `unjudged`: what of it the rig cannot tell."""

    scenario: Scenario
    again: str  # the command that plays it again
    problems: list[str] = field(default_factory=list)
    skipped: str = ""
    unjudged: str = ""
    took_s: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """passed, failed or skipped."""
        return "skipped" if self.skipped else "failed" if self.problems else "passed"


def figures(record: Record) -> dict[str, Any]:
    """What a run measured, by name; None where there was nothing to measure it by."""
    windows: dict[int, list[int]] = {}
    for one in record.samples:
        windows.setdefault(one.at_s // (MINUTES * 60), []).append(max(one.grid_w, 0))
    means = [sum(found) // len(found) for found in windows.values()
             if len(found) * record.beat_s >= MINUTES * 60]
    at_work = [row[_GRID_AGE] for row in record.rows if row[_COMMAND]]
    return {
        "beats": len(record.rows), "peak_w": max(means, default=None),
        "battery_max_w": max((abs(one.store_w) for one in record.samples), default=None),
        "oldest_grid_ms": max(at_work, default=None),  # of the readings the battery ran by
        "rows_stored": None if record.stored is None else len(record.stored),
        "broker": record.broker,
        **record.counts}


def json_of(rig: str, results: Sequence[Result]) -> dict[str, Any]:
    """Everything, for a machine."""
    return {"rig": rig, "version": __version__, "scenarios": [
        {"name": one.scenario.name, "verdict": one.verdict, "problems": one.problems,
         "skipped": one.skipped, "unjudged": one.unjudged, "seconds": round(one.took_s, 2),
         "figures": one.figures, "again": one.again} for one in results]}


def write(folder: Path, rig: str, results: Sequence[Result]) -> None:
    """Write junit.xml and report.md."""
    (folder / "junit.xml").write_bytes(junit(rig, results))
    (folder / "report.md").write_text(markdown(rig, results), encoding="utf-8")


def junit(rig: str, results: Sequence[Result]) -> bytes:
    """The results as build servers read them."""
    suite = ElementTree.Element("testsuite", {
        "name": f"parkedge rig {rig}", "tests": str(len(results)),
        "failures": str(sum(one.verdict == "failed" for one in results)),
        "skipped": str(sum(one.verdict == "skipped" for one in results)),
        "time": f"{sum(one.took_s for one in results):.3f}"})
    for one in results:
        case = ElementTree.SubElement(suite, "testcase", {
            "classname": f"rig.{rig}", "name": one.scenario.name, "time": f"{one.took_s:.3f}"})
        if one.skipped:
            ElementTree.SubElement(case, "skipped", {"message": one.skipped})
        if one.problems:
            failure = ElementTree.SubElement(case, "failure", {"message": one.problems[0]})
            failure.text = "\n".join([*one.problems, f"again: {one.again}"])
        said = ElementTree.SubElement(case, "system-out")
        said.text = " ".join(f"{name}={value}" for name, value in one.figures.items()
                             if value is not None)
    ElementTree.indent(suite)
    page: bytes = ElementTree.tostring(suite, "utf-8", xml_declaration=True)
    return page + b"\n"


def markdown(rig: str, results: Sequence[Result]) -> str:
    """One page: the verdicts, the figures, what went wrong and how to see it again."""
    lines = [f"# Rig {rig}", "", f"parkedge {__version__}: {tally(results)}", "",
             "| scenario | verdict | beats | peak, 15 min | oldest grid reading acted on | "
             "requests | unanswered or wrong | rows in the store |",
             "|---|---|--:|--:|--:|--:|--:|--:|"]
    for one in results:
        lines.append(f"| {one.scenario.name} | {one.verdict} | "
                     + " | ".join(_cells(one.figures)) + " |")
    lines.append("")
    for one in results:
        lines.append(f"**{one.scenario.name}** ({span(one.scenario.for_s)}): {one.scenario.about}")
        if one.skipped:
            lines += ["", f"Not played: {one.skipped}."]
        if one.unjudged:
            lines += ["", f"Not judged: {one.unjudged}."]
        if one.problems:
            lines += ["", *(f"- {line}" for line in one.problems), "", f"Again: `{one.again}`"]
        lines.append("")
    return "\n".join(lines)


def tally(results: Sequence[Result]) -> str:
    """3 passed, 1 failed, 2 skipped; broker mosquitto."""
    verdicts = [one.verdict for one in results]
    said = [f"{verdicts.count(word)} {word}" for word in ("passed", "failed", "skipped")
            if verdicts.count(word)]
    brokers = {one.figures.get("broker") for one in results} - {None}
    return "; ".join([", ".join(said) or "nothing played", *(f"broker {one}" for one in brokers)])


def _cells(found: dict[str, Any]) -> list[str]:
    def shown(name: str, factor: float = 1, unit: str = "") -> str:
        value = found.get(name)
        return "" if value is None else f"{value / factor:.{1 if factor > 1 else 0}f}{unit}"

    wrong = [found[name] for name in ("timeouts", "exceptions", "crc_errors", "foreign")
             if name in found]
    return [shown("beats"), shown("peak_w", 1000, " kW"), shown("oldest_grid_ms", 1000, " s"),
            shown("requests"), str(sum(wrong)) if wrong else "", shown("rows_stored")]
