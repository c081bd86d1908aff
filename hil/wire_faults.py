"""Faults of the wire itself, one function each, found by its name like those in hil/faults.py."""

from hil.faults import Act, Effect, Piece, body_of, framed

_READ_CODES = (3, 4)
_DROP = bytes(range(0x40, 0x50))  # of a stream without end: no address, no length, no function


def partial(first: int = 6) -> Effect:
    """Only the first bytes of every reply come, and never the rest."""
    return Effect(frame=lambda frame, rtu: frame[:first])


def duplicated() -> Effect:
    """Every reply comes twice: a repeater, or a gateway that asks again by itself."""
    return Effect(frame=lambda frame, rtu: frame + frame)


def foreign_transaction() -> Effect:
    """Over TCP replies bear the number of another transaction. A serial line has none."""
    return Effect(frame=lambda frame, rtu: frame if rtu else bytes((frame[0] ^ 0x40,)) + frame[1:])


def word_swapped() -> Effect:
    """Every two registers of a reply have changed places: another firmware, another word order."""

    def swap(frame: bytes, rtu: bool) -> bytes:
        body = bytearray(body_of(frame, rtu))
        if body[1] in _READ_CODES:
            for at in range(3, len(body) - 3, 4):
                body[at:at + 4] = body[at + 2:at + 4] + body[at:at + 2]
        return framed(bytes(body), frame, rtu)

    return Effect(frame=swap)


def reboot() -> Effect:
    """The device starts anew: it is silent meanwhile, and has forgotten what it was told."""
    return Effect(mute=True, forgets=True)


def refuses() -> Effect:
    """Every write is refused, as that of a setpoint beyond what the device allows; reads go on."""
    return Effect(refuses=True)


def second_master(w: int = 0) -> Effect:
    """Somebody else writes a setpoint of his own, W of discharge, each second."""
    return Effect(other_w=w)


def lossy(every: int = 3) -> Effect:
    """Each so manieth reply is lost."""
    asked = 0

    def lose(frame: bytes, rtu: bool) -> bytes:
        nonlocal asked
        asked += 1
        return frame if asked % every else b""

    return Effect(frame=lose)


def noise(before_ms: int = 20) -> Effect:
    """Something that is no frame comes before every reply."""
    return Effect(wire=lambda request, reply, rtu: [(0, b"\xff\x00\x80"), (before_ms, reply)])


def belated(by_ms: int = 1300) -> Effect:
    """Every reply comes after the time-out, and so behind the next request."""
    return Effect(wire=lambda request, reply, rtu: [(by_ms, reply)])


def echo() -> Effect:
    """The request itself comes back before its reply: a two-wire adapter that hears itself."""
    return Effect(wire=lambda request, reply, rtu: [(0, request), (5, reply)])


def dropped() -> Effect:
    """The connection is closed in the place of every reply."""
    return Effect(wire=lambda request, reply, rtu: [(0, Act.HANG_UP)])


def rival(every: int = 10) -> Effect:
    """With each so many requests a second client connects, and the device drops the first."""
    asked = 0

    def kick(request: bytes, reply: bytes, rtu: bool) -> list[Piece]:
        nonlocal asked
        asked += 1
        return [(0, Act.RIVAL if asked % every == 0 else reply)]

    return Effect(wire=kick)


def babble(for_ms: int = 3000, pause_ms: int = 4) -> Effect:
    """Every request sets off bytes that never end a frame: some every `pause_ms`, for so long."""
    return Effect(wire=lambda request, reply, rtu: [(at_ms, _DROP)
                                                    for at_ms in range(0, for_ms, pause_ms)])


def out_of_step() -> Effect:
    """Every reply is that to the request before, for ever: nothing but its number or its length
    tells."""
    waiting: dict[int, bytes] = {}

    def behind(request: bytes, reply: bytes, rtu: bool) -> list[Piece]:
        unit = body_of(reply, rtu)[0]
        before = waiting.get(unit, b"")
        waiting[unit] = reply
        return [(0, before)] if before else []

    return Effect(wire=behind)
