"""Any bytes as what a name server answers.

    python -m tests.fuzz.dns -runs=1000000
"""

import sys

from edge import dns

ASKED = dns.question("broker.example.com", b"\x12\x34")


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


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
