"""Reads M-Bus meters: begins anew, selects, fetches every telegram, and asks no more than twice
again. What cannot be read is said in one line and left for its next turn."""

from collections.abc import Callable
from typing import Protocol

from boards import mbus_frame
from boards.mbus_frame import ACKNOWLEDGED, NETWORK, Identity, Telegram
from boards.mbus_records import TelegramError

_TRIES = 3  # EN 13757-2: a request, and two more
_MOST_TELEGRAMS = 16
SILENT = "silent"


class Bus(Protocol):
    """What frames go out on (boards/mbus_line.py)."""

    async def exchange(self, frame: bytes) -> bytes: ...
    def close(self) -> None: ...


def _nothing() -> None:
    pass


async def fetch(bus: Bus, address: int | None, identity: Identity | None, *,
                most: int = _MOST_TELEGRAMS, spend: Callable[[], None] = _nothing
                ) -> list[Telegram]:
    """All telegrams of one meter, `most` at most: the one at `address`, or without one the one
    that `identity` selects; given both, the meter there has to be that one.

    `spend` is called before each request that a meter answers from its battery, and may raise
    TelegramError. Raises that when the meter is silent or not understood, OSError when the line is
    gone.
    """
    to = NETWORK if address is None else address
    await bus.exchange(mbus_frame.reset(to))  # not every meter answers this
    if address is None:
        assert identity is not None
        await _select(bus, identity)
    told: list[Telegram] = []
    while len(told) < most:
        telegram = await _ask(bus, to, len(told) % 2 == 0, spend)
        _check_sender(telegram.identity, told[0].identity if told else None, identity)
        if any(telegram.data == earlier.data for earlier in told):
            break  # it does not count frames, and says the same again
        told.append(telegram)
        if not telegram.goes_on:
            break
    if address is None:
        await bus.exchange(mbus_frame.reset(NETWORK))
    return told


def _check_sender(sender: Identity, first: Identity | None, meant: Identity | None) -> None:
    """A later telegram has to be of the same number and maker: some bear another type."""
    if first is None:
        if meant is not None and not meant.fits(sender):
            raise TelegramError(f"{sender} has answered, expected {meant}")
    elif (sender.number, sender.maker) != (first.number, first.maker):
        raise TelegramError(f"{sender} goes on where {first} began")


async def _ask(bus: Bus, address: int, odd: bool, spend: Callable[[], None]) -> Telegram:
    wrong = TelegramError(SILENT)
    for _ in range(_TRIES):
        spend()
        heard = await bus.exchange(mbus_frame.request(address, odd))
        if heard:
            try:
                return mbus_frame.read(heard, address)
            except TelegramError as error:
                wrong = error
    raise wrong


async def _select(bus: Bus, identity: Identity) -> None:
    heard = b""
    for _ in range(_TRIES):
        heard = await bus.exchange(mbus_frame.select(identity)) or heard
        if heard == ACKNOWLEDGED:
            return
    raise TelegramError(f"its selection is answered by {heard[:8].hex(' ')}" if heard else SILENT)
