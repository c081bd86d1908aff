"""What an outstation sends by itself or in a row: as many objects of one type as a frame holds."""

from edge.wire.iec104 import (
    ASDU_AT,
    ASDU_MOST,
    HEAD,
    SIZES,
    STAMPED,
    TIME,
    put_element,
    put_head,
    put_ioa,
)


class Telling:
    """Tells of `points` in frames with one cause: of all of them, or, with a `clock`, of those
    that are news, each with its time."""

    def __init__(self, points: list, cause: int, address: int, clock=None, only_news=False):
        self.cause = cause
        self._points = points
        self._address = address
        self._clock = clock
        self._only_news = only_news
        self._at = 0

    def fill(self, buf: bytearray) -> int:
        """Write the next ASDU into a frame; returns its length, 0 when there is no more."""
        points, count, at = self._points, 0, ASDU_AT + HEAD
        kind = end = 0
        while self._at < len(points):
            point = points[self._at]
            if point.is_news or not self._only_news:
                if kind == 0:
                    kind = point.kind
                    end = ASDU_AT + ASDU_MOST - SIZES[kind] - 3 - (TIME if self._clock else 0)
                if point.kind != kind or at > end:
                    break
                at = self._put(buf, at, point)
                count += 1
            self._at += 1
        if count == 0:
            return 0
        put_head(buf, STAMPED[kind] if self._clock else kind, count, self.cause, self._address)
        return at - ASDU_AT

    def _put(self, buf: bytearray, at: int, point) -> int:
        at = put_ioa(buf, at, point.ioa)
        at = put_element(buf, at, point.kind, point.value, point.per, point.quality)
        point.told = point.value
        point.is_news = False
        return self._clock.put(buf, at, point.day, point.ms) if self._clock else at
