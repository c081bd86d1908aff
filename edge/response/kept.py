"""The agenda as one record that is kept: of each event how far it has come, and what it is."""

import struct

from edge.compat import const
from edge.response.agenda import PHASES

ENTRY_BYTES = const(3)  # before each record
_ENTRY = ">BH"  # phase and length


def packed(entries: list) -> bytes:
    """All entries (edge/response/agenda.py)."""
    return b"".join([struct.pack(_ENTRY, entry.phase, len(entry.event.record))
                     + entry.event.record for entry in entries])


def unpacked(data: bytes):
    """(phase, record) of all that was kept. ValueError when it is nothing of ours."""
    at = 0
    while at < len(data):
        if at + ENTRY_BYTES > len(data):
            raise ValueError("events kept: found half an entry")
        phase, size = struct.unpack_from(_ENTRY, data, at)
        at += ENTRY_BYTES
        if phase >= len(PHASES) or at + size > len(data):
            raise ValueError("events kept: found an entry that is none")
        yield phase, data[at:at + size]
        at += size
