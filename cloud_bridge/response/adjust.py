"""A baseline brought to the level of the day itself, from some hours before the response."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from cloud_bridge import fields
from cloud_bridge.response.curve import HOUR, Curve, Response, clock

NONE, RATIO, SHIFT = "none", "ratio", "shift"
FIELDS = {
    "kind": fields.one_of((NONE, RATIO, SHIFT)),
    "from_min": fields.whole(0, 24 * HOUR).or_else(0),  # before the start of the response,
    "to_min": fields.whole(0, 24 * HOUR).or_else(0),  # up to so long before it
    "lowest": fields.AMOUNT.or_else(None),  # of a ratio, e.g. "0.8"
    "highest": fields.AMOUNT.or_else(None),
}


@dataclass(frozen=True)
class Adjust:
    """RATIO: times mean(actual) / mean(baseline) of the window, between `lowest` and `highest`.
    SHIFT: plus the mean of their difference."""

    kind: str = NONE
    from_min: int = 0
    to_min: int = 0
    lowest: Fraction | None = None
    highest: Fraction | None = None

    def window(self, curve: Curve, response: Response) -> list[int]:
        """The minutes from which it is worked out."""
        if self.kind == NONE:
            return []
        return list(range(response.start - self.from_min, response.start - self.to_min,
                          curve.minutes))

    def apply(self, curve: Curve, response: Response, baseline: Mapping[int, Fraction]
              ) -> tuple[dict[int, Fraction], str]:
        """The adjusted baseline at all its minutes, and in words what was done. Nothing is adjusted
        where the day's own load of the window is not known, or there is nothing to scale."""
        window = self.window(curve, response)
        if self.kind == NONE:
            return dict(baseline), ""
        said = f"{clock(window[0])} .. {clock(response.start - self.to_min)}"
        actual = curve.mean(response.day, window)
        if actual is None:
            return dict(baseline), f"not adjusted: the load of {said} is not known"
        usual = sum((baseline[minute] for minute in window), Fraction(0)) / len(window)
        if self.kind == SHIFT:
            shift = actual - usual
            return ({minute: value + shift for minute, value in baseline.items()},
                    f"{float(shift) / 1000:+,.3f} kW, as in {said}")
        if usual <= 0:
            return dict(baseline), f"not adjusted: the baseline of {said} is not above 0"
        factor = actual / usual
        bound = self._bound(factor)
        words = f"times {float(bound):.5f}, as in {said}"
        if bound != factor:
            words += f" (bounded; it was {float(factor):.5f})"
        return {minute: value * bound for minute, value in baseline.items()}, words

    def _bound(self, factor: Fraction) -> Fraction:
        if self.lowest is not None and factor < self.lowest:
            return self.lowest
        if self.highest is not None and factor > self.highest:
            return self.highest
        return factor
