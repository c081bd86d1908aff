"""Any bytes as what a time server answers: a time only when it repeats the question's number."""

from types import SimpleNamespace

from boards.sntp import Sntp
from tests.boards.test_sntp import answer

_NUMBER = b"\x11\x22\x33\x44\x55\x66\x77\x88"
_REQUEST = bytes(40) + _NUMBER
SEEDS = [answer(_REQUEST), answer(_REQUEST, first=0xE4), answer(_REQUEST, stratum=0),
         answer(_REQUEST, seconds=0)]


def one(data: bytes) -> None:
    """As it is, and with the number of the question."""
    for reply in (data, data[:24] + _NUMBER + data[32:]):
        client = Sntp()
        client._request[40:48] = _NUMBER
        client._socket = SimpleNamespace(recv=lambda n, reply=reply: reply[:n],
                                         close=lambda: None)
        if client._listen():
            assert reply[24:32] == _NUMBER
            assert len(reply) >= 48
            assert client.known
            assert 9131 <= client.day < 9131 + 50_000
            assert 0 <= client.second < 86_400
        else:
            assert not client.known
