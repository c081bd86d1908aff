"""Any bytes as a signed head: refused in one line, or a note that is written the same again; and
believed only as its key signed it."""

from contextlib import suppress

from cloud_bridge import notes
from cloud_bridge.notes import Key, NoteError
from edge.evidence import note
from tests.evidence.test_notes import COSIGNED, LOG, NOTE, NOTE_KEY, SEEN, W1, written

_TEXTS = {notes.parse(signed).text for signed in (written(), written(0))}
SEEDS = [NOTE, COSIGNED, NOTE_KEY.encode(), str(W1).encode(), written(), SEEN, written(0),
         SEEN + note.line("nobody", b"\x00\x01\x02\x03", bytes(40))]


def one(data: bytes) -> None:
    """As a note, as the text of a head, and as a key."""
    _note(data)
    with suppress(NoteError):
        told = notes.checkpoint(data)
        assert len(told.root) == 32
        assert 0 <= told.size < 10 ** 19
        assert data.startswith(f"{told.origin}\n{told.size}\n".encode())
    with suppress(NoteError):
        text = data.decode("utf-8", "replace")
        assert str(Key.read(text)) == text


def _note(data: bytes) -> None:
    try:
        found = notes.parse(data)
    except NoteError as reason:
        assert "\n" not in str(reason)
        return
    again = found.text + b"\n" + b"".join(
        note.line(one.name, one.key_id, one.data) for one in found.signatures)
    assert again == data
    with suppress(NoteError):
        notes.verified(found, [LOG])
        assert found.text in _TEXTS, "a text that nobody has signed"
