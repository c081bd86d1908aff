"""The commands still allowed, and who set each bound."""


class Envelope:
    """Battery powers still allowed this beat, W (discharge positive).

    It can only shrink, so whoever speaks first wins: a later word lands on the nearest point
    that is still allowed. `lo_by` and `hi_by` are the speakers' numbers (0 = the battery itself).
    """

    def __init__(self):
        self.lo_w = 0
        self.hi_w = 0
        self.lo_by = 0
        self.hi_by = 0

    def open(self, lo_w: int, hi_w: int):
        """Begin a beat with what the battery says it can do now; needs lo_w <= 0 <= hi_w."""
        self.lo_w = lo_w
        self.hi_w = hi_w
        self.lo_by = 0
        self.hi_by = 0

    def at_least(self, w: int, by: int):
        """Discharge at least w (or, below zero, charge at most -w)."""
        if w > self.lo_w:
            if w > self.hi_w:
                w = self.hi_w
            if w > self.lo_w:
                self.lo_w = w
                self.lo_by = by

    def at_most(self, w: int, by: int):
        """Discharge at most w (or, below zero, charge at least -w)."""
        if w < self.hi_w:
            if w < self.lo_w:
                w = self.lo_w
            if w < self.hi_w:
                self.hi_w = w
                self.hi_by = by

    def within(self, lo_w: int, hi_w: int, by: int):
        """At least lo_w and at most hi_w, which is not below it."""
        if lo_w > self.lo_w:
            if lo_w > self.hi_w:
                lo_w = self.hi_w
            if lo_w > self.lo_w:
                self.lo_w = lo_w
                self.lo_by = by
        if hi_w < self.hi_w:
            if hi_w < self.lo_w:
                hi_w = self.lo_w
            if hi_w < self.hi_w:
                self.hi_w = hi_w
                self.hi_by = by

    def exactly(self, w: int, by: int):
        """Settle on w, or on the nearest point still allowed."""
        self.within(w, w, by)

    def choose_w(self) -> int:
        """The allowed power nearest to zero: idle unless something insists."""
        if self.lo_w > 0:
            return self.lo_w
        if self.hi_w < 0:
            return self.hi_w
        return 0
