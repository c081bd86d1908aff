"""openleadr's own server as the judge, in a thread with a loop of its own."""

import asyncio
import datetime
import socket
import threading
from contextlib import contextmanager

from openleadr import OpenADRServer, objects, utils
from openleadr.service.vtn_service import VTNService

PATH = "/OpenADR2/Simple/2.0b"
VEN = "ven-1"
PATIENCE_S = 30
KW = objects.Measurement("powerReal", "RealPower", "W", scale="k",
                         power_attributes=objects.PowerAttributes())


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Vtn:
    """`answers`: (event, modification, opt) of each oadrCreatedEvent. What it has in memory is gone
    with it."""

    def __init__(self, port, **keys):
        self.port, self.answers, self.asked = port, [], []
        self.registered = 0
        self._keys = keys
        self._loop = asyncio.new_event_loop()

    @property
    def url(self):
        scheme, host = ("https", "localhost") if "http_cert" in self._keys else (
            "http", "127.0.0.1")
        return f"{scheme}://{host}:{self.port}{PATH}"

    def start(self):
        for name in ("ven_lookup", "fingerprint_lookup"):  # the library keeps them on the class
            if name in vars(VTNService):
                delattr(VTNService, name)
        self.server = OpenADRServer(
            "vtn-1", http_port=self.port, requested_poll_freq=datetime.timedelta(seconds=1),
            show_fingerprint=False, **self._keys)
        self.server.add_handler("on_create_party_registration", self._register)
        for service in self.server.services.values():
            for kind, handler in list(service.handlers.items()):
                service.handlers[kind] = self._heard(kind, handler)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self.call(self.server.run())

    def stop(self):
        self.call(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def event(self, name, signal="SIMPLE", kind="level", payloads=(1.0,), minutes=60, in_s=0,
              measurement=None, **more):
        """Have an event told whose intervals take `minutes` each."""
        length = datetime.timedelta(minutes=minutes)
        start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=in_s)
        intervals = [objects.Interval(start + at * length, length, payload)
                     for at, payload in enumerate(payloads)]
        made = objects.Event(
            objects.EventDescriptor(name, 0, "http://market.example", "far"),
            [objects.EventSignal(intervals, signal, kind, "signal-1", measurement=measurement)],
            targets=[objects.Target(ven_id=VEN)], **more)
        self.do(lambda: self.server.add_raw_event(VEN, made, callback=_nothing))
        return made

    def cancel(self, name):
        self.do(lambda: self.server.cancel_event(VEN, name))

    def let_end(self, name):
        """Have an event be over by the server's clock."""
        def end():
            event = utils.find_by(self.server.events[VEN], "event_descriptor.event_id", name)
            utils.setmember(event, "active_period.dtstart", datetime.datetime.now(datetime.UTC)
                            - datetime.timedelta(days=1))

        self.do(end)

    def again(self):
        """Tell the same list once more."""
        self.do(lambda: self.server.events_updated.update({VEN: True}))

    def do(self, what):
        async def run():
            return what()

        return self.call(run())

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _register(self, payload):
        self.registered += 1
        return VEN, "registration-1"

    def _heard(self, kind, handler):
        async def heard(payload):
            self.asked.append(kind)
            if kind == "oadrCreatedEvent":
                self.answers += [(one["event_id"], one["modification_number"], one["opt_type"])
                                 for one in payload["event_responses"]]
            result = handler(payload)
            return await result if asyncio.iscoroutine(result) else result

        return heard


def _nothing(ven_id, event_id, opt_type):
    """The library pops an event's callback with the first answer; `answers` has all of them."""


@contextmanager
def serving(port=None, **keys):
    vtn = Vtn(port or free_port(), **keys)
    vtn.start()
    try:
        yield vtn
    finally:
        vtn.stop()
