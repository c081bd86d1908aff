"""A server (VTN) of OpenADR 3.1 on this machine, for rigs and tests: from the specification
(Apache-2.0), as far as a client that delivers demand response goes.

`python -m hil.openadr3_vtn --port 8081` runs it; the account `bl` (secret `bl`) writes programs and
events, `ven` (secret `ven`) reads them and writes reports, vens and subscriptions. With `faults` it
does what servers do on bad days.
"""

import argparse
import datetime
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from hil.openadr3_schema import REQUESTS

BASE = "/openadr3/3.1.0"
ACCOUNTS = {"bl": "bl", "ven": "ven"}
WRITERS = {"programs": "bl", "events": "bl", "reports": "ven", "vens": "ven",
           "subscriptions": "ven"}
PAGE = 50


@dataclass
class Faults:
    """What goes wrong with requests that have a token; numbers count down."""

    fail: int = 0  # so many answer `status`
    status: int = 500
    garbage: int = 0  # so many answer what is no JSON
    cut: int = 0  # so many bodies end in the middle
    wait_s: float = 0  # each waits so long, with nothing said
    drip: int = 0  # so many come a byte at a time, and never end
    page: int = PAGE  # no page has more, whatever is asked
    pages: bool = True  # False: skip and limit are not known here
    huge: int = 0  # so many are of 8 MB
    no_token: bool = False  # every token has ended
    shuffle: bool = False  # a list loses its first item after each page


@dataclass
class State:
    """What the server holds, by kind and id, and the requests it was asked, as `GET /events`."""

    objects: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in REQUESTS})
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    made: int = 0


class Vtn:
    """A context manager; it listens at `url`. `token_s`: how long a token lasts."""

    def __init__(self, port: int = 0, token_s: int = 3600) -> None:
        self.state, self.faults, self.token_s = State(), Faults(), token_s
        self._lock = threading.Lock()
        from hil.openadr3_http import handler  # which answers out of this

        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler(self))
        self._server.daemon_threads = True
        self.stopping = threading.Event()
        self.url = f"http://127.0.0.1:{self._server.server_port}{BASE}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self) -> None:
        """Until somebody interrupts."""
        self._thread.join()

    def create(self, kind: str, body: dict[str, Any]) -> str:
        """What POST does; the new object's id. ValueError: the specification refuses it."""
        if wrong := REQUESTS[kind](kind, body):
            raise ValueError(wrong)
        with self._lock:
            self.state.made += 1
            number = f"{kind[:-1]}-{self.state.made}"
            # As real servers write it: a local time without a zone.
            now = f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}"
            self.state.objects[kind][number] = {
                **body, "id": number, "objectType": kind[:-1].upper(), "createdDateTime": now,
                "modificationDateTime": now}
        return number

    def update(self, kind: str, number: str, body: dict[str, Any]) -> None:
        """What PUT does. ValueError, KeyError."""
        if wrong := REQUESTS[kind](kind, body):
            raise ValueError(wrong)
        with self._lock:
            old = self.state.objects[kind][number]
            kept = {name: old[name] for name in ("id", "objectType", "createdDateTime")}
            self.state.objects[kind][number] = {
                **body, **kept,
                "modificationDateTime": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}"}

    def delete(self, kind: str, number: str) -> None:
        """What DELETE does. KeyError."""
        with self._lock:
            del self.state.objects[kind][number]

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, the oldest first."""
        with self._lock:
            return list(self.state.objects[kind].values())

    def take(self, fault: str) -> bool:
        """Whether a fault that counts down is due."""
        with self._lock:
            left = getattr(self.faults, fault)
            setattr(self.faults, fault, max(0, left - 1))
            return bool(left)


def main() -> None:
    """Run it until it is interrupted."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=8081)
    with Vtn(words.parse_args().port) as vtn:
        print(vtn.url, flush=True)
        with suppress(KeyboardInterrupt):
            vtn.wait()


if __name__ == "__main__":
    main()
