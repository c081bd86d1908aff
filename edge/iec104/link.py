"""One connection of a controlling station: frames in and out, their numbers, and their times.

A step machine like all that is on a wire: no call waits. What breaks a rule of the protocol (a
number out of turn, an I frame while stopped, a frame that is none or does not end in t1) ends the
connection, as the standard asks. Times: t1 for what must be confirmed, t2 until we confirm what
came, t3 until silence is tested. t0 is the controlling station's: who listens has none.
"""

import errno

from edge.compat import TYPE_CHECKING, const
from edge.port import TcpPort
from edge.ticks import ticks_diff
from edge.wire.iec104 import (
    ASDU_AT,
    ASDU_MOST,
    MOST,
    SEQUENCE,
    START,
    STARTDT,
    STARTDT_CON,
    STOPDT,
    STOPDT_CON,
    TESTFR,
    TESTFR_CON,
    put_control,
)

if TYPE_CHECKING:
    from typing import Any

FREE = const(0)  # states
STOPPED = const(1)
STARTED = const(2)
STOPPING = const(3)  # asked to stop, and waiting for what is out to be confirmed

_TX_BYTES = const(1024)  # frames that the socket has not taken yet; a few short ones and a long one
_SPARE = const(64)  # of it kept for S and U frames
_JOBS = const(32)  # answers that may wait: who asks faster than he listens is no station
_FRAMES = const(16)  # taken in a step


class Link(TcpPort):
    """`station.take(link, asdu, now_ms)` is given what comes and says whether it is to go on,
    `station.started(link, now_ms)` is told when data may be sent. `jobs` is what is to be sent, in
    order: an ASDU, or something whose `fill(buf)` writes one and returns its length, 0 when it is
    done."""

    def __init__(self, keys: dict, station):
        super().__init__("", 0)
        self.state = FREE
        self.peer = ""
        self.since_ms = 0  # when it began
        self.jobs: list = []
        self._station = station
        self._k, self._w = keys["k"], keys["w"]
        self._t1_ms, self._t2_ms = keys["t1_s"] * 1000, keys["t2_s"] * 1000
        self._t3_ms = keys["t3_s"] * 1000
        self._frame = bytearray(ASDU_AT + ASDU_MOST)
        self._rx = bytearray(MOST + 2)
        self._view: Any = memoryview(self._rx)
        self._tx = bytearray(_TX_BYTES)
        self._sent_ms = [0] * self._k  # when each frame that is out went; a ring,
        self._oldest = 0  # in which the oldest stands here
        self._rx_n = self._tx_n = 0
        self._next = self._acked = self._expected = 0  # V(S), the last N(R), V(R)
        self._owed = 0  # frames that we have not confirmed
        self._owed_ms = self._heard_ms = self._begun_ms = self._test_ms = 0
        self._is_testing = False

    def begin(self, pipe: "Any", peer: str, now_ms: int) -> None:
        """Take a connection that came in."""
        self._socket = pipe
        pipe.setblocking(False)
        self._read_into = getattr(pipe, "recv_into", None) or pipe.readinto
        self.state, self.peer = STOPPED, peer
        self._rx_n = self._tx_n = self._next = self._acked = self._expected = self._owed = 0
        self._is_testing = False
        self.since_ms = self._heard_ms = self._begun_ms = now_ms

    def end(self) -> None:
        """Be free for the next one."""
        self.state = FREE
        self.jobs.clear()
        self.close()

    def halt(self) -> None:
        """Send no more data: another connection of the group has started."""
        if self.state == STARTED:
            self.state = STOPPED
            self.jobs.clear()

    def step(self, now_ms: int) -> None:
        """Do what can be done now; whatever goes wrong ends the connection, and only that."""
        try:
            is_right = self._receive(now_ms) and self._in_time(now_ms)
            if is_right:
                self._work(now_ms)
                self._flush()
        except (OSError, MemoryError):
            is_right = False
        if not is_right:
            self.end()

    def _has_room(self) -> bool:
        """Whether the longest ASDU may be sent now."""
        return (self.state == STARTED and self._out() < self._k
                and self._tx_n + ASDU_AT + ASDU_MOST + _SPARE <= _TX_BYTES)

    def _out(self) -> int:
        """How many frames are out that nobody has confirmed."""
        return (self._next - self._acked) % SEQUENCE

    def is_idle(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self.jobs and self._tx_n == 0

    def _receive(self, now_ms: int) -> bool:
        """Take the whole frames that have come; False when they break a rule."""
        for _ in range(_FRAMES):
            rx, n = self._rx, self._rx_n
            whole = rx[1] + 2 if n >= 2 else 2
            if n < whole:
                got = self.recv(self._view[:whole], n)
                if not got:
                    return n == 0 or ticks_diff(now_ms, self._begun_ms) < self._t1_ms
                if n == 0:
                    self._begun_ms = now_ms
                self._rx_n = n = n + got
            if rx[0] != START or (n >= 2 and not 4 <= rx[1] <= MOST):
                return False
            if n == rx[1] + 2 and n > 2:
                self._rx_n = 0
                self._heard_ms = now_ms
                if not self._accept(n, now_ms):
                    return False
        return True

    def _accept(self, n: int, now_ms: int) -> bool:
        rx = self._rx
        if rx[2] & 3 == 3:
            return n == 6 and rx[3] == rx[4] == rx[5] == 0 and self._control(rx[2], now_ms)
        if rx[4] & 1 or not self._confirmed((rx[4] | rx[5] << 8) >> 1):
            return False
        if rx[2] & 1:
            return n == 6 and rx[2] == 1 and rx[3] == 0
        if (rx[2] | rx[3] << 8) >> 1 != self._expected or self.state == STOPPED or n == 6:
            return False
        self._expected = (self._expected + 1) % SEQUENCE
        if not self._owed:
            self._owed_ms = now_ms
        self._owed += 1
        if self._owed >= self._w:
            self._confirm()
        if self.state == STOPPING:  # on its way when we were asked to stop: nobody answers
            return True
        return (self._station.take(self, bytes(rx[ASDU_AT:n]), now_ms)
                and len(self.jobs) <= _JOBS)

    def _control(self, what: int, now_ms: int) -> bool:
        if what == STARTDT:
            self._put(STARTDT_CON)
            if self.state != STARTED:
                self.state = STARTED
                self._station.started(self, now_ms)
        elif what == STOPDT:
            if self.state == STARTED:
                self.jobs.clear()
            self.state = STOPPING
            if self._owed:
                self._confirm()
        elif what == TESTFR:
            self._put(TESTFR_CON)
        elif what == TESTFR_CON:
            self._is_testing = False
        else:
            return False
        return True

    def _confirmed(self, number: int) -> bool:
        """Note that all before `number` has arrived; False when that was never sent."""
        arrived = (number - self._acked) % SEQUENCE
        if arrived > self._out():
            return False
        self._acked = number
        self._oldest = (self._oldest + arrived) % self._k
        return True

    def _in_time(self, now_ms: int) -> bool:
        if self._out() and ticks_diff(now_ms, self._sent_ms[self._oldest]) >= self._t1_ms:
            return False
        if self._owed and ticks_diff(now_ms, self._owed_ms) >= self._t2_ms:
            self._confirm()
        if self._is_testing:
            return ticks_diff(now_ms, self._test_ms) < self._t1_ms
        if ticks_diff(now_ms, self._heard_ms) >= self._t3_ms:
            self._put(TESTFR)
            self._is_testing = True
            self._test_ms = now_ms
        return True

    def _work(self, now_ms: int) -> None:
        if self.state == STOPPING and not self._out():
            self._put(STOPDT_CON)
            self.state = STOPPED
        while self.jobs and self._has_room():
            job = self.jobs[0]
            if isinstance(job, bytes):
                n = len(job)
                self._frame[ASDU_AT:ASDU_AT + n] = job
                self.jobs.pop(0)
            else:
                n = job.fill(self._frame)
                if n == 0:
                    self.jobs.pop(0)
                    continue
            self._send(n, now_ms)

    def _send(self, n: int, now_ms: int) -> None:
        """Send the ASDU of `n` bytes that stands in the frame."""
        put_control(self._frame, n, self._next << 1, self._expected << 1)
        self._sent_ms[(self._oldest + self._out()) % self._k] = now_ms
        self._next = (self._next + 1) % SEQUENCE
        self._owed = 0
        self._append(self._frame, ASDU_AT + n)

    def _confirm(self) -> None:
        put_control(self._frame, 0, 1, self._expected << 1)
        self._owed = 0
        self._append(self._frame, ASDU_AT)

    def _put(self, what: int) -> None:
        put_control(self._frame, 0, what, 0)
        self._append(self._frame, ASDU_AT)

    def _append(self, frame: bytearray, n: int) -> None:
        at = self._tx_n
        if at + n > _TX_BYTES:
            raise OSError(errno.EAGAIN)  # who asks and never listens
        self._tx[at:at + n] = memoryview(frame)[:n]
        self._tx_n = at + n

    def _flush(self) -> None:
        while self._tx_n:
            sent = self.send(self._tx, self._tx_n)
            if not sent:
                return
            left = self._tx_n - sent
            self._tx[:left] = self._tx[sent:self._tx_n]
            self._tx_n = left
