"""The way to a server: where the secret goes, and what the simulated one refuses."""

import json

import pytest

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.feed import Feed
from cloud_bridge.response.openadr3.asks import Reading
from cloud_bridge.response.openadr3.client import Client
from cloud_bridge.response.openadr3.memory import Memory
from cloud_bridge.response.openadr3.vtn import Vtn, VtnError
from tests.openadr3.events import interval


def test_the_secret_is_in_no_line(world, tmp_path):
    world.client = Client(
        Vtn(world.server.url, "ven", "s3cr3t-s3cr3t"), "shed", world.gateway,
        Feed(tmp_path / "f"), Memory(tmp_path / "g"), list, Reading(), "v", "g",
        lambda event, **more: world.log.append((event, more)))
    assert world.turn() == []
    assert world.log[-1][1]["reason"] == "token: found status 401"
    assert "s3cr3t" not in json.dumps(world.log)


@pytest.mark.parametrize("url", [
    "http://vtn.example.com/openadr3", "ftp://127.0.0.1", "vtn.example.com", "https://",
    "https://u:p@vtn.example.com", "https://a b", "http://[::1", "http://127.0.0.1:port/"])
def test_where_no_secret_is_sent(url):
    with pytest.raises(DocumentError, match=r"^vtn: found .*, expected https"):
        Vtn(url, "ven", "ven")


def test_http_to_another_machine_only_when_told():
    with pytest.raises(DocumentError, match=r"^vtn: found .*, expected https"):
        Vtn("http://vtn.example.com", "ven", "ven")
    assert Vtn("http://vtn.example.com", "ven", "ven", plain=True)
    assert Vtn("http://[::1]:8081/x", "ven", "ven"), "this machine itself"


def test_the_server_refuses_what_the_specification_refuses(world):
    vtn = Vtn(world.server.url, "ven", "ven")
    for made in ({}, {"eventID": "e", "clientName": "c"},
                 {"eventID": "nobody's", "clientName": "c", "resources": []},
                 {"eventID": "event-99", "clientName": "c", "resources": []}):
        with pytest.raises(VtnError, match="status 400") as error:
            vtn.post("reports", made)
        assert error.value.refused
    with pytest.raises(VtnError, match="status 403"):
        vtn.post("events", {"programID": world.program})
    with pytest.raises(VtnError, match="status 404"):
        vtn.get("nothing")
    bl = Vtn(world.server.url, "bl", "bl")
    for wrong in ({"intervals": [{"id": 0}]}, {"intervals": [{"payloads": []}]},
                  {"intervals": [interval()], "duration": "1H"}, {"priority": -1},
                  {"intervalPeriod": {"start": "soon"}}):
        with pytest.raises(VtnError, match="status 400"):
            bl.post("events", {"programID": world.program, **wrong})
    with pytest.raises(VtnError, match="status 400"):
        vtn.post("subscriptions", {"clientName": "c", "objectOperations": [
            {"objects": ["EVENT"], "operations": ["POST"], "callbackUrl": "http://x"}]})
