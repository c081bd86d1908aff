"""Any bytes as what a name server answers: an address that stands in it, or none."""

from edge import dns

ASKED = dns.question("broker.example.com", b"\x12\x34")
_ALIAS = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x07\x04host\xc0\x13"
_ADDRESS = b"\xc0\x30\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x07"
_HEAD = b"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"
SEEDS = [_HEAD + ASKED[12:] + _ALIAS + _ADDRESS, _HEAD[6:] + _ALIAS + _ADDRESS,
         _HEAD + ASKED[12:] + _ALIAS[:-1] + b"\x30" + _ADDRESS]


def one(data: bytes) -> None:
    """Whole, and behind the head and the question that an answer has to begin with."""
    ours = ASKED[:2] + b"\x81\x80\x00\x01" + data[:6].ljust(6, b"\x00") + ASKED[12:] + data[6:]
    for reply in (data, ours):
        try:
            found = dns.answer(ASKED, reply)
        except OSError:  # it says that there is no address
            continue
        if found is not None:
            assert bytes(map(int, found.split("."))) in reply
