"""Writes into the journal row of every beat what was decided; its fields are named in
edge/journal.py.

The names stand in a file of their own, because a gateway needs them only once, in its birth
message. What was known stands in the row already: whoever learns it writes it there as well (the
roles, Snapshot.settle), because to copy it would cost a twentieth of the beat.
"""


class Recorder:
    """The newest row; whoever wants to keep it copies it before the next reading comes."""

    def __init__(self, now):
        self.row = now.row

    def note(self, now, envelope, chosen_w: int) -> int:
        """Write what was decided this beat. Returns in one number all of it that is news when it
        changes: what bound (of 63 rules), what the gate said, the flags."""
        row = self.row
        lo_by = envelope.lo_by
        hi_by = envelope.hi_by
        verdict = now.verdict
        flags = now.flags
        row[1] = now.second
        row[3] = flags
        row[15] = envelope.lo_w
        row[16] = lo_by
        row[17] = envelope.hi_w
        row[18] = hi_by
        row[19] = chosen_w
        row[20] = now.command_w
        row[21] = verdict
        row[22] = now.target_w
        row[23] = now.hold_w
        return ((verdict << 6 | lo_by) << 6 | hi_by) << 14 | flags

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
        carbon = account.carbon
        row[31] = carbon.units // 100
        row[32] = carbon.units % 100 * 10 + carbon.e4 // 1000
        row[33] = account.cost.units
        row[34] = account.cost.e4
