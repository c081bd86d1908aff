"""What a bridge is doing, for Prometheus and for whoever restarts it: /metrics and /healthz.

No label holds what a stranger may choose, so no flood can make the page grow.
"""

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from cloud_bridge.intake import Receipt

OUTCOMES = ("stored", "doubled", "gaps", "resumed", "quarantined")
REASONS = ("topic", "message", "number", "batch")
STALLED_S = 120.0  # without a turn of its loop a bridge is taken to be dead
_SECONDS = (.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10)
_SLOW_S = 5.0  # to say a whole request


class Metrics:
    """The figures of one bridge. `turn` from its loop, all else when it happens."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self.is_ready = False
        self._clock_s = clock_s
        self._turned_s = clock_s()

        def counter(name: str, text: str, label: str, values: tuple[str, ...]) -> Counter:
            made = Counter(f"parkedge_bridge_{name}", text, [label], registry=self.registry)
            for value in values:
                made.labels(value)
            return made

        self._messages = counter("messages", "Messages by what became of them.", "outcome",
                                 (*OUTCOMES, "limited"))
        self._refused = counter("quarantined", "Messages put aside, by reason.", "reason", REASONS)
        self._failures = counter("failures", "Of the broker or the store.", "place",
                                 ("broker", "store"))
        self._commits = Histogram("parkedge_bridge_commit_seconds", "Until a commit was durable.",
                                  buckets=_SECONDS, registry=self.registry)
        self._backlog = Gauge("parkedge_bridge_backlog_messages",
                              "Known to wait, here or at the broker.", registry=self.registry)
        self._holes = Gauge("parkedge_bridge_streams_with_holes",
                            "Streams of the last commit that wait for a number in between.",
                            registry=self.registry)
        self._committed = Gauge("parkedge_bridge_last_commit_timestamp_seconds",
                                "When something was last stored.", registry=self.registry)

    def committed(self, receipt: Receipt, seconds: float) -> None:
        """A commit is durable."""
        for outcome, n in receipt.tally.items():
            self._messages.labels(outcome).inc(n)
        for reason, n in receipt.refused.items():
            self._refused.labels(reason).inc(n)
        self._commits.observe(seconds)
        self._holes.set(len(receipt.ranges))
        self._committed.set_to_current_time()

    def limited(self, n: int) -> None:
        """Messages that were not taken: their gateway sends too many."""
        self._messages.labels("limited").inc(n)

    def failed(self, place: str) -> None:
        """Broker or store gave up; who tries again is alive."""
        self._turned_s = self._clock_s()
        self.is_ready = False
        self._failures.labels(place).inc()

    def turn(self, is_ready: bool, backlog: int) -> None:
        """The loop has come round."""
        self._turned_s = self._clock_s()
        self.is_ready = is_ready
        self._backlog.set(backlog)

    def is_alive(self) -> bool:
        """Whether the loop still turns."""
        return self._clock_s() - self._turned_s < STALLED_S


class Page:
    """A context manager: serves `metrics` on host:port from a thread; `port` 0 takes a free one."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        """OSError when the port is taken."""

        class Handler(BaseHTTPRequestHandler):
            """Three addresses, and nothing to send."""

            timeout = _SLOW_S

            def do_GET(self) -> None:
                """Answer, and hang up."""
                kind, status, body = "text/plain; charset=utf-8", HTTPStatus.OK, b"ok\n"
                if self.path == "/metrics":
                    kind, body = CONTENT_TYPE_LATEST, generate_latest(metrics.registry)
                elif self.path not in ("/healthz", "/healthz/ready", "/healthz/live"):
                    status, body = HTTPStatus.NOT_FOUND, b"not found\n"
                elif not metrics.is_alive():
                    status, body = HTTPStatus.SERVICE_UNAVAILABLE, b"stalled\n"
                elif self.path != "/healthz/live" and not metrics.is_ready:
                    status, body = HTTPStatus.SERVICE_UNAVAILABLE, b"not connected\n"
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Requests are no events."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics",
                                        daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
