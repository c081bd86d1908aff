"""What flowed in the running minute, gross, in W*s.

The beat only adds here; windows and accounts are fed from it once a minute. A minute of 8 MW is
480 million W*s, well inside 31 bits.
"""


class Flows:
    """Energies of the running minute by direction, W*s. `seconds` were measured, `gap_s` not."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Begin a new minute."""
        self.import_ws = 0
        self.export_ws = 0
        self.charge_ws = 0
        self.discharge_ws = 0
        self.pv_ws = 0
        self.seconds = 0
        self.gap_s = 0

    def post(self, now):
        """Add the beat just ended, now.span_s long."""
        span_s = now.span_s
        if not now.flow_known:
            self.gap_s += span_s
            return
        self.seconds += span_s
        w = now.flow_w
        if w > 0:
            self.import_ws += w * span_s
        else:
            self.export_ws -= w * span_s
        w = now.flow_store_w
        if w > 0:
            self.discharge_ws += w * span_s
        elif w < 0:
            self.charge_ws -= w * span_s
        w = now.flow_pv_w
        if w:
            self.pv_ws += w * span_s

    def net_ws(self) -> int:
        """What the grid would have carried with the battery idle."""
        return self.import_ws - self.export_ws + self.discharge_ws - self.charge_ws
