"""Orders of the dispatch centre: a setpoint of battery power, and who has control.

A setpoint is a lease (edge/rules/dispatch_centre.py): it holds for `lease_s` after it came, or,
with `while_connected`, after the connection it came by was last started. Then the local plan goes
on. One that is outside what the site file allows is refused, not cut; one inside lands, beat by
beat, on the nearest power that the park's own limits leave, which the points tell.
"""

from edge.compat import TYPE_CHECKING, const
from edge.iec104.records import DONE, LAPSED, REFUSED, RETURNED, TAKEN
from edge.lease import SETPOINT
from edge.ticks import ticks_add, ticks_diff
from edge.wire.iec104 import C_SC, C_SE_NC, scaled

if TYPE_CHECKING:
    from typing import Any

_SELECT = const(0x80)  # in a qualifier
_RENEW_MS = const(1000)


class Orders:
    """`judge` decides about one order and does it; the reason why not, "" when it is done."""

    def __init__(self, site, keys: dict, records):
        self.has_control = not keys["control_ioa"]
        self.accepted = self.refused = 0
        self.setpoint_w = 0
        self.is_on = False
        self._site = site
        self._keys = keys
        self._records = records
        self._leases = site.ordered
        self._lease_ms = keys["lease_s"] * 1000
        self._end_ms = self._renewed_ms = self._select_ms = 0
        self._selected: Any = None  # connection and since when it is, address, and the order itself
        if not hasattr(site, "live"):
            site.live = []
        site.live.append(self.tell)

    def tell(self, put) -> None:
        """Add to what is so now (edge/now.py)."""
        put("dispatch_w", self.setpoint_w if self.is_on else None)
        put("dispatch_control", 1 if self.has_control else 0)
        put("dispatch_refused", self.refused)

    def judge(self, link, kind: int, ioa: int, body: bytes, is_test: bool, now_ms: int) -> str:
        """`body` is the value and its qualifier; a test is judged and not done."""
        keys, is_select = self._keys, body[-1] & _SELECT
        what = (link, link.since_ms, ioa, body[0] & 1 if kind == C_SC else body[:-1])
        value_w, reason = 0, ""
        if kind == C_SC:
            if body[0] & 0x7C > 12:
                reason = "qualifier"
        else:
            value_w, reason = self._setpoint(kind, body)
        if not reason and is_select and not keys["select"]:
            reason = "select"
        elif not reason and not is_select and keys["select"] and (
                self._selected != what
                or ticks_diff(now_ms, self._select_ms) > keys["select_s"] * 1000):
            reason = "not selected"
        if not is_select:
            self._selected = None
        if reason:
            self._refuse(value_w, reason, link, now_ms)
        elif is_select:
            self._selected, self._select_ms = what, now_ms
        elif not is_test and kind == C_SC:
            self._control(body[0] & 1, link, now_ms)
        elif not is_test:
            self._take(value_w, link, now_ms)
        return reason

    def cancel(self, link, ioa: int) -> bool:
        """Forget what was selected; False when nothing was."""
        found = self._selected is not None and self._selected[:3] == (link, link.since_ms, ioa)
        if found:
            self._selected = None
        return found

    def step(self, now_ms: int, is_started: bool) -> None:
        """Renew, or see that it has lapsed."""
        if not self.is_on:
            return
        left_ms = ticks_diff(self._end_ms, now_ms)
        if left_ms <= 0:
            self.is_on = False
            self._leases.release(now_ms)
            self._records.say(LAPSED, self.setpoint_w, 0, "", "", now_ms)
        elif (is_started and self._keys["while_connected"]
                and ticks_diff(now_ms, self._renewed_ms) >= _RENEW_MS):
            self._hold(now_ms)

    def _setpoint(self, kind: int, body: bytes) -> "tuple[int, str]":
        keys = self._keys
        if kind == C_SE_NC:
            bits = body[0] | body[1] << 8 | body[2] << 16 | body[3] << 24
            value_w = scaled(bits, keys["setpoint_per"])
            if value_w is None:
                return 0, "not a number"
        else:
            value = body[0] | body[1] << 8
            value_w = (value - (value >> 15 << 16)) * keys["setpoint_per"]
        if not keys["min_w"] <= value_w <= keys["max_w"]:
            return min(max(value_w, -1 << 30), 1 << 30), "range"
        if body[-1] & 0x7F:
            return value_w, "qualifier"
        if not self.has_control:
            return value_w, "control is local"
        return value_w, "fault" if self._site.fault is not None else ""

    def _take(self, value_w: int, link, now_ms: int) -> None:
        is_new = not self.is_on or value_w != self.setpoint_w
        self.accepted += 1
        self.setpoint_w, self.is_on = value_w, True
        self._hold(now_ms)
        if is_new:  # the same once more only renews it
            self._records.say(DONE, value_w, self._keys["lease_s"], "", link.peer, now_ms)

    def _hold(self, now_ms: int) -> None:
        self._renewed_ms = now_ms
        self._end_ms = ticks_add(now_ms, self._lease_ms)
        self._leases.take(SETPOINT, self.setpoint_w, self._end_ms, now_ms, 1)

    def _control(self, is_taken: int, link, now_ms: int) -> None:
        self.accepted += 1
        if not is_taken:
            self.is_on = False
            self._leases.release(now_ms)
        if self.has_control != bool(is_taken):
            self.has_control = bool(is_taken)
            self._records.say(TAKEN if is_taken else RETURNED, 0, 0, "", link.peer, now_ms)

    def _refuse(self, value_w: int, reason: str, link, now_ms: int) -> None:
        self.refused += 1
        self._records.say(REFUSED, value_w, 0, reason, link.peer, now_ms)
