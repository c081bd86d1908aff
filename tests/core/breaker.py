"""A park of which one part can be made to fail, and mended again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edge.controller import Controller
from edge.site import bind_meter
from tests.core.park import Park

PARTS = {  # part of the site and its method; "rules" are in a list
    "the clock": ("clock", "tell"),
    "the snapshot": ("now", "settle"),
    "the flows": ("flows", "post"),
    "the demand window": ("window", "close_minute"),
    "the account": ("account", "post"),
    "the envelope": ("envelope", "choose_w"),
    "the first rule": ("rules", "0"),
    "the last rule": ("rules", "-1"),
    "the gate": ("gate", "allow_w"),
    "the dispatch": ("dispatch", "command"),
}
AFTER = {  # what the safe end itself would like to use
    "the journal": ("journal", "note"),
    "the telemetry": ("telemetry", "offer"),
}


class BrokenError(Exception):
    """The injected error."""


class BrokenPark(Park):
    """Works until `broken` is set. Parts bind each other's methods once, when they are built: so
    the failing method is there from the beginning, on the class or on the part."""

    def __init__(self, place: tuple[str, str], monkeypatch: Any, made: dict[str, Any]) -> None:
        self.broken = False
        part, method = place
        if part != "rules":
            kind = type(getattr(Park(made).site, part))
            if method in vars(kind):
                monkeypatch.setattr(kind, method, self._wrap(vars(kind)[method]))
        super().__init__(made)
        if part == "rules":
            rules = self.site.rules
            rules[int(method)] = self._wrap(rules[int(method)])
        elif method not in vars(kind):
            setattr(getattr(self.site, part), method,
                    self._wrap(getattr(getattr(self.site, part), method)))
            self.site.meter = bind_meter(self.site)
        self.controller = Controller(self.site)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            if self.broken:
                raise BrokenError("injected")
            return original(*arguments)

        return wrapped
