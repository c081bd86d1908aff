"""One bus: a connection or a serial line, and the devices that take turns on it.

One request is in flight at any time. Writes go before reads; among the reads that one goes first,
one block at a time, which has been due longest. A device that does not answer is asked less and
less often, and after a time-out all others come first, so that a living one waits for one dead one
and not for all. Between an answer and the next request the line rests: `gap_ms`, which slow devices
need, and on a serial line at least the 3.5 characters that mark the end of a frame.

`step` never waits. It does what can be done now and says in how many milliseconds it wants to be
called again; calling it earlier does no harm, later only costs time.
"""

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_add, ticks_diff
from edge.wire.modbus import BROKEN, DONE, MORE, PATH_UNAVAILABLE, TARGET_SILENT
from edge.wire.modbus_rtu import RtuLink, silence_ms, wire_ms
from edge.wire.modbus_tcp import TcpLink

if TYPE_CHECKING:
    from typing import Any, Mapping

    from edge.devices.driver import Driver

_DOWN = const(0)
_OPENING = const(1)
_IDLE = const(2)
_SENDING = const(3)
_WAITING = const(4)

_CONNECT_MS = const(5000)
_RECONNECT_MS = const(1000)  # doubles with every attempt in vain
_DOUBLINGS_MAX = const(5)  # to 32 s
_IDLE_MS = const(20)  # longest sleep: a new setpoint must not wait for the next read
_LONG_MS = const(1000)  # longest sleep with nothing to command
_BEHIND_MS = const(1 << 28)  # further than any read was ever due
_READS = const(8)  # of the port in one step: a babbling line must not keep the processor


class Bus:
    """The master of one bus; `image` is a bus of the compiled site, `port` its byte pipe.

    ValueError when there is no such link.
    """

    def __init__(self, image: "Mapping[str, Any]", port: "Any"):
        self.drivers: list[Driver] = []
        self._port = port
        self._timeout_ms: int = image["timeout_ms"]  # what a device may take to answer
        self._baud: int = image.get("baud", 0)  # of a serial line
        self._link = _link(image)
        self._silence_ms = silence_ms(self._baud) if self._baud else 0
        self._gap_ms: int = max(image["gap_ms"], self._silence_ms)
        self._settle_ms: int = image.get("settle_ms", 0)  # between connecting and the first request
        # Health, for people.
        self.requests = 0
        self.timeouts = 0
        self.exceptions = 0
        self.breaks = 0  # connections that could not be made, or broke
        # The exchange.
        self._state = _DOWN
        self._retry_ms = 0
        self._attempts = 0
        self._owed = 0  # reads of others before who did not answer is asked again
        self._current: Any = None  # the driver whose request is in flight
        self._sent = 0
        self._sent_ms = 0  # when the request in flight was begun
        self._deadline_ms = 0
        self._rest_ms = 0  # end of the last exchange
        self._heard_ms = 0  # last byte from the line
        self._silent_in_row = 0

    def add(self, driver: "Driver") -> None:
        """Put a device on the bus."""
        self.drivers.append(driver)
        driver.unheard = True

    def crc_errors(self) -> int:
        """How many replies had a wrong check sum."""
        return self._link.crc_errors

    def foreign(self) -> int:
        """How many frames answered something else than was asked."""
        return self._link.foreign

    def leave(self) -> None:
        """Give every device back: 0 W and its leave sequence. Go on stepping until `has_left`."""
        for driver in self.drivers:
            driver.leave()

    def has_left(self) -> bool:
        """Whether every device has confirmed that it was given back."""
        return all(driver.has_left() for driver in self.drivers)

    def close(self) -> None:
        """Close the port; the next step opens it again."""
        self._port.close()
        self._state = _DOWN

    def mend(self, now_ms: int) -> None:
        """After an internal fault: as if the connection had broken; what is read gets old."""
        self._break(now_ms)

    def step(self, now_ms: int) -> int:
        """Do what can be done now; return in how many ms to come back."""
        try:
            return self._step(now_ms)
        except OSError:
            return self._break(now_ms)

    def _step(self, now_ms: int) -> int:
        if self._state == _SENDING:
            return self._send(now_ms)
        if self._state == _WAITING:
            wait_ms = self._listen(now_ms)
            if self._state == _WAITING:
                return wait_ms
        if self._state == _IDLE:
            return self._speak(now_ms)
        return self._open(now_ms)

    # The connection.

    def _open(self, now_ms: int) -> int:
        for driver in self.drivers:
            driver.watch(now_ms)
        if self._state == _DOWN:
            wait_ms = ticks_diff(self._retry_ms, now_ms)
            if self._attempts and wait_ms > 0:
                return min(wait_ms, _LONG_MS)
            self._state = _OPENING
            self._deadline_ms = ticks_add(now_ms, _CONNECT_MS)
            self._port.open(now_ms)
        if not self._port.is_open():
            if ticks_diff(now_ms, self._deadline_ms) >= 0:
                return self._break(now_ms)
            return _IDLE_MS
        self._state = _IDLE
        self._link.reset()
        self._silent_in_row = 0
        self._heard_ms = now_ms
        self._rest_ms = ticks_add(now_ms, self._settle_ms)
        for driver in self.drivers:
            driver.opened(now_ms)
        return self._settle_ms + self._gap_ms

    def _break(self, now_ms: int) -> int:
        """The port failed: close it, and try again after 1, 2, 4 .. 32 s."""
        self.breaks += 1
        asked = self._state == _SENDING or self._state == _WAITING
        self.close()
        if asked:
            self._miss()
            self._current.silent(now_ms)
        delay_ms = _RECONNECT_MS << self._attempts
        if self._attempts < _DOUBLINGS_MAX:
            self._attempts += 1
        self._retry_ms = ticks_add(now_ms, delay_ms)
        return _LONG_MS

    # Asking.

    def _speak(self, now_ms: int) -> int:
        """Send the next request, once the line has rested."""
        self._flush(now_ms)
        wait_ms = max(self._gap_ms - ticks_diff(now_ms, self._rest_ms),
                      self._silence_ms - ticks_diff(now_ms, self._heard_ms))
        if wait_ms > 0:
            return wait_ms
        driver = self._pick(now_ms)
        if driver is None:
            return self._idle_ms(now_ms)
        link = self._link
        link.seal(driver.unit, driver.compose(link.tx, link.pdu_at, now_ms))
        self.requests += 1
        self._current = driver
        self._sent = 0
        self._sent_ms = now_ms
        self._deadline_ms = ticks_add(now_ms, self._timeout_ms)
        self._state = _SENDING
        return self._send(now_ms)

    def _flush(self, now_ms: int) -> None:
        """Drop what is heard while nobody was asked, noise or a late answer; notice a hang-up."""
        link = self._link
        for _ in range(_READS):
            n = self._port.recv(link.rx, link.rx_n)
            if not n:
                return
            self._heard_ms = now_ms
            link.ignore(n)

    def _pick(self, now_ms: int) -> "Driver | None":
        """Return who asks next: a device with something to write, else whose read is due longest.
        While others are owed their turn, who did not answer comes behind them."""
        best: Driver | None = None
        best_ms = 0
        for driver in self.drivers:
            waits = self._owed and driver.unheard
            if not waits and driver.wants_write(now_ms):
                return driver
            due_ms = driver.due_ms(now_ms)
            rank_ms = due_ms + _BEHIND_MS if waits else due_ms
            if due_ms <= 0 and (best is None or rank_ms < best_ms):
                best, best_ms = driver, rank_ms
        self._owed = 0 if best is None or best.unheard else max(self._owed - 1, 0)
        return best

    def _idle_ms(self, now_ms: int) -> int:
        wait_ms = _LONG_MS
        for driver in self.drivers:
            wait_ms = min(wait_ms, driver.due_ms(now_ms),
                          _LONG_MS if driver.lease is None else _IDLE_MS)
        return wait_ms

    def _send(self, now_ms: int) -> int:
        link = self._link
        n = link.tx_n
        self._sent += self._port.send(memoryview(link.tx)[self._sent:], n - self._sent)
        if self._sent < n:
            if ticks_diff(now_ms, self._deadline_ms) >= 0:
                raise OSError("the port takes no more bytes")
            return 1
        self._state = _WAITING
        self._heard_ms = now_ms
        answer_ms = self._wire_ms(n) + self._wire_ms(link.reply_size())
        self._deadline_ms = ticks_add(now_ms, self._timeout_ms + answer_ms)
        return max(1, self._wire_ms(n + 5))

    def _wire_ms(self, n: int) -> int:
        return wire_ms(self._baud, n) if self._baud else 0

    # Listening.

    def _listen(self, now_ms: int) -> int:
        """Take what has come. Without an answer, come back in an eighth of the time waited."""
        link = self._link
        for _ in range(_READS):
            n = self._port.recv(link.rx, link.rx_n)
            if not n:
                break
            self._heard_ms = now_ms
            verdict = link.feed(n)
            if verdict == BROKEN:
                return self._break(now_ms)
            if verdict != MORE:
                self._end(verdict, now_ms)
                return 0
        if self._baud and ticks_diff(now_ms, self._heard_ms) >= self._silence_ms:
            link.resync()
        left_ms = ticks_diff(self._deadline_ms, now_ms)
        if left_ms > 0:
            return min(left_ms, 1 + (ticks_diff(now_ms, self._sent_ms) >> 3))
        self._time_out(now_ms)
        return 0

    def _end(self, verdict: int, now_ms: int) -> None:
        """An answer came."""
        self._state = _IDLE
        self._rest_ms = now_ms
        self._attempts = 0
        self._silent_in_row = 0
        link = self._link
        self._current.unheard = False
        if verdict == DONE:
            self._current.answered(link.rx, link.data_at, self._sent_ms, now_ms)
        else:
            self.exceptions += 1
            if PATH_UNAVAILABLE <= link.code <= TARGET_SILENT:
                self._miss()
            self._current.refused(link.code, now_ms)
        link.release()

    def _miss(self) -> None:
        """Nobody was there: all others first."""
        self._current.unheard = True
        self._owed = len(self.drivers)

    def _time_out(self, now_ms: int) -> None:
        self.timeouts += 1
        self._miss()
        self._silent_in_row += 1
        self._rest_ms = now_ms
        if self._silent_in_row > 2 * len(self.drivers) and not self._baud:
            self._break(now_ms)  # nobody has answered for two rounds: the connection is half-open
            return
        self._state = _IDLE
        self._current.silent(now_ms)


def _link(image: "Mapping[str, Any]") -> "Any":
    """What frames requests and finds answers; one that few sites have is a module of its own."""
    name = image["link"]
    if name == "tcp":
        return TcpLink()
    if name == "rtu":
        return RtuLink(bool(image["echo"]))
    try:
        return __import__("edge.wire." + name, None, None, ("link",)).link(image)
    except (AttributeError, ImportError):
        raise ValueError("no such link: " + str(name)) from None
