"""The broker of the demo ends, whatever its library waits for."""

import asyncio
import gc
import socket

import pytest
from amqtt.broker import Broker

from cloud_bridge import broker
from cloud_bridge.broker import EmbeddedBroker


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orderly stop that never ends: a client owes an answer."""

    async def wait(self: Broker) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Broker, "shutdown", wait)
    monkeypatch.setattr(broker, "_STOP_S", 0.2, raising=False)
    monkeypatch.setattr(broker, "_START_S", 2.0)


@pytest.mark.usefixtures("stuck")
def test_a_stop_that_hangs_still_ends_and_frees_the_port() -> None:
    first = EmbeddedBroker()
    first.__enter__()
    with socket.create_connection((first.host, first.port)):
        first.__exit__(None, None, None)
    assert not first._thread.is_alive()
    second = EmbeddedBroker(first.port)
    with second:
        assert second.port == first.port
    gc.collect()  # a transport left open would be told here, as an error


def test_to_stop_it_twice_does_no_harm() -> None:
    one = EmbeddedBroker()
    one.__enter__()
    one.__exit__(None, None, None)
    one.__exit__(None, None, None)
    assert not one._thread.is_alive()
