"""A client between a server and a gateway of this file, whose agenda is the real one."""

import asyncio
import threading
from contextlib import contextmanager

from cloud_bridge.response.deliver import Outcome
from cloud_bridge.response.openadr2.follow import Follower
from cloud_bridge.response.openadr2.terms import Agreed
from cloud_bridge.response.openadr2.ven import Ven
from edge.response.agenda import OFFERS, Agenda
from edge.wire import msgpack
from tests.openadr2.vtn import PATIENCE_S

AGREED = Agreed({1: 100_000, 2: 150_000}, "battery")


class Gateway:
    """Takes what the client hands over, as deliver.Delivery does; `is_away`: hears nothing."""

    def __init__(self, most=4):
        self.agenda = Agenda(most, 60, 60, 3600, 3600)
        self.is_away = False
        self.told = []

    def deliver(self, feed, listed, now_utc):
        outcomes = []
        for one in feed.take(listed, now_utc):
            reason = None if self.is_away else self._offer(one, now_utc)
            if reason in ("", "known", "past", "ended"):
                feed.answered(one.name, one.rev, reason)
            outcomes.append(Outcome(one, reason))
            if reason is None:
                break
        return outcomes

    def _offer(self, one, now_utc):
        from msgpack import packb

        from edge.response.event import MOST_BYTES, read

        packed = packb(one.arguments())
        reader = msgpack.Reader(MOST_BYTES)
        reader.start(packed, 0, len(packed))
        record = read(reader)
        assert record is not None
        self.told.append(one)
        said = OFFERS[self.agenda.offer(record, (now_utc - 946_684_800) // 60)]
        return "" if said == "new" else said


@contextmanager
def following(url, gateway, state, agreed=AGREED, tls=None, open_store=None):
    """What the client says, as (event, values)."""
    said = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def log(event, **values):
        said.append((event, values))

    async def run():
        ven = Ven(url, "site-1", tls, log)
        try:
            await Follower(ven, gateway, state, agreed, log, "p/g", open_store).run(stop)
        finally:
            await ven.close()

    failed = []

    def live():
        try:
            loop.run_until_complete(run())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield said
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        if failed:
            raise failed[0]
