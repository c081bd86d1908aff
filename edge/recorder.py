"""Writes the journal row of every beat; its fields are named in edge/journal.py.

The names stand in a file of their own, because a gateway needs them only once, in its birth
message.
"""

from array import array

from edge.compat import const

_FIELDS = const(35)  # as many as edge.journal.FIELDS


class Recorder:
    """The newest row; whoever wants to keep it copies it before the next beat."""

    def __init__(self):
        self.row = array("i", [0] * _FIELDS)

    def note(self, now, envelope, chosen_w: int) -> int:
        """Write what was known and what was decided this beat. Returns in one number all of it
        that is news when it changes: what bound, what the gate said, the flags."""
        row = self.row
        flags = now.flags
        lo_by = envelope.lo_by
        hi_by = envelope.hi_by
        verdict = now.verdict
        row[1] = now.second
        row[2] = now.now_ms
        row[3] = flags
        row[4] = now.grid_w
        row[5] = now.grid_age_ms
        row[6] = now.pv_w
        row[7] = now.pv_age_ms
        row[8] = now.store_w
        row[9] = now.store_age_ms
        row[10] = now.soc_pm
        row[11] = now.soc_age_ms
        row[12] = now.charge_max_w
        row[13] = now.discharge_max_w
        row[14] = now.net_w
        row[15] = envelope.lo_w
        row[16] = lo_by
        row[17] = envelope.hi_w
        row[18] = hi_by
        row[19] = chosen_w
        row[20] = now.command_w
        row[21] = verdict
        row[22] = now.target_w
        row[23] = now.hold_w
        return ((verdict << 4 | lo_by) << 4 | hi_by) << 8 | flags

    def note_minute(self, now, window, account):
        """Write what changes only from minute to minute."""
        row = self.row
        row[0] = now.day
        row[24] = window.so_far_w()
        row[25] = window.peak_w
        row[26] = now.price_e4
        row[27] = account.imported.kwh
        row[28] = account.imported.wh
        row[29] = account.exported.kwh
        row[30] = account.exported.wh
        row[31] = account.carbon.kg
        row[32] = account.carbon.g
        row[33] = account.cost.units
        row[34] = account.cost.e4
