"""The client with a server over HTTP, seen from the server's business side: the simulated one, and
the one at OPENADR3_VTN_URL, whose client is OPENADR3_VTN_ID with OPENADR3_VTN_SECRET, and whose
business side OPENADR3_BL_ID with OPENADR3_BL_SECRET."""

import json
import os
import time
import urllib.request
import uuid
from types import SimpleNamespace

import pytest

from cloud_bridge.response.announced import Said, number
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr3.asks import Reading
from cloud_bridge.response.openadr3.client import Client
from cloud_bridge.response.openadr3.memory import Memory
from cloud_bridge.response.openadr3.vtn import Vtn
from hil.openadr3_vtn import Vtn as Server
from tests.openadr3.events import event, period
from tests.openadr3.site import Gateway

REAL = os.environ.get("OPENADR3_VTN_URL")


class Business(Vtn):
    """The business side: it also changes and deletes."""

    def change(self, method, path, made=None):
        request = urllib.request.Request(
            f"{self._url}/{path}", method=method, data=json.dumps(made).encode() if made else None,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.skipif(
    not REAL, reason="OPENADR3_VTN_URL is not set"))])
def site(request, tmp_path):
    """The business side, a client of a program of its own, what its gateway was told, and where
    what it says is put."""
    if request.param == "real":
        accounts = [os.environ[f"OPENADR3_{name}"] for name in ("VTN_ID", "VTN_SECRET", "BL_ID",
                                                                "BL_SECRET")]
        yield begun(REAL, accounts, tmp_path)
        return
    with Server() as server:
        yield begun(server.url, ["ven", "ven", "bl", "bl"], tmp_path)


def begun(url, accounts, folder):
    business = Business(url, *accounts[2:], plain=True)
    name = f"parkedge-{uuid.uuid4().hex[:12]}"
    program = business.post("programs", {"programName": name})["id"]
    gateway, heard = Gateway(), []
    client = Client(Vtn(url, *accounts[:2], plain=True), name, gateway, Feed(folder / "feed"),
                    Memory(folder / "memory"), lambda: heard, Reading({1: 50_000}), "ven-1", "g",
                    lambda event, **more: None)
    return SimpleNamespace(business=business, program=program, client=client, gateway=gateway,
                           heard=heard)


def test_an_event_from_its_announcement_to_its_end(site):
    now = int(time.time())
    made = {**event(1, kind="SIMPLE", intervalPeriod=period(now + 3600)), "programID": site.program}
    del made["id"], made["createdDateTime"]
    name = site.business.post("events", made)["id"]
    assert site.client.turn(now)
    assert site.gateway.told == [(name, 0, True)]
    site.heard.append(Said(number(name), 0, "scheduled", "", "2026-07-15T04:00:00Z", 500, 0))
    assert site.client.turn(now)
    reports = [one for one in site.business.listed("reports") if one["eventID"] == name]
    assert [one["resources"][0]["intervals"][0]["payloads"] for one in reports] == [
        [{"type": "OPERATING_STATE", "values": ["NORMAL"]}]]
    later = {**made, "intervalPeriod": period(now + 7200)}
    site.business.change("PUT", f"events/{name}", later)
    assert site.client.turn(now)
    assert site.gateway.told[1:] == [(name, 1, True)]
    site.business.change("DELETE", f"events/{name}")
    assert site.client.turn(now)
    assert site.gateway.told[2:] == [(name, 2, False)]
    site.business.change("DELETE", f"programs/{site.program}")
