"""How much somebody may do: so much a second, and so much at once."""


class Bucket:
    """Full at the beginning; times are seconds of one clock."""

    def __init__(self, most: float, per_s: float) -> None:
        self._most, self._per_s = most, per_s
        self._left, self._at_s = most, 0.0

    def take(self, amount: float, now_s: float) -> bool:
        """Whether there was enough left; then it is gone."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if amount > self._left:
            return False
        self._left -= amount
        return True
