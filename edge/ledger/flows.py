"""What flowed in the running minute, gross, in W*s.

The beat only adds here; windows and accounts are fed from it once a minute. A minute of 8 MW is
480 million W*s, well inside 31 bits.
"""


from edge.compat import const

_PAIR = const(3)  # as in edge/snapshot.py: grid and battery power fresh, the load is known
_PV_FRESH = const(8)


class Flows:
    """Energies of the running minute by direction, W*s. `seconds` were measured, `gap_s` not."""

    def __init__(self, now):
        self.clear()
        self.post = _post(self, now)

    def clear(self):
        """Begin a new minute."""
        self.import_ws = 0
        self.export_ws = 0
        self.charge_ws = 0
        self.discharge_ws = 0
        self.pv_ws = 0
        self.seconds = 0
        self.gap_s = 0

    def net_ws(self) -> int:
        """What the grid would have carried with the battery idle."""
        return self.import_ws - self.export_ws + self.discharge_ws - self.charge_ws


def _post(flows, now):
    """Bind the function that adds a beat, with its memory of the beat before."""
    known = False
    net_w = 0
    pv_w = 0

    def post(span_s: int, flows=flows, now=now):
        """Add the beat just ended, span_s long: the load and the sun as they stood at its start
        and the battery as it stands at its end, exact for what changes only at beats."""
        nonlocal known, net_w, pv_w
        flags = now.flags
        if flags & _PAIR == _PAIR:
            if known:
                flows.seconds += span_s
                store_w = now.store_w
                w = net_w - store_w
                if w > 0:
                    flows.import_ws += w * span_s
                else:
                    flows.export_ws -= w * span_s
                if store_w > 0:
                    flows.discharge_ws += store_w * span_s
                elif store_w:
                    flows.charge_ws -= store_w * span_s
                if pv_w:
                    flows.pv_ws += pv_w * span_s
            else:
                flows.gap_s += span_s
                known = True
            net_w = now.net_w
            pv_w = now.pv_w if flags & _PV_FRESH else 0
        else:
            flows.gap_s += span_s
            known = False

    return post
