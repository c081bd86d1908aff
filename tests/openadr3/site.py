"""A client of the simulated server, with a gateway that only notes."""

from cloud_bridge.inbox import BrokerError
from cloud_bridge.response.deliver import Outcome
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr3.asks import Reading
from cloud_bridge.response.openadr3.client import Client
from cloud_bridge.response.openadr3.memory import Memory
from cloud_bridge.response.openadr3.vtn import Vtn
from tests.openadr3.events import START, event

NOW = START - 3600


class Gateway:
    """Takes everything, as deliver.Delivery does; `told` is what reached it."""

    def __init__(self):
        self.told, self.away = [], False

    def deliver(self, feed, listed, now_utc):
        if self.away:
            feed.take(listed, now_utc)
            raise BrokerError("nobody there")
        outcomes = []
        for one in feed.take(listed, now_utc):
            feed.answered(one.name, one.rev)
            self.told.append((one.name, one.rev, bool(one.intervals)))
            outcomes.append(Outcome(one, ""))
        return outcomes


class World:
    def __init__(self, server, folder):
        self.server, self.folder, self.gateway = server, folder, Gateway()
        self.heard, self.log = [], []
        self.program = server.create("programs", {"programName": "shed"})
        self.start()

    def start(self, *targets):
        """As after a restart."""
        self.client = Client(
            Vtn(self.server.url, "ven", "ven", wait_s=1), "shed", self.gateway,
            Feed(self.folder / "feed.json"), Memory(self.folder / "feed.json.seen"),
            lambda: self.heard, Reading({1: 50_000}), "ven-1", "g",
            lambda event, **more: self.log.append((event, more)), targets)

    def call(self, *values, **more):
        made = {**event(*values, **more), "programID": self.program}
        return self.server.create("events", {name: made[name] for name in made if name != "id"})

    def turn(self, now=NOW):
        """What was told in one turn."""
        self.gateway.told.clear()
        self.good = self.client.turn(now)
        return list(self.gateway.told)

    def notes(self):
        return [more["note"] for said, more in self.log if said == "event"]
