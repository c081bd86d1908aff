"""What the demo prints: a live picture on a terminal, one line an event anywhere else."""

import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from boards import why
from boards.journal_file import Header
from boards.why_words import Row, power
from edge.journal import FIELDS
from edge.snapshot import NEVER_MS, TRUSTED
from hil.demo_day import Seen
from hil.scenario import clock

_BAR = 30  # characters from nothing to the target
_QUARTER_S = 900
_HOUR_S = 3600
_SOC_PM = 10
_COLUMNS = 80  # what a terminal has at least
_INDENT = 17  # of a reason: below its bound


class View:
    """`say` prints a line that stays; `show` draws what passes."""

    def __init__(self, header: Header) -> None:
        self._header = header

    def say(self, line: str = "") -> None:
        """Print a line."""
        click.echo(line)

    def news(self, seen: Seen) -> None:
        """Tell what has happened at a beat."""
        for mark, text in seen.news:
            self.say(f" {clock(seen.at_s)}  {mark} {text}")

    def show(self, seen: Seen) -> None:
        """One line an hour, so that a log tells the day as well."""
        if seen.at_s % _HOUR_S == 0:
            row = _named(seen.row)
            said = why.explain(why.Second((row["day"], row["second"]), row, self._header))
            self.say(f" {clock(seen.at_s)}    {_powers(row)}  {_whose(said)}")

    def live(self) -> AbstractContextManager[object]:
        """While the day passes."""
        return nullcontext()


class LiveView(View):
    """Redraws a few lines in place."""

    def __init__(self, header: Header) -> None:
        super().__init__(header)
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False)
        self._live = Live(console=self._console, refresh_per_second=12, transient=True)

    def say(self, line: str = "") -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def show(self, seen: Seen) -> None:
        from rich.text import Text

        lines = picture(seen, self._header, self._console.width)
        text = Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
        text.highlight_regex(r"#+", "green")
        text.highlight_regex(r"!+\]", "red")
        text.highlight_regex(r"(?m)^ (\d\d:\d\d|demand|why|cloud)", "bold")
        self._live.update(text)

    def live(self) -> AbstractContextManager[object]:
        return self._live


def view(header: Header) -> View:
    """The one that fits where the output goes."""
    return (LiveView if sys.stdout.isatty() else View)(header)


def picture(seen: Seen, header: Header, columns: int = _COLUMNS) -> list[str]:
    """The few lines of one moment: powers, the demand window, the way up, why."""
    row = _named(seen.row)
    said = why.explain(why.Second((row["day"], row["second"]), row, header))
    frames = f"{seen.waiting} frame{'' if seen.waiting == 1 else 's'}"
    way = f"{frames} under way" if seen.waiting else "everything is in the store"
    if not seen.connected:
        way = f"no network: {frames} in the outbox"
    return ["", f" {clock(seen.at_s)[:5]}  {_powers(row)}", *_window(row, seen.at_s),
            f" cloud  {way}", *_why(said, columns)]


def _named(values: Sequence[int]) -> Row:
    return dict(zip(FIELDS, values, strict=True))


def _powers(row: Row) -> str:
    """What is known now; a reading that is not to be trusted is a dash."""
    grid = f"{row['grid_w'] / 1000:.0f}" if row["flags"] & TRUSTED else "  -"
    pv = f"{row['pv_w'] / 1000:.0f}" if row["pv_age_ms"] < NEVER_MS else "-"
    return (f"grid {grid:>3} kW  battery {row['command_w'] / 1000:+4.0f} kW  "
            f"SoC {row['soc_pm'] // _SOC_PM:>2} %  PV {pv:>3} kW")


def _window(row: Row, at_s: int) -> list[str]:
    """The quarter-hour the utility bills: how much of it is used, and how it may go on."""
    target_w, used_w = row["target_w"], row["demand_w"]
    start_s = at_s - at_s % _QUARTER_S
    gone_s = at_s - start_s
    head = f"window {clock(start_s)}-{clock(start_s + _QUARTER_S)}, {gone_s // 60} min gone"
    if target_w <= 0:
        return [f" demand {head}, no target yet"]
    filled = min(used_w * _BAR // target_w, _BAR + 6)
    bar = ("#" * min(filled, _BAR)).ljust(_BAR, "-") + "|" + "!" * max(filled - _BAR, 0)
    left = (f"the rest may import {power(max(row['hold_w'], 0) // 1000 * 1000)}"
            if gone_s >= 60 else "it begins")
    return [f" demand [{bar}] {used_w / 1000:.0f} of {target_w / 1000:.0f} kW",
            f"        {head}; {left}"]


def _why(said: Mapping[str, Any], columns: int) -> list[str]:
    """Both bounds in words, the one the command stands at first."""
    low, high = said["low"], said["high"]
    lines = []
    for bound in [high, low] if _from_above(said) else [low, high]:
        lines.append(f"        {bound['rule']:<8} {bound['bound']}")
        lines += textwrap.wrap(bound["why"], columns - 1, initial_indent=" " * _INDENT,
                               subsequent_indent=" " * _INDENT)
    return [" why    " + lines[0].lstrip(), *lines[1:]]


def _whose(said: Mapping[str, Any]) -> str:
    """The rule the command comes from."""
    if not said["chosen_w"]:
        return "idle"
    rule: str = said["high" if _from_above(said) else "low"]["rule"]
    return rule


def _from_above(said: Mapping[str, Any]) -> bool:
    """Whether the command stands at the upper bound: it charges because it must."""
    return bool(said["chosen_w"] < 0 and said["high"]["w"] < 0)
