"""What comes signed by the root key: whole, once, in time, and inside the nameplate of the gate."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from boards import emulator
from cloud_bridge.command_codec import RootCommand
from edge import command as edge_command
from edge import root
from edge.app import App
from edge.blocks import RamBlocks
from edge.evidence import verifier
from edge.keep import Keep
from edge.root import KEYS, LIMITS, Roots
from hil.nor import Nor
from tests.attacks.commanded import NAME, SECOND, Gateway, Outbox, command
from tests.core.park import DAY, image

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HASH = "0123456789abcdef"
COMMANDS = {"lease_max_s": 14_400, "setpoint_max_s": 900, "over_demand": 0,
            "root": KEY.public_key().public_bytes_raw().hex()}


def site() -> dict[str, Any]:
    return image(hash=HASH) | {"commands": dict(COMMANDS)}


class Rooted(Gateway):
    """A gateway with a root key; `orders` outlives it, like `device`."""

    def __init__(self, device: Any = None, orders: Any = None, **more: Any) -> None:
        super().__init__(device, **more)
        self.orders = orders or RamBlocks(256, 4)
        self.commands.roots = Roots(self.commands, site(), self.orders)

    def order(self, message: bytes) -> str:
        """Let it come, ten seconds after any other, and be checked to the end."""
        self.commands.roots._begun_ms = -1
        said = self.hear(message)
        if self.commands.roots.busy:
            before = self.commands.accepted
            while self.commands.roots.busy:
                self.commands.step(self.now_ms)
            self.commands.step(self.now_ms)
            said = "" if self.commands.accepted > before else self.commands.reason
        return said


def order(verb: int = KEYS, *args: int, counter: int = 1, issued: int = DAY * 86_400 + SECOND,
          ttl_s: int = 900, gateway: str = NAME, nonce: int = 0, key: Ed25519PrivateKey = KEY,
          key_id: int = 0) -> bytes:
    made = RootCommand(gateway, counter, issued, ttl_s, verb, args or (5,), nonce, key_id)
    return made.encode(key)


def test_keys_below_are_retired_for_good():
    gateway = Rooted()
    assert gateway.hear(command(counter=7)) == ""
    assert gateway.order(order(KEYS, 5)) == ""
    result = gateway.results[-1]
    assert (result.done, result.verb, result.counter, result.key_id) == (True, KEYS, 1, 5)
    assert result.is_true, "under the new key"
    for life in (gateway, Rooted(gateway.device, gateway.orders)):
        for key in (1, 2, 4, 7):
            assert life.hear(command(key=key, counter=99)) == "key"
    assert gateway.hear(command(key=5)) == ""


def test_it_is_done_once_and_its_result_told_again():
    gateway = Rooted()
    assert gateway.order(order(KEYS, 5)) == ""
    gateway.order(order(KEYS, 5))
    assert gateway.commands.accepted == 1
    assert gateway.results[0] == gateway.results[1]
    assert gateway.order(order(KEYS, 6, counter=1)) == "counter"
    assert gateway.results[-1].hint == 1
    again = Rooted(gateway.device, gateway.orders)
    again.order(order(KEYS, 5))
    assert again.results == gateway.results[:1]


def test_no_bit_can_be_flipped():
    message = order(KEYS, 5)
    gateway = Rooted()
    for bit in range(8 * len(message)):
        other = bytearray(message)
        other[bit // 8] ^= 1 << bit % 8
        assert gateway.order(bytes(other)) != "", bit
    assert gateway.commands.accepted == 0
    assert gateway.order(message) == ""


@pytest.mark.parametrize(("message", "reason"), [
    (order(key=Ed25519PrivateKey.from_private_bytes(bytes(32))), "tag"),
    (order(gateway="p/h"), "gateway"), (order(key_id=1), "key"),
    (order(issued=DAY * 86_400 + SECOND - 900), "expired"),
    (order(issued=DAY * 86_400 + SECOND + 91), "future"), (order(nonce=1), "nonce"),
    (order(7), "verb"), (order(18), "verb"), (order(KEYS, 1), "arguments"),
    (order(KEYS, 127), "arguments"), (order(KEYS, 5, 6), "arguments"), (order(ttl_s=0), "ttl"),
    (order(ttl_s=14_401), "ttl"), (order(counter=1 << 32), "format"), (order(counter=0), "format"),
    (order(LIMITS, 1, 2, 3, 4, 5, 6), "format"), (command(algorithm=2), "key")])
def test_what_is_wrong_is_refused(message, reason):
    assert Rooted().order(message) == reason


def test_without_a_root_key_nothing_is_believed():
    assert Gateway().hear(order()) == "algorithm"


def test_one_at_a_time_and_no_more_than_one_in_ten_seconds():
    gateway = Rooted()
    assert gateway.hear(order(counter=1)) == ""  # begun
    assert gateway.hear(order(counter=2)) == "flood"
    while gateway.commands.roots.busy:
        gateway.commands.step(gateway.now_ms)
    assert gateway.commands.key == 5, "the first was checked to its end all the same"
    assert gateway.hear(order(KEYS, 6, counter=2)) == "flood"
    gateway.live(10)
    assert gateway.order(order(KEYS, 6, counter=2)) == ""


def test_a_lack_of_memory_is_no_signature(monkeypatch):
    gateway = Rooted()
    monkeypatch.setattr(verifier.Verifier, "step", lambda self: (_ for _ in ()).throw(MemoryError))
    assert gateway.order(order()) == "memory"
    assert gateway.commands.key == 1


def test_whatever_byte_the_power_fails_at_keys_are_retired_wholly_or_not_at_all():
    device, orders = Nor(sectors=3), Nor(sectors=3)
    gateway = Rooted(device, orders)
    assert gateway.hear(command(counter=7)) == ""
    cuts = []
    for part in (device, orders):
        part.on_event = lambda torn, part=part: cuts.extend(
            (bytes(one) if part is device else bytes(device.memory),
             bytes(one) if part is orders else bytes(orders.memory)) for one in torn())
    assert gateway.order(order(KEYS, 5)) == ""
    keys = set()
    for first, second in cuts:
        after = Rooted(Nor(first, 3), Nor(second, 3))
        keys.add(after.commands.key)
        done = after.commands.key == 5
        assert after.hear(command(counter=7, ttl_s=901)) == ("key" if done else "counter")
        after.order(order(KEYS, 5))
        assert after.commands.key == 5
        assert after.commands.accepted == (0 if done else 1)
    assert keys == {1, 5}
    assert len(cuts) > 300


class Board(emulator.Board):
    """One whose storage the test holds."""

    def __init__(self, made: dict[str, Any], kept: dict[str, RamBlocks]) -> None:
        super().__init__(made, None)
        self.kept = kept

    def flash_device(self) -> RamBlocks:
        return RamBlocks()

    def state(self, name: str) -> RamBlocks:
        return self.kept.setdefault(name, RamBlocks(256, 4))


def limits_of(app: App) -> list[int]:
    """What the rules go by."""
    found = []
    for narrow, key in ((3, "import_max_w"), (4, "export_max_w"), (2, "floor_pm"),
                        (2, "ceiling_pm")):
        names = app.site.rules[narrow].__code__.co_varnames
        found.append(app.site.rules[narrow].__defaults__[
            names[:app.site.rules[narrow].__code__.co_argcount].index(key)
            - app.site.rules[narrow].__code__.co_argcount])
    return found


def started(kept: dict[str, RamBlocks], **more: Any) -> App:
    made = site()
    made["broker"] |= {"host": "127.0.0.1", "port": 9}
    made["rules"] = [rule for rule in made["rules"] if rule[0] in (
        "fresh", "ramp", "reserve", "contract", "export", "demand", "command")]
    made |= more
    return App(made, Board(made, kept))


def test_limits_hold_from_the_next_start_on_for_their_image_alone():
    kept: dict[str, RamBlocks] = {}
    before = started(kept)
    assert limits_of(before) == [700_000, 0, 100, 900]
    gateway = Rooted(orders=kept["root"])
    assert gateway.order(order(LIMITS, 750_000, -1, 150, 850)) == ""
    assert limits_of(before) == [700_000, 0, 100, 900], "not before it starts"
    assert limits_of(started(kept)) == [750_000, 0, 150, 850]
    assert limits_of(started(kept, hash="f" * 16)) == [700_000, 0, 100, 900]
    assert Rooted(orders=kept["root"]).order(order(LIMITS, -1, 90_000, -1, -1, counter=2)) == ""
    assert limits_of(started(kept)) == [700_000, 90_000, 100, 900]


@pytest.mark.parametrize("values", [
    (800_001, -1, -1, -1), (-1, 100_001, -1, -1), (-1, -1, 49, -1), (-1, -1, -1, 951),
    (-1, -1, 900, -1), (-1, -1, -1, 100), (-1, -1, 500, 500), (-2, -1, -1, -1),
    (1 << 31, -1, -1, -1), (-1, -1, -1, 1 << 40)])
def test_limits_beyond_the_gate_are_refused(values):
    assert Rooted().order(order(LIMITS, *values)) == "arguments"


def test_a_record_of_another_version_stops_commands_and_not_control():
    kept: dict[str, RamBlocks] = {}
    started(kept)
    Keep(kept["root"], root._RECORD_BYTES).store(b"\x09" * 60, 60)
    app = started(kept)
    assert app.commands is None
    assert limits_of(app) == [700_000, 0, 100, 900]
    app.beat(1000)
    assert app.site.fault is None
    outbox = Outbox()
    app.outbox = outbox
    assert edge_command.part(app, site()) is None
    assert [(kind, b"root record: found 60 bytes that are none" in body)
            for kind, body in outbox.frames] == [(7, True)]
