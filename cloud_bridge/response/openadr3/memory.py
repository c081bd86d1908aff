"""What a client of OpenADR 3 has to know after a restart: when it first saw an event as it is now,
and what it has reported of it."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.announced import Said, number

_KEPT_S = 7 * 86_400


@dataclass
class Seen:
    """An event as the server lists it. `fills`: it asks for more load, not for less."""

    content: str
    first_utc: int
    last_utc: int
    fills: bool = False


class Memory:
    """Kept in `path`. DocumentError when the file is none of ours; OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seen: dict[str, Seen] = {}
        self._reported: set[str] = set()
        if path.exists():
            try:
                raw: Any = json.loads(path.read_text(encoding="utf-8"))
                self.seen = {name: Seen(**one) for name, one in raw["seen"].items()}
                self._reported = set(map(str, raw["reported"]))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise DocumentError(f"{path}: is no memory of a client's: {error}") from None

    def see(self, name: str, content: str, now_utc: int) -> Seen:
        """An event is listed; what is known of it, since when its content has been this."""
        known = self.seen.get(name)
        if known is None or known.content != content:
            known = self.seen[name] = Seen(content, now_utc, now_utc)
        known.last_utc = now_utc
        return known

    def unreported(self, said: Sequence[Said]) -> Iterable[tuple[str, Seen, Said]]:
        """What a gateway has said of events of this server, and nobody has reported."""
        names = {number(name): name for name in self.seen}
        for one in said:
            if one.number in names and _key(one) not in self._reported:
                yield names[one.number], self.seen[names[one.number]], one

    def report(self, said: Said) -> None:
        """It is reported, or nobody wants to hear it."""
        self._reported.add(_key(said))
        self.store()

    def forget(self, said: Sequence[Said], now_utc: int) -> None:
        """What the server has not listed for a week, and reports of it."""
        self.seen = {name: one for name, one in self.seen.items()
                     if one.last_utc + _KEPT_S > now_utc}
        numbers = {number(name) for name in self.seen}
        self._reported &= {_key(one) for one in said if one.number in numbers}

    def store(self) -> None:
        """Make it durable."""
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"seen": {name: asdict(one) for name, one in self.seen.items()},
                       "reported": sorted(self._reported)}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _key(said: Said) -> str:
    return f"{said.number}/{said.rev}/{said.phase}/{said.reason}/{said.utc}"
