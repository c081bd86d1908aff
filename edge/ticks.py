"""A monotonic clock in milliseconds, folded into 0 .. 2^30 - 1: a *tick*.

That is the largest power of two a 31-bit small int holds, so tick arithmetic never touches the
heap on a gateway, and it is MicroPython's own period on every 32-bit port. The fold is done here,
not by the interpreter, so that a 64-bit desktop wraps on the same millisecond as the gateway it
stands for.
"""

import time

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_HALF = const(1 << 29)  # half a period, ms; 6.2 days
_MASK = const((1 << 30) - 1)


_monotonic_ns: "Any" = getattr(time, "monotonic_ns", None)


def _monotonic_ms() -> int:
    return _monotonic_ns() // 1_000_000


_clock_ms: "Any" = getattr(time, "ticks_ms", None) or _monotonic_ms


def ticks_ms() -> int:
    """Milliseconds of a monotonic clock with an arbitrary start, 0 .. 2^30 - 1."""
    return _clock_ms() & _MASK


def ticks_add(ticks: int, delta_ms: int) -> int:
    """Return the tick `delta_ms` after `ticks` (before it, when negative).

    `delta_ms` lies within -2^29 .. 2^29 - 1 (6.2 days), the range `ticks_diff` can tell apart. The
    sum is made half a period too early and moved back by its top bit: it never exceeds 31 bits.
    """
    return ticks + (delta_ms - _HALF) & _MASK ^ _HALF


def ticks_diff(later: int, earlier: int) -> int:
    """Return `later - earlier` in ms, signed, -2^29 .. 2^29 - 1; right across the wrap.

    Two ticks more than 2^29 ms apart cannot be told from two ticks that are near: refresh or drop a
    stamp before it is that old.
    """
    return (later - earlier & _MASK ^ _HALF) - _HALF
