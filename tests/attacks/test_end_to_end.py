"""A command from the shell to the battery: identities, a broker with accounts, the bridge, a
gateway on MicroPython, its result, and the end of its lease."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cloud_bridge import identity
from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.command_codec import decode_result
from cloud_bridge.fair import Fair
from cloud_bridge.mqtt import Broker, MqttInbox
from cloud_bridge.serve import Bridge
from cloud_bridge.store import Store
from hil.mosquitto import Mosquitto, find
from tests.attacks.heard import Heard
from tests.conftest import ROOT, Interpreter, _missing
from tests.core.park import image
from tests.shown.served import wait

SCRIPT = ROOT / "tests" / "attacks" / "commanded_gateway.py"
KEYS = {"lease_max_s": 14_400, "setpoint_max_s": 900, "over_demand": 1, "root": ""}
PATIENCE_S = 30


class World:
    """Accounts, a broker that goes by them, and a bridge, whose events are `said`."""

    def __init__(self, folder: Path, *settings: str) -> None:
        """`settings` of the broker, beside its accounts."""
        self.folder, self.said = folder, []
        identity.make("p/g", folder / "g")
        identity.make("p/h", folder / "h")
        services = identity.services(folder / "services")
        accounts = folder / "accounts"
        accounts.mkdir()
        for what in ("passwd", "acl"):
            parts = [folder / one / "mosquitto" / what for one in ("g", "h", "services")]
            (accounts / what).write_bytes(b"".join(part.read_bytes() for part in parts))
        self.password = {user: services[user].read_text().strip()
                         for user in ("parkedge-bridge", "parkedge-command")}
        for one in "gh":
            self.password[f"p.{one}"] = (
                folder / one / "gateway" / "broker.password").read_text().strip()
        with (accounts / "passwd").open("ab") as passwd:
            passwd.write(identity.passwd("ear", b"ear"))  # who hears everything, for the test
        with (accounts / "acl").open("ab") as acl:
            acl.write(b"user ear\ntopic readwrite #\n")
        self.password["ear"] = "ear"
        self.broker = Mosquitto(folder / "mosquitto", settings=[
            "allow_anonymous false", f"password_file {accounts / 'passwd'}",
            f"acl_file {accounts / 'acl'}", *settings])

    def url(self, user: str) -> str:
        return f"mqtt://{user}:{self.password[user]}@{self.broker.host}:{self.broker.port}"

    def heard(self, user: str, *topics: str) -> Heard:
        return Heard(self.broker, user, self.password[user], *topics)

    def ask(self, *words: object, keys: str = "g") -> Result:
        return CliRunner().invoke(cloud_bridge, [
            "command", f"p/{keys}", *map(str, words), "--keys",
            str(self.folder / keys / "cloud"), "--broker", self.url("parkedge-command"), "--wait",
            str(PATIENCE_S), "--json"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with served(tmp_path) as made:
        yield made


@contextmanager
def served(tmp_path: Path, *settings: str, fair: Fair | None = None) -> Iterator[World]:
    """A world in which the bridge runs, as `made.bridge`."""
    if not find():
        _missing("mosquitto")
    made = World(tmp_path, *settings)
    with made.broker:
        Store(tmp_path / "park.db").close()
        broker = Broker.parse(made.url("parkedge-bridge"))
        bridge = Bridge(lambda: MqttInbox(broker), lambda: Store(tmp_path / "park.db"),
                        lambda event, **_: made.said.append(event), fair=fair)
        made.bridge = bridge
        thread = threading.Thread(target=bridge.run, daemon=True)
        thread.start()
        yield made
        bridge.stop()
        thread.join(PATIENCE_S)


@contextmanager
def gateway(world: World, command: list[str], clock: int = 1, root: str = "", **sections: Any
            ) -> Iterator[queue.Queue[str]]:
    """Run a gateway with its secrets in place, and `sections` of its image; the lines it says."""
    folder = world.folder / "run"
    if not folder.exists():
        shutil.copytree(world.folder / "g" / "gateway", folder)
    made = image(without=("phase", "share"), rules={"command": {"over_demand": 1}},
                 broker={"host": world.broker.host, "port": world.broker.port, "user": "p.g"})
    (folder / "image.json").write_text(json.dumps({
        **made, **sections, "commands": {**KEYS, "root": root}}))
    paths = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, str(SCRIPT), str(folder / "image.json"), str(folder),
                                str(clock)], env=paths, text=True, bufsize=1,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.put(line.strip())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield lines
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        thread.join(PATIENCE_S)
        for pipe in (process.stdin, process.stdout):
            assert pipe
            pipe.close()


def until(lines: queue.Queue[str], *words: str) -> str:
    """The next line that holds all of these."""
    while True:
        line = lines.get(timeout=PATIENCE_S)
        if all(word in line.split() for word in words):
            return line


COMMANDS = [["micropython", 1], ["micropython", 0], ["cpython", 1]]


@pytest.mark.parametrize(("python", "clock"), COMMANDS)
def test_from_the_shell_to_the_battery_and_back(python: str, clock: int, world: World,
                                                micropython: Interpreter) -> None:
    command = [sys.executable, "-u"] if python == "cpython" else [
        *micropython.command, "-X", "heapsize=512k"]
    with ExitStack() as stack:
        lines = stack.enter_context(gateway(world, command, clock))
        until(lines, "up", "free")
        done = world.ask("setpoint", "--kw", "-50", "--for", "3s")
        assert done.exit_code == 0, done.output
        said = json.loads(done.output)
        assert (said["outcome"], said["key"]) == ("done", 1)
        assert said["counter"] == (1 if clock else 2), "without a clock it is dated by a nonce"
        assert 0 < said["held_s"] <= 3
        until(lines, "-50000", "bound")
        until(lines, "free")  # nobody has renewed it
        refused = world.ask("setpoint", "--kw", "-50", "--for", "1h")
        assert refused.exit_code == 1
        assert json.loads(refused.output)["reason"] == "ttl"
        stopped = world.ask("stop", "--for", "1h", "--next-key")
        assert stopped.exit_code == 0, stopped.output
        assert json.loads(stopped.output)["key"] == 2
        until(lines, "0", "bound")
        assert world.ask("release").exit_code == 0
        until(lines, "free")
        wait(lambda: len(results(world)) >= (4 if clock else 7), "the store has no results")
    told = results(world)
    assert all(result.is_true for result in told)
    outcomes = [(result.done, result.reason) for result in told]
    dated = [(True, ""), (False, "ttl"), (True, ""), (True, "")]
    undated = (False, "clock")
    assert outcomes == (dated if clock else [
        undated, dated[0], dated[1], undated, dated[2], undated, dated[3]])


def test_the_root_key_retires_what_was_stolen(world: World, micropython: Interpreter) -> None:
    """Both keys of the cloud are lost: new ones from the root, an order by the root key, and what
    was stolen is worth nothing."""
    folder = world.folder
    run("keys", "new", folder / "root.pem")
    public = json.loads(run("keys", "show", folder / "root.pem.pub", "--json"))["public"]
    command = [*micropython.command, "-X", "heapsize=512k"]
    where = ["--keys", folder / "g" / "cloud", "--broker", world.url("parkedge-command"), "--json"]
    with gateway(world, command, root=public) as lines:
        until(lines, "up", "free")
        assert world.ask("stop").exit_code == 0
        until(lines, "0", "bound")
        shutil.copytree(folder / "g" / "cloud", folder / "stolen")
        run("keys", "gateway", "p/g", "--out", folder / "g", "--first", 3)
        said = json.loads(run("root", "keys", "p/g", 3, "--key", folder / "root.pem", *where))
        assert (said["outcome"], said["verb"]) == ("done", "keys")
        assert world.ask("release").exit_code == 0, "by key 3"
        until(lines, "free")
        stolen = CliRunner().invoke(cloud_bridge, [
            "command", "p/g", "stop", "--keys", str(folder / "stolen"), "--broker",
            world.url("parkedge-command"), "--wait", "2"])
        assert stolen.exit_code == 1


def run(*words: object) -> str:
    done = CliRunner().invoke(cloud_bridge, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def results(world: World) -> list:
    """The audit trail, as the bridge keeps it."""
    keys = {int(path.stem[8:]): path.read_bytes()
            for path in (world.folder / "g" / "cloud").glob("command-*.key")}
    with Store(world.folder / "park.db", create=False) as store:
        return [decode_result(body, keys) for _, body in store.bodies("p", "g", [9])]


def until_heard(ear: Heard, message: tuple[str, bytes]) -> None:
    wait(lambda: message in ear.got, "what may be said did not arrive")


def test_the_broker_lets_nobody_speak_for_another(world: World) -> None:
    """Each account tries every topic; what it may not say never arrives, and what it may say
    afterwards, on the same connection, does."""
    own = {"p.g": {"parkedge/p/g/b", "parkedge/p/g/status", "parkedge/p/g/now",
                   "parkedge/p/limit"},
           "parkedge-bridge": {f"parkedge/p/{one}/ack" for one in "gh"},
           "parkedge-command": {f"parkedge/p/{one}/cmd" for one in "gh"}}
    everything = sorted({f"parkedge/{name}/{part}" for name in ("p/g", "p/h", "q/g")
                         for part in ("b", "status", "now", "ack", "cmd", "announce")}
                        | {"parkedge/p/limit", "parkedge/q/limit", "other", "$SYS/x"})
    own["parkedge-bridge"].add("parkedge/q/g/ack")
    own["parkedge-command"].add("parkedge/q/g/cmd")
    with world.heard("ear", "#") as ear:
        for user, mine in own.items():
            ear.got.clear()
            with world.heard(user) as speaker:
                for topic in everything:
                    speaker.client.publish(topic, b"x", 1)
                speaker.client.publish(min(mine), b"last", 1)
                until_heard(ear, (min(mine), b"last"))
                assert {topic for topic, _ in ear.got} == mine, user


def test_a_gateway_hears_only_what_is_for_it(world: World) -> None:
    with world.heard("p.g", "#") as everything, \
            world.heard("p.g", "parkedge/+/+/cmd", "parkedge/p/h/cmd", "parkedge/p/g/cmd") as own, \
            world.heard("parkedge-command") as speaker:
        for one in ("q/g", "p/h", "p/g"):
            speaker.client.publish(f"parkedge/{one}/cmd", b"x", 1)
        wait(lambda: ("parkedge/p/g/cmd", b"x") in own.got, "not even its own")
        assert {topic for topic, _ in own.got + everything.got} <= {"parkedge/p/g/cmd"}


def test_nobody_comes_in_without_a_password(world: World) -> None:
    for user, password in (("p.g", "wrong"), ("p.g", ""), ("", "")):
        refused = CliRunner().invoke(cloud_bridge, [
            "command", "p/g", "stop", "--keys", str(world.folder / "g" / "cloud"), "--broker",
            f"mqtt://{user}:{password}@{world.broker.host}:{world.broker.port}"])
        assert refused.exit_code == 1
        assert "refused" in refused.output or "connection" in refused.output.lower()


def test_a_gateway_that_is_away_is_not_heard(world: World) -> None:
    done = CliRunner().invoke(cloud_bridge, [
        "command", "p/g", "stop", "--keys", str(world.folder / "g" / "cloud"), "--broker",
        world.url("parkedge-command"), "--wait", "1"])
    assert done.exit_code == 1
    assert "nothing heard within 1 s" in done.output
