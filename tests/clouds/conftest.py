"""A whole gateway at the door of a cloud, and brokers to stand behind it."""

import time

import pytest

from boards import emulator
from edge.app import App
from edge.blocks import RamBlocks
from edge.ticks import ticks_ms
from hil.mosquitto import Mosquitto, find
from tests.clouds.republished import feed, republish, watch
from tests.conftest import _missing
from tests.core.park import image

__all__ = ["feed", "republish", "watch"]  # fixtures of a file of their own

STRICT = ["message_size_limit 16384", "max_qos 1", "retain_available false", "max_keepalive 1200"]



@pytest.fixture
def broker(tmp_path):
    """As strict as the strictest cloud, in what mosquitto can be told. A new one each time: names
    are used again, and it would remember their sessions."""
    if not find():
        _missing("mosquitto")
    with Mosquitto(tmp_path / "strict", settings=STRICT) as made:
        yield made


@pytest.fixture(scope="module")
def lax(tmp_path_factory):
    """One that minds nothing: what it does not get, the door has kept."""
    if not find():
        _missing("mosquitto")
    with Mosquitto(tmp_path_factory.mktemp("lax")) as made:
        yield made


class Gateway:
    """The application on a board whose wall clock and password are the test's."""

    def __init__(self, cloud, port, monkeypatch, now_s=1_780_000_000, sections=None, **keys):
        made = image(broker={"host": "127.0.0.1", "port": port, "user": "", "cloud": cloud.name,
                             **keys})
        made.update(sections or {})
        if cloud.name == "plain":
            made["broker"]["user"] = "demo"
        if cloud.keys:
            made["cloud"] = cloud.keys
        self.now_s = now_s
        board = emulator.Board(made, None)
        monkeypatch.setattr(board, "flash_device", lambda: RamBlocks(sectors=64))
        monkeypatch.setattr(board, "password", lambda: cloud.secret)
        monkeypatch.setattr(board, "wall", self.wall)
        self.app = App(made, board)
        if self.app.client is not None:
            self.app.client.options.retry_ms = 20
            self.app.client.options.retry_max_ms = 100

    def wall(self):
        if self.now_s == 0:
            return 0, 0, False
        days, second = divmod(self.now_s, 86_400)
        return days - 10_957, second, True

    def until(self, condition, meanwhile=lambda: None, timeout_s=15):
        deadline = time.monotonic() + timeout_s
        while not condition():
            client = self.app.client
            assert time.monotonic() < deadline, (client.state, client.fault, client.refusal)
            self.app.uplink.step(ticks_ms(), True)
            meanwhile()
            time.sleep(0.001)


@pytest.fixture
def gateway(monkeypatch):
    made = []

    def start(*args, **keys):
        made.append(Gateway(*args, monkeypatch, **keys))
        return made[-1]

    yield start
    for one in made:
        if one.app.client is not None:
            one.app.client.leave(ticks_ms())
