"""Every task beside the beat when its part has a bug: none ends in silence, and the beat never
notices. The event loop's clock is the test's."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from boards.image import compile_site
from edge import app as gateway
from edge.app import App
from edge.blocks import RamBlocks
from edge.now import Faults
from tests.boards.sites import MILL, changed, judge
from tests.conftest import Interpreter
from tests.core.park import image
from tests.shown.served import free_port

FROM_S, TO_S, END_S = 10, 200, 620
FAULT = 7


class Bug(Exception):  # noqa: N818 - what is injected
    """No OSError."""


class Loop(asyncio.SelectorEventLoop):
    """Time leaps to whatever comes next."""

    now_s = 0.0

    def time(self):
        return self.now_s

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.now_s = max(self.now_s, self._scheduled[0]._when)
        super()._run_once()


class Board:
    """In memory; nobody answers on a bus, or at the broker."""

    def __init__(self, loop):
        self.loop = loop
        self.devices = {}
        self.fed = 0

    def open_port(self, bus):
        return Nowhere()

    def flash_device(self):
        return self.state("bulk")

    def state(self, name):
        return self.devices.setdefault(name, RamBlocks(4096, 32))

    def secret(self, name):
        return bytes(range(32))

    def password(self):
        return b""

    def wall(self):
        return 9_800, int(self.loop.now_s), True

    def network_up(self):
        return True

    def keep(self, row, rule_names):
        pass

    def watchdog(self, feed):
        self.fed += feed


class Nowhere:
    def open(self, now_ms):
        raise OSError(111)

    def close(self):
        pass


@pytest.fixture
def live(monkeypatch):
    """Run a gateway's `main` until END_S; `prepare(app)` is called before."""

    def run(made: dict[str, Any], prepare) -> App:
        loop = Loop()
        monkeypatch.setattr(gateway, "ticks_ms", lambda: int(loop.now_s * 1_000))
        monkeypatch.setattr("edge.broker.TcpPort", lambda host, port: Nowhere())
        app = App(made, Board(loop))
        prepare(app, loop)
        loop.call_later(END_S - 0.5, app.stop)
        try:
            loop.run_until_complete(app.main())
            assert asyncio.all_tasks(loop) == set()
        finally:
            loop.close()
        return app

    return run


def mill() -> dict[str, Any]:
    """A site with everything that has a task but a shared limit."""
    more = f'[page]\naddress = "127.0.0.1"\nport = {free_port()}\n[live]\nperiod_s = 5\n'
    more += "[commands]\n"
    found = judge(changed(("[ledger]", more + "[ledger]"), ('host = "" #', 'host = "10.0.0.1" #'),
                          base=MILL), MILL)
    assert found.errors == ()
    return compile_site(found.site)


def words(app):
    """What the gateway has told of faults."""
    box, found = app.outbox.vital, []
    into = bytearray(box.max_payload)
    for seq in range(1, box._next):
        n = box.read(seq, into)
        if box.kind == FAULT:
            found.append(bytes(into[:n]).decode())
    return found


def broken(loop, owner, name):
    """Let owner.name raise for a while; the times at which it was called."""
    calls, inner = [], getattr(owner, name)

    def outer(*args):
        calls.append(loop.now_s)
        if FROM_S <= loop.now_s < TO_S:
            raise Bug(name)
        return inner(*args)

    setattr(owner, name, outer)
    return calls


def test_each_task_rests_is_told_and_goes_on(live):
    called = {}

    def prepare(app, loop):
        for number, bus in enumerate(app.buses):
            called[f"bus {number}"] = broken(loop, bus, "_step")
        live, page = app.shown
        live._client = SimpleNamespace(is_up=lambda: True, publish=lambda *message: True)
        called["live"] = broken(loop, live._now, "write")
        called["page"] = broken(loop, page, "_admit")
        called["commands"] = broken(loop, app.commands.dated, "watch")
        called["uplink"] = broken(loop, app.uplink._batching, "take")
        called["sync"] = broken(loop, app.client, "step")

    app = live(mill(), prepare)
    app.shown[1].mend(0)  # lets go of its port
    assert app.site.fault is None
    assert app.beats == app.board.fed == END_S
    assert app.late == 0
    told = words(app)
    for name, calls in called.items():
        while_broken = [at for at in calls if FROM_S <= at < TO_S]
        assert len(while_broken) < 20, name
        assert calls[-1] > END_S - 10, name
        assert any(one.startswith(name + ": Bug(") for one in told), (name, told)
    assert Faults(app).count() > len(called)
    shown = bytearray(2_048)
    end = app.shown[1]._visits[0]._now.write(shown, 0, 0)
    assert json.loads(shown[:end])["faults"] == Faults(app).count()
    assert len(told) == len(set(told))


@pytest.mark.parametrize(("name", "call"), [("share", "next_turn"), ("network", "network_up")])
def test_the_link_of_a_shared_limit_too_and_a_board_that_cannot_tell(live, name, call):
    called = []

    def prepare(app, loop):
        owner = app.site.share if name == "share" else app.board
        called.append(broken(loop, owner, call))

    app = live(image(broker={"host": "h"}), prepare)
    assert app.site.fault is None
    assert called[0][-1] > END_S - 10
    assert words(app) == [f"{name}: Bug('{call}')"]


def test_a_task_that_cannot_even_pause_ends_in_rest_and_a_restart(live, monkeypatch):
    """No memory for the pause itself: nothing else is left."""
    pause_ms = gateway._pause_ms
    calls = []

    def pauses(ms):
        calls.append(ms)
        if len(calls) == 40:
            raise MemoryError
        return pause_ms(ms)

    monkeypatch.setattr(gateway, "_pause_ms", pauses)
    app = live(image(broker={"host": "h"}), lambda app, loop: None)
    assert isinstance(app.site.fault, MemoryError)
    assert app.beats == END_S
    assert app.board.fed < 40
    assert app.site.now.command_w == 0


def test_what_the_beat_s_own_task_calls_ends_in_rest_and_a_restart(live):
    """As a board's SNTP, which is asked within `wall`: the devices are left, the process ends."""
    apps = []

    def prepare(app, loop):
        apps.append(app)
        broken(loop, app.board, "wall")

    with pytest.raises(Bug):
        live(mill(), prepare)
    apps[0].shown[1].mend(0)
    assert apps[0].beats == FROM_S
    assert apps[0].running is False
    leases = [driver.lease for bus in apps[0].buses for driver in bus.drivers if driver.lease]
    assert [lease.leaving for lease in leases] == [True]


SCRIPT = """
import json, sys
from edge import app as gateway
from edge.blocks import RamBlocks
from edge.now import Faults

class Nowhere:
    def open(self, now_ms):
        raise OSError(111)
    def close(self):
        pass

class Board:
    beats = 0
    devices = {}
    def flash_device(self):
        return self.state("bulk")
    def state(self, name):
        return self.devices.setdefault(name, RamBlocks(4096, 8))
    def password(self):
        return b""
    def keep(self, row, rule_names):
        self.beats += 1
        if self.beats == 5:
            app.stop()
    def watchdog(self, feed):
        pass
    def network_up(self):
        return True
    def wall(self):
        return 9800, self.beats, True

app = gateway.App(json.load(open(sys.argv[1])), Board())
calls = {"take": 0, "_work": 0}

def fails(name):
    def outer(*args):
        calls[name] += 1
        raise IndexError(name)
    return outer

app.uplink._batching.take = fails("take")
app.client._work = fails("_work")
gateway.asyncio.run(app.main())
box = app.outbox.vital
into = bytearray(box.max_payload)
for seq in range(1, box._next):
    n = box.read(seq, into)
    print(box.kind, bytes(into[:n]).decode())
print(app.beats, app.site.fault, Faults(app).count(), calls["take"], calls["_work"])
"""


def test_on_a_gateway_too(micropython: Interpreter, tmp_path):
    (tmp_path / "site.json").write_text(json.dumps(image(broker={"host": "127.0.0.1", "port": 9})))
    script = tmp_path / "gateway.py"
    script.write_text(SCRIPT)
    said = micropython.run(script, tmp_path / "site.json", heap="512k").stdout.splitlines()
    told = [line for line in said if line[:2] == "7 "]
    assert told == ["7 uplink: IndexError('take',)", "7 sync: IndexError('_work',)"]
    beats, fault, faults, takes, works = said[-1].split()
    assert (beats, fault) == ("5", "None")
    assert int(faults) == int(takes) + int(works)
    assert 3 <= int(works) <= 4
