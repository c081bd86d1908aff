"""What a controlling station may ask of the park, and what it is told without asking.

An ASDU that cannot be understood ends the connection; one that asks for what there is not is sent
back with the cause that says so (44 type, 45 cause, 46 common address, 47 object address), one
that is understood and refused with a negative confirmation.
"""

from edge.compat import const
from edge.iec104.clock import Clock
from edge.iec104.orders import Orders
from edge.iec104.points import Points
from edge.iec104.records import Records
from edge.iec104.telling import Telling
from edge.ticks import ticks_diff
from edge.wire.iec104 import (
    ACT,
    ACT_CON,
    ACT_TERM,
    C_CI,
    C_CS,
    C_IC,
    C_RD,
    C_SC,
    C_SE_NB,
    C_SE_NC,
    C_TS,
    C_TS_TA,
    COUNTED,
    CYCLIC,
    DEACT,
    DEACT_CON,
    HEAD,
    INITIALIZED,
    INTERROGATED,
    M_EI,
    NEGATIVE,
    REQUEST,
    SPONTANEOUS,
    TEST,
    UNKNOWN_CA,
    UNKNOWN_CAUSE,
    UNKNOWN_IOA,
    UNKNOWN_TYPE,
)

_SIZES = {C_SC: 1, C_SE_NB: 3, C_SE_NC: 5, C_IC: 1, C_CI: 1, C_RD: 0, C_CS: 7, C_TS: 2, C_TS_TA: 9}
_BODY = const(9)  # where what an object holds begins: behind head and address
_ALL = const(0xFFFF)  # common address of every station
_BOTH = (ACT, DEACT)
_CAUSES = {C_SC: _BOTH, C_SE_NB: _BOTH, C_SE_NC: _BOTH, C_IC: _BOTH, C_RD: (REQUEST,)}
_GENERAL = const(20)  # qualifiers of interrogation, and of that of counters: all,
_COUNTERS = const(5)  # as they were frozen,
_FREEZE = const(0x45)  # and: freeze them
_PATTERN = b"\xaa\x55"


class Outstation:
    """`started` and `take` are called by a Link; `step` for the one that is started, or None."""

    def __init__(self, site, image: dict, outbox):
        keys = image["iec104"]
        self.points = Points(site, image)
        self.records = Records(site, outbox)
        self.orders = Orders(site, keys, self.records)
        self._address = keys["ca"]
        self._kinds = {keys["control_ioa"]: C_SC,
                       keys["setpoint_ioa"]: keys["setpoint_type"]}
        self._clock = Clock(site, keys["local_time"])
        self._stamp = self._clock if keys["stamps"] else None
        self._look_ms = keys["spontaneous_ms"]
        self._cyclic_ms = keys["cyclic_s"] * 1000
        self._looked_ms = self._cycled_ms = 0
        self._is_new = True  # nobody was told yet that this station has begun
        self._started = None

    def started(self, link, now_ms: int) -> None:
        """Begin to tell `link`, and nobody else."""
        if self._started is not None and self._started is not link:
            self._started.halt()
        self._started = link
        self.points.renew(*self._clock.now(now_ms))
        self._looked_ms = self._cycled_ms = now_ms
        if self._is_new:
            address = bytes([self._address & 0xFF, self._address >> 8])
            link.jobs.append(bytes([M_EI, 1, INITIALIZED, 0]) + address + b"\0\0\0\0")

    def step(self, now_ms: int, link) -> None:
        """Tell what is due to the connection that is started, if one is."""
        self.orders.step(now_ms, link is not None)
        self.records.step()
        if link is None:
            return
        if not link.is_idle():
            return
        self._is_new = False
        if self._due(self._looked_ms, self._look_ms, now_ms):
            self._looked_ms = now_ms
            self.points.look(now_ms, *self._clock.now(now_ms))
            self._tell(link, SPONTANEOUS, True)
        if self._cyclic_ms and self._due(self._cycled_ms, self._cyclic_ms, now_ms):
            self._cycled_ms = now_ms
            link.jobs.append(Telling([point for point in self.points.measured if point.kind > 1],
                                     CYCLIC, self._address))

    def _due(self, since_ms: int, every_ms: int, now_ms: int) -> bool:
        return not 0 <= ticks_diff(now_ms, since_ms) < every_ms

    def _tell(self, link, cause: int, only_news: bool) -> None:
        link.jobs.append(Telling(self.points.measured, cause, self._address,
                                 self._stamp if only_news else None, only_news))

    def take(self, link, asdu: bytes, now_ms: int) -> bool:
        """Answer what came; False when it cannot be understood."""
        if len(asdu) < _BODY:
            return False
        kind, cause = asdu[0], asdu[2] & 0x3F
        address = asdu[4] | asdu[5] << 8
        ioa = asdu[HEAD] | asdu[7] << 8 | asdu[8] << 16
        if kind not in _SIZES:
            return self._answer(link, asdu, UNKNOWN_TYPE | NEGATIVE)
        if asdu[1] != 1 or len(asdu) != _BODY + _SIZES[kind]:
            return False
        if cause not in _CAUSES.get(kind, (ACT,)) or asdu[2] & NEGATIVE:
            return self._answer(link, asdu, UNKNOWN_CAUSE | NEGATIVE)
        if address != self._address and (address != _ALL or kind not in (C_IC, C_CI, C_CS)):
            return self._answer(link, asdu, UNKNOWN_CA | NEGATIVE)
        if kind in (C_SC, C_SE_NB, C_SE_NC):
            known = ioa and self._kinds.get(ioa) == kind
        else:
            known = ioa in self.points.by_ioa if kind == C_RD else ioa == 0
        if not known:
            return self._answer(link, asdu, UNKNOWN_IOA | NEGATIVE)
        if kind in (C_SC, C_SE_NB, C_SE_NC):
            return self._order(link, asdu, kind, ioa, now_ms)
        if kind == C_IC:
            return self._interrogate(link, asdu, now_ms)
        if kind == C_CI:
            return self._count(link, asdu, now_ms)
        if kind == C_RD:
            self.points.look(now_ms, *self._clock.now(now_ms))
            link.jobs.append(Telling([self.points.by_ioa[ioa]], REQUEST, self._address))
            return True
        # The clock is nobody's to set by a connection without proof: the tariff, the ledger and
        # the age of signed commands go by it. It is refused, since to confirm and not do it lies.
        refused = kind == C_CS or (kind == C_TS and asdu[_BODY:] != _PATTERN)
        return self._answer(link, asdu, ACT_CON | (NEGATIVE if refused else 0))

    def _answer(self, link, asdu: bytes, cause: int) -> bool:
        """Send it back with another cause; who is asked as one of all answers as himself."""
        answer = bytearray(asdu)
        answer[2] = cause | asdu[2] & TEST
        if answer[4] == answer[5] == 0xFF and cause & 0x3F != UNKNOWN_CA:
            answer[4], answer[5] = self._address & 0xFF, self._address >> 8
        link.jobs.append(bytes(answer))
        return True

    def _order(self, link, asdu: bytes, kind: int, ioa: int, now_ms: int) -> bool:
        if asdu[2] & 0x3F == DEACT:
            found = self.orders.cancel(link, ioa)
            return self._answer(link, asdu, DEACT_CON | (0 if found else NEGATIVE))
        is_test = asdu[2] & TEST
        reason = self.orders.judge(link, kind, ioa, asdu[_BODY:], bool(is_test), now_ms)
        self._answer(link, asdu, ACT_CON | (NEGATIVE if reason else 0))
        if not reason and not is_test and not asdu[-1] & 0x80:  # not a selection
            self._answer(link, asdu, ACT_TERM)
        return True

    def _interrogate(self, link, asdu: bytes, now_ms: int) -> bool:
        running = [job for job in link.jobs
                   if isinstance(job, Telling) and job.cause == INTERROGATED]
        if asdu[2] & 0x3F == DEACT:
            if running:
                place = link.jobs.index(running[0])
                del link.jobs[place:place + 2]  # and its end
            return self._answer(link, asdu, DEACT_CON | (0 if running else NEGATIVE))
        if asdu[_BODY] != _GENERAL or running:
            return self._answer(link, asdu, ACT_CON | NEGATIVE)
        self._answer(link, asdu, ACT_CON)
        self.points.look(now_ms, *self._clock.now(now_ms))
        self._tell(link, INTERROGATED, False)
        return self._answer(link, asdu, ACT_TERM)

    def _count(self, link, asdu: bytes, now_ms: int) -> bool:
        """All counters, frozen when nobody has asked for that; they are the meters', so none is
        set to 0, and they have no groups."""
        what, counters = asdu[_BODY], self.points.counters
        if what not in (_COUNTERS, _FREEZE) or not counters:
            return self._answer(link, asdu, ACT_CON | NEGATIVE)
        self._answer(link, asdu, ACT_CON)
        if what == _FREEZE or not self.points.is_frozen:
            self.points.freeze(now_ms)
        if what == _COUNTERS:
            link.jobs.append(Telling(counters, COUNTED, self._address))
        return self._answer(link, asdu, ACT_TERM)
