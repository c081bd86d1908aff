"""What a programme's server says of its events, as revisions for a gateway.

A server lists its events anew each time. Here that becomes what a gateway has to be told: an event
that is new or another than before is a higher revision, and one that is gone from a list that came
whole is called off. A list that did not come, or not whole, changes nothing: silence is no cancel
(OpenADR 3 User Guide 7.3 has no word for it but the list). What was told, and under which revision,
stands in a file, so that whoever starts anew tells no event twice under another one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.announced import Announced

_KEPT_S = 7 * 86_400  # an event that is over is remembered for so long: a list may repeat it
_ENDING_S = 120  # a server drops what is over by its own clock; the last point is judged after that
LAST_REV = 65_535


@dataclass
class Known:
    """What is known of one event: its content, the revision it stands under, whether it is called
    off, whether the gateway has answered for that revision, and why not as it was asked."""

    content: str
    rev: int
    end_utc: int
    start_utc: int
    off: bool = False
    told: bool = False
    reason: str = ""


class Feed:
    """The events of one programme for one gateway, kept in `path`. DocumentError when the file is
    none of ours; OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Known] = {}
        self._wished: dict[str, Announced] = {}
        if path.exists():
            try:
                raw: Any = json.loads(path.read_text(encoding="utf-8"))
                self._known = {name: Known(**one) for name, one in raw["events"].items()}
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise DocumentError(f"{path}: is no list of events told: {error}") from None

    def take(self, listed: Mapping[str, Announced] | None, now_utc: int) -> list[Announced]:
        """Take a whole list (by name; revisions in it do not count), or None where none came; what
        the gateway still has to be told, the most important first."""
        if listed is not None:
            for name, one in listed.items():
                self._wish(name, one)
            for name, known in self._known.items():
                if name not in listed and not known.off and known.end_utc > now_utc + _ENDING_S:
                    self._revise(known, off=True)
            self._forget(now_utc)
            self._store()
        return sorted((self._announced(name, known) for name, known in self._known.items()
                       if not known.told and (known.off or name in self._wished)),
                      key=lambda one: (bool(one.intervals), one.priority, one.start_utc))

    def answered(self, name: str, rev: int, reason: str = "") -> None:
        """The gateway has answered for a revision, whatever it said: it is not told again."""
        known = self._known.get(name)
        if known is not None and known.rev == rev:
            known.told, known.reason = True, reason
            self._store()

    def judged(self, name: str) -> tuple[int, str] | None:
        """The revision that stands, and what the gateway has said of it ("": it is taken); None:
        nothing yet."""
        known = self._known.get(name)
        return None if known is None or not known.told else (known.rev, known.reason)

    def _wish(self, name: str, one: Announced) -> None:
        content = json.dumps([one.start_utc, one.reply_w, one.priority, one.flags, one.hush_min,
                              [list(part) for part in one.intervals]])
        end_utc = one.start_utc + 60 * sum(part[0] for part in one.intervals)
        self._wished[name] = one
        known = self._known.get(name)
        if known is None:
            self._known[name] = Known(content, 0, end_utc, one.start_utc)
        elif known.off or known.content != content:
            known.content, known.end_utc, known.start_utc = content, end_utc, one.start_utc
            self._revise(known, off=False)

    @staticmethod
    def _revise(known: Known, off: bool) -> None:
        known.rev, known.off, known.told = min(known.rev + 1, LAST_REV), off, False
        known.reason = ""

    def _forget(self, now_utc: int) -> None:
        old = [name for name, known in self._known.items() if known.end_utc + _KEPT_S < now_utc]
        for name in old:
            del self._known[name]
            self._wished.pop(name, None)

    def _announced(self, name: str, known: Known) -> Announced:
        if known.off:
            return Announced(name, known.rev, known.start_utc, known.start_utc)
        return self._wished[name]._replace(name=name, rev=known.rev)

    def _store(self) -> None:
        """Durable before anybody is told: a revision is never given to two contents."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"events": {name: asdict(one) for name, one in self._known.items()}}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
