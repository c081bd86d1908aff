"""A server that says what no server should: told, never delivered, and outlived."""

import datetime
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from openleadr.messaging import create_message

from tests.openadr2.site import Gateway, following
from tests.openadr2.vtn import PATIENCE_S
from tests.shown.served import wait

START = datetime.datetime(2100, 7, 15, 4, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
OK = {"response_code": 200, "response_description": "OK", "request_id": "r"}


def listing(*names, of=None, **more):
    events = [{
        "event_descriptor": {
            "event_id": name, "modification_number": 0, "market_context": "http://market.example",
            "event_status": "far", "created_date_time": START, "priority": 0, **more},
        "active_period": {"dtstart": START, "duration": HOUR},
        "event_signals": [{"signal_name": "SIMPLE", "signal_type": "level", "signal_id": "s",
                           "intervals": [{"duration": HOUR, "signal_payload": 1}]}],
        "targets": [{"ven_id": "ven-1"}], "response_required": "always"} for name in names]
    return create_message("oadrDistributeEvent", response=of or OK, request_id="r", vtn_id="vtn-1",
                          events=events)


REGISTERED = create_message(
    "oadrCreatedPartyRegistration", response=OK, ven_id="ven-1", vtn_id="vtn-1",
    registration_id="registration-1", profiles=[
        {"profile_name": "2.0b", "transports": [{"transport_name": "simpleHttp"}]}],
    requested_oadr_poll_freq=datetime.timedelta(seconds=1))
NOTHING = create_message("oadrResponse", response=OK, ven_id="ven-1", vtn_id="vtn-1")
LAUGHS = ('<?xml version="1.0"?><!DOCTYPE a0 [<!ENTITY a0 "ha">'
          + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
          + "]><a0>&a11;</a0>")
HOSTILE = {
    "nothing": (200, ""), "not XML": (200, "<html>"), "half of it": (200, listing("e")[:900]),
    "another schema": (200, "<oadrPayload/>"), "entities": (200, LAUGHS),
    "an error": (500, "no"), "somebody else": (307, ""), "bytes": (200, b"\xff\xfe\x00"),
    "entities in another code": (200, LAUGHS.encode("utf-16")), "too much": (200, b" " * (1 << 21)),
    "a code": (200, listing("e", of={**OK, "response_code": 452})),
    "one name twice": (200, listing("e", "e")),
    "a day that there is not": (200, listing("e").replace("2100-07-15", "2100-02-31")),
    "a time without end": (200, listing("e").replace("PT1H", "P999999999999D"))}


@contextmanager
def answering(*answers):
    """Register everybody, and give these to who asks for the whole list; the last one again."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            code, body = 200, NOTHING
            if b"oadrCreatePartyRegistration" in asked:
                body = REGISTERED
            elif b"oadrRequestEvent" in asked:
                code, body = left.pop(0) if len(left) > 1 else left[0]
            if self.path.startswith("/elsewhere"):
                code, body = 200, listing("e")
            raw = body if isinstance(body, bytes) else body.encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("Location", "/elsewhere")  # counts where the code says so
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(PATIENCE_S)
        server.server_close()


@pytest.mark.parametrize("what", HOSTILE)
def test_told_and_not_delivered(what, tmp_path):
    gateway = Gateway()
    with answering(HOSTILE[what]) as url, following(url, gateway, tmp_path / "state") as said:
        wait(lambda: "trouble" in [event for event, _ in said], said)
    assert not gateway.told
    assert all(str(values.get("reason", "")).isprintable() for _, values in said)


@pytest.mark.parametrize(("change", "why"), [
    (("PT1H", "P7DT1H"), "a week"), (("PT1H", "-PT1H"), "a week"),
    (("2100-07-15", "1970-07-15"), "2000"), (("2100-07-15", "9999-12-31"), "4040"),
    (("<ei:value>1</", "<ei:value>INF</"), "level"),
    (("<ei:value>1</", "<ei:value>1e99</"), "level"), ((">SIMPLE<", ">x-own<"), "signals")])
def test_absurd_and_refused(change, why, tmp_path):
    gateway = Gateway()
    found = listing("e")
    assert change[0] in found
    with answering((200, found.replace(*change))) as url, \
            following(url, gateway, tmp_path / "state") as said:
        wait(lambda: {"refused", "trouble"} & {event for event, _ in said}, said)
    assert not gateway.told
    assert why in next(values["reason"] for event, values in said
                       if event in ("refused", "trouble"))


def test_what_was_taken_stays_until_a_whole_list_says_otherwise(tmp_path):
    gateway = Gateway()

    def follow(told, *answers):
        with answering(*answers) as url, following(url, gateway, tmp_path / "state") as said:
            wait(lambda: [event for event, _ in said].count("registered") == len(answers)
                 and len(gateway.told) >= told, said)
        assert len(gateway.told) == told

    follow(1, (200, listing("e")))
    follow(1, (200, "<html>"), (500, ""), (200, NOTHING))
    follow(2, (200, listing()))
    assert [bool(one.intervals) for one in gateway.told] == [True, False]
