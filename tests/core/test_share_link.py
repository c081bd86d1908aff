"""The link of a shared limit: its bytes, its strangers, two real gateways at a real broker."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import emulator
from cloud_bridge.broker import EmbeddedBroker
from edge.app import App
from edge.blocks import RamBlocks
from edge.rules.share import compiled
from edge.share import Share
from edge.share_link import ShareLink
from edge.snapshot import FAULT, TRUSTED
from tests.conftest import ROOT
from tests.core.park import image
from tests.core.share_trace import KEYS, Part

SCRIPT = Path(__file__).with_name("share_trace.py")


def link(at: int = 0) -> tuple[ShareLink, Part]:
    part = Part()
    made = ShareLink(Share({**KEYS, "at": at}, 1000, 500), part)
    return made, part


def told(made: ShareLink) -> list[int]:
    return msgpack.unpackb(made.message())  # type: ignore[no-any-return]


def test_a_gateway_on_a_board_does_the_same(micropython):
    """Byte for byte, and without heap where the beat asks."""
    here = subprocess.run([sys.executable, SCRIPT], cwd=ROOT, capture_output=True, text=True,
                          check=True, env={"PYTHONPATH": str(ROOT)}).stdout
    assert micropython.run(SCRIPT, heap="1m").stdout == here
    assert int(here.split()[1]) > 100, "it must have lent at times"
    assert here.split("[")[1] == "0, 0, 0]\n"


def test_a_message_says_what_the_others_need():
    made, part = link()
    part.net_w, part.recharge_w = 100_000, 60_000
    made.share.room_w = 40_000
    assert made.step(1000) == 2000
    assert told(made) == [1, 77, 0, 501, 300_000 - 103_000, 40_000, -1, 0, -1, 0, -1, 0]
    assert made.step(1500) == 1500
    made.share.hear(2, 9, -50_000, 0, -1, 0, 1600)
    part.net_w = 20_000  # it has fallen: forgotten slowly
    assert made.step(3000) == 2000
    assert told(made)[:6] == [1, 77, 0, 502, 202_000, 40_000]
    assert told(made)[6:] == [-1, 0, -1, 0, 9, 0]


@pytest.mark.parametrize("flags", [0, TRUSTED | FAULT])
def test_whoever_is_not_in_control_neither_lends_nor_borrows(flags):
    made, part = link()
    part.flags, part.net_w = flags, 400_000
    made.step(1000)
    assert told(made)[4:6] == [0, 0]


def test_a_message_of_the_largest_group_fits_what_a_gateway_takes_in():
    share = Share({**KEYS, "size": 8, "at": 7, "group": 0x3FFFFFFF}, 1000, (1 << 30) - 2)
    made = ShareLink(share, Part())
    made.step(5)
    for k in range(8):
        share.heard[k], share.said_w[k] = (1 << 30) - 1, 8_000_000
    share.spares_w[7], share.wants_w[7] = -8_000_000, 8_000_000
    assert len(made.message()) <= 3 + 5 * 22
    topic = "parkedge/" + "p" * 32 + "/limit"
    assert 2 + len(topic) + len(made.message()) <= 256  # edge/app.py


good = st.lists(st.integers(-2**31, 2**31), min_size=0, max_size=14)


@given(st.one_of(st.binary(max_size=130), good.map(msgpack.packb),
                 st.lists(st.one_of(st.integers(), st.none(), st.text(max_size=3)), max_size=13)
                 .filter(lambda items: all(not isinstance(one, int) or -2**63 <= one < 2**64
                                           for one in items)).map(msgpack.packb)))
def test_strange_bytes_change_nothing(payload):
    made, _ = link()
    made.step(1000)
    before = list(made.share.heard), list(made.share.spares_w), made.share.allowance_w(1100)
    made.receive(bytearray(b"xx" + payload), 2, 2 + len(payload), 1200)
    items: Any = None
    if made.strange == 0:
        items = msgpack.unpackb(payload)
        assert items[:2] == [1, 77]
        assert len(items) == 12
    else:
        assert (list(made.share.heard), list(made.share.spares_w),
                made.share.allowance_w(1100)) == before


@pytest.mark.parametrize("change", [{0: 2}, {1: 78}, {2: 3}, {2: -1}, {3: -1}, {3: 1 << 30},
                                    {4: 16_000_001}, {5: -1}, {6: -2}, {7: -1}, {7: 16_000_001}])
def test_each_item_is_held_against_its_range(change):
    """Item 6 and 7 are the pair of this gateway: the number repeated and the loan."""
    made, _ = link()
    items = [1, 77, 1, 5, 1000, 0, 7, 0, -1, 0, -1, 0]
    made.receive(bytearray(msgpack.packb(items)), 0, len(msgpack.packb(items)), 1000)
    assert (made.strange, made.share.heard[1]) == (0, 5)
    for place, value in change.items():
        items[place] = value
    payload = msgpack.packb(items)
    made.receive(bytearray(payload), 0, len(payload), 1000)
    assert made.strange == 1


def test_the_check_sum_tells_who_agrees():
    def group(gateway: str, **changes: Any) -> int:
        keys = {"limit_w": 100, "safe_w": 50, "keep_w": 0, "margin_w": 0, "period_ms": 2000,
                "lease_ms": 10_000, "settle_ms": 10_000,
                "gateways": [name for name in ("a", "b", "c") if name != gateway], **changes}
        (_, words), = compiled(keys, gateway)
        assert words["at"] == sorted([*keys["gateways"], gateway]).index(gateway)
        return int(words["group"])

    assert group("a") == group("b") == group("c", safe_w=20, period_ms=1000, margin_w=7)
    others = [group("a", limit_w=101), group("a", lease_ms=9000), group("a", settle_ms=9000),
              group("a", gateways=["b"])]
    assert len({group("a"), *others}) == 5


def test_two_gateways_share_a_limit_over_a_broker(monkeypatch):
    """Real sockets and a real broker; the gateways' time is the test's."""
    with EmbeddedBroker() as broker:
        apps = []
        for name, other in (("g", "h"), ("h", "g")):
            made = image(
                without=("phase",), site={"gateway": name}, ages={"release_s": 0},
                broker={"host": broker.host, "port": broker.port, "user": "demo"},
                rules={"share": {"limit_w": 600_000, "safe_w": 300_000, "keep_w": 50_000,
                                 "gateways": [other]}})
            board = emulator.Board(made, None)
            monkeypatch.setattr(board, "flash_device", RamBlocks)
            apps.append(App(made, board))
        try:
            assert _shared(apps) >= 499_000
        finally:
            for app in apps:
                app.client.leave(0)
        assert [app.link.strange for app in apps] == [0, 0]
        assert [app.site.fault for app in apps] == [None, None]


def _shared(apps: list[App]) -> int:
    """Step two gateways, one with 500 kW of load and one with 50, until the first may import it or
    two minutes of theirs have passed."""
    allowed_w = 0
    for step in range(2400):
        now_ms = 1000 + 50 * step
        for app, load_w in zip(apps, (500_000, 50_000), strict=True):
            site = app.site
            if step % 20 == 0:
                w = site.now.command_w
                for role, signal, value in ((site.grid_meter, "grid_w", load_w - w),
                                            (site.storage, "store_w", w),
                                            (site.storage, "soc_pm", 500)):
                    role.take(signal, value, now_ms)
                app.beat(now_ms)
            app.uplink.step(now_ms, True)
            app.link.step(now_ms)
        allowed_w = apps[0].site.share.used_w
        if allowed_w >= 499_000:
            break
        time.sleep(0.001)  # for the broker, whose time is real
    return allowed_w
