"""What the demo prints: a live picture on a terminal, one line an event anywhere else."""

import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from collections.abc import Iterator
from typing import Any

import click

from boards import why
from boards.journal_file import Header
from boards.local_time import local
from boards.why_words import energy, power
from edge.journal import FIELDS
from hil.demo_day import Plan, Seen
from hil.scenario import Scenario, clock, span

_BAR = 30
_QUARTER_S = 900
_HOUR_S = 3600


class View:
    """`say` prints a line that stays; `show` draws what passes."""

    def __init__(self, header: Header, limit_w: int) -> None:
        self._header = header
        self._limit_w = limit_w

    def say(self, line: str) -> None:
        click.echo(line)

    def show(self, seen: Seen) -> None:
        """One line an hour, so that a log tells the day as well."""
        if seen.at_s % _HOUR_S == 0:
            self.say(f" {clock(seen.at_s)}    {_powers(_named(seen.row), seen)}")

    def live(self) -> AbstractContextManager[object]:
        """While the day passes."""
        return nullcontext()

    def news(self, seen: Seen) -> None:
        """Tell what has happened."""
        for mark, text in seen.news:
            self.say(f" {clock(seen.at_s)}  {mark} {text}")


class LiveView(View):
    """Redraws a few lines in place."""

    def __init__(self, header: Header, limit_w: int) -> None:
        super().__init__(header, limit_w)
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False)
        self._live = Live(console=self._console, refresh_per_second=12, transient=True)

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, no_wrap=True, overflow="ellipsis", crop=True)

    def live(self) -> AbstractContextManager[object]:
        return self._live

    def show(self, seen: Seen) -> None:
        from rich.text import Text

        text = Text("\n".join(self._lines(seen)), no_wrap=True, overflow="ellipsis")
        self._live.update(text)

    def _lines(self, seen: Seen) -> list[str]:
        row = _named(seen.row)
        second = why.Second((row["day"], row["second"]), row, self._header)
        said = why.explain(second)
        return ["", f" {clock(seen.at_s)[:5]}  {_powers(row, seen)}",
                *_window(row, seen.at_s, self._limit_w),
                *_why(said),
                f" cloud  {seen.waiting} frames wait" if seen.waiting > 8 else " cloud  delivered"]


def view(header: Header, limit_w: int) -> View:
    """The one that fits where the output goes."""
    return (LiveView if sys.stdout.isatty() else View)(header, limit_w)
