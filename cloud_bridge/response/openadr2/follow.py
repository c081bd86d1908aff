"""From a server's events to a gateway, and from what that does to the server's answers.

Whatever fails, the gateway keeps what it has: only a list that came whole, or the server's own
word, calls an event off. An event is answered once the gateway has judged it, so a server that
hears nothing yet knows that nobody has promised anything.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from cloud_bridge.databases import Database
from cloud_bridge.inbox import BrokerError
from cloud_bridge.intake import TroubleError
from cloud_bridge.logs import Log
from cloud_bridge.response import announced
from cloud_bridge.response.deliver import Delivery, heard
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr2.terms import (
    CANCELLED,
    COMPLETED,
    Agreed,
    Received,
    UnfitError,
    received,
)
from cloud_bridge.response.openadr2.ven import Listing, Ven, VtnError

_PAUSE_S = 300.0  # the longest between two tries
_AGAIN_S = 30.0  # until a gateway that was away, or full, is asked again
_LEFT = ("opted out", "failed")
_TAKEN = ("", "known")
IN, OUT = "optIn", "optOut"


class Follower:
    """One server for one gateway. `run` until `stop` is set."""

    def __init__(self, ven: Ven, delivery: Delivery, state: Path, agreed: Agreed, log: Log,
                 gateway: str, open_store: Callable[[], Database] | None = None) -> None:
        self._ven, self._delivery, self._agreed, self._log = ven, delivery, agreed, log
        self._feed = Feed(state)
        self._gateway, self._open_store = gateway, open_store
        self._events: dict[str, Received] = {}  # of the last list
        self._turned_down: set[str] = set()  # for now: they are asked for again
        self._answered: dict[str, tuple[int, str]] = {}
        self._owed: set[str] = set()  # a list asks for an answer, though it has had the same
        self._request = ""
        self._registered = False
        self._again_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Follow. DocumentError, OSError: what is kept here, or the keys, cannot be read."""
        tries = 0
        while not stop.is_set():
            try:
                await self._round()
                tries, pause_s = 0, self._ven.poll_s
            except VtnError as error:
                self._registered = False  # the next try begins anew, with the whole list
                pause_s = min(_PAUSE_S, self._ven.poll_s * 2 ** min(tries, 16))
                pause_s *= random.uniform(0.5, 1)  # not all sites at once
                tries += 1
                self._log("trouble", place="vtn", reason=str(error), retry_s=pause_s)
            await _nap(stop, pause_s)

    async def _round(self) -> None:
        fresh = not self._registered
        if fresh:
            await self._ven.register()
        listing = await self._ven.listed(whole=fresh)
        taken = None if listing is None else self._read(listing)
        if taken is not None and not fresh and not self._live() <= taken.keys():
            # Gone without a word: believed of the whole list alone.
            listing = await self._ven.listed(whole=True)
            taken = None if listing is None else self._read(listing)
        self._registered = True
        if listing is not None and taken is not None:
            self._events, self._request = taken, listing.request
            self._owed = {name for name, one in taken.items() if one.must_answer}
            self._answered = {name: said for name, said in self._answered.items() if name in taken}
            self._turned_down &= taken.keys()
        await self._deliver(None if taken is None else taken.values())
        self._look()
        await self._answer()

    def _live(self) -> set[str]:
        return {name for name, one in self._events.items() if one.wish is not None}

    def _read(self, listing: Listing) -> dict[str, Received] | None:
        """By name; None where the list is not to be understood as a whole: it changes nothing."""
        try:
            found = {name: received(name, event, self._agreed) for name, event in listing.events}
        except UnfitError as error:
            self._log("list refused", reason=str(error))
            return None
        for name, one in found.items():
            if one.refused and self._events.get(name) != one:
                self._log("refused", name=repr(name), modification=one.modification,
                          reason=one.refused)
        return found

    async def _deliver(self, listed: Iterable[Received] | None) -> None:
        """Have the gateway told what it has to know."""
        wishes = None if listed is None else {one.name: one.wish for one in listed
                                              if one.wish is not None}
        if wishes is None and (time.monotonic() < self._again_s or not self._pending()):
            return
        self._again_s = time.monotonic() + _AGAIN_S
        try:
            outcomes = await asyncio.to_thread(self._delivery.deliver, self._feed, wishes,
                                               int(time.time()))
        except BrokerError as error:
            self._log("trouble", place="broker", reason=str(error), retry_s=_AGAIN_S)
            return
        for event, reason in outcomes:
            self._log("told", name=repr(event.name), rev=event.rev,
                      off=not event.intervals, outcome="nothing heard" if reason is None
                      else reason or "taken")
            if reason is None or self._feed.judged(event.name):
                self._turned_down.discard(event.name)
            else:
                self._turned_down.add(event.name)

    def _pending(self) -> set[str]:
        """What the gateway has not judged."""
        return {one.name for one in self._feed.take(None, int(time.time()))}

    def _look(self) -> None:
        """What the gateway has left since is no longer promised."""
        if self._open_store is None or not self._live():
            return
        names = {announced.number(name): name for name in self._live()}
        try:
            said = heard(self._open_store, self._gateway)
        except TroubleError as error:
            self._log("trouble", place="store", reason=str(error), retry_s=self._ven.poll_s)
            return
        for one in said:
            name = names.get(one.number)
            judged = self._feed.judged(name) if name else None
            if name and one.phase in _LEFT and judged in [(one.rev, taken) for taken in _TAKEN]:
                self._feed.answered(name, one.rev, one.phase)
                self._log("left", name=repr(name), rev=one.rev, phase=one.phase,
                          reason=one.reason)

    async def _answer(self) -> None:
        pending = self._pending()
        for name, one in self._events.items():
            opt = self._opt(one, pending)
            if opt is None or not one.must_answer or one.status == COMPLETED:
                continue
            said = one.modification, opt
            if name in self._owed or self._answered.get(name) != said:
                await self._ven.answer(self._request, name, one.modification, opt)
                self._answered[name] = said
                self._owed.discard(name)
                self._log("answered", name=repr(name), modification=one.modification, opt=opt)

    def _opt(self, one: Received, pending: set[str]) -> str | None:
        """What to answer; None: nobody knows yet."""
        if one.status == CANCELLED:
            return None if one.name in pending else IN
        if one.refused or one.name in self._turned_down:
            return OUT
        judged = self._feed.judged(one.name)
        return None if judged is None else IN if judged[1] in _TAKEN else OUT


async def _nap(stop: asyncio.Event, for_s: float) -> None:
    try:
        async with asyncio.timeout(for_s):
            await stop.wait()
    except TimeoutError:
        return
