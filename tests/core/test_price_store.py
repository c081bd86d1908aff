"""Pushed prices outlive a restart; what is torn, old or another tariff's does not become one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.emulator import Board
from edge.app import App
from edge.blocks import RamBlocks
from edge.price_push import push
from edge.price_store import restore
from edge.snapshot import UNPUSHED
from tests.conftest import ROOT
from tests.core.tariffs import EVENING, image_of, park, turn

_FLASH: dict[Path, RamBlocks] = {}
PRICES = [100 * hour for hour in range(24)]


def device(path: Path) -> RamBlocks:
    """Flash that lasts as long as its path is the same."""
    return _FLASH.setdefault(path, RamBlocks(sectors=2))


def restarted(name: str, path: Path, local_day: int) -> Any:
    """The site of a gateway that has just started, some time on a day."""
    made = park(name)
    restore(made.site, device(path))
    turn(made, local_day, 9 * 3600)
    return made.site


def told(site: Any, day: int) -> list[int]:
    return [site.prices.price_e4(day, slot) for slot in range(96)]


@pytest.mark.parametrize(("name", "what"), [("cn_guangdong", "critical"), ("de_rlm", PRICES),
                                            ("de_rlm", [9 * slot for slot in range(96)])])
def test_a_push_outlives_restarts_for_its_day(name, what, tmp_path):
    path = tmp_path / "prices"
    site = park(name).site
    restore(site, device(path))
    day = site.now.local_day
    assert push(site, day + 1, what) == ""
    pushed = told(site, day + 1)
    assert pushed != told(site, day + 8)
    for at in (day, day + 1, day + 1):  # the same evening, and twice on the day itself
        site = restarted(name, path, at)
        assert told(site, day + 1) == pushed
        assert told(site, day + 8) != pushed
        assert site.prices.pushed(day + 1)


def test_two_days_are_kept_and_the_one_before_them_not(tmp_path):
    made, path = park("de_rlm"), tmp_path / "prices"
    site = made.site
    restore(site, device(path))
    first = site.now.local_day
    days = {}
    for ahead in range(3):
        turn(made, first + ahead, EVENING)
        assert push(site, first + ahead + 1, [1000 * ahead + hour for hour in range(24)]) == ""
        days[first + ahead + 1] = told(site, first + ahead + 1)
    again = restarted("de_rlm", path, first + 2)
    assert [again.prices.pushed(day) for day in days] == [False, True, True]
    for day in list(days)[1:]:
        assert told(again, day) == days[day]


def test_what_is_refused_is_not_kept(tmp_path):
    site = park("de_rlm").site
    restore(site, device(tmp_path / "prices"))
    assert push(site, site.now.local_day + 1, [1] * 23) != ""
    assert set(device(tmp_path / "prices").memory) == {0xFF}


@settings(max_examples=60)
@given(st.integers(0, 200), st.integers(1, 255))
def test_a_record_that_is_not_whole_is_no_push(at, bits):
    """With any byte altered the day has the calendar's prices; edge/keep.py proves the cuts."""
    flash, site = RamBlocks(sectors=2), park("de_rlm").site
    restore(site, flash)
    day = site.now.local_day + 1
    standing = told(site, day)
    assert push(site, day, PRICES) == ""
    length = len(flash.memory.rstrip(b"\xff"))
    flash.memory[at % length] ^= bits
    again = park("de_rlm").site
    restore(again, flash)
    assert told(again, day) == standing
    assert not again.prices.pushed(day)


@pytest.mark.parametrize("name", ["cn_guangdong", "de_rlm"])
def test_what_another_tariff_has_taken_is_no_push(name, tmp_path):
    """The image was exchanged between push and restart."""
    path, other = tmp_path / "prices", {"cn_guangdong": "de_rlm", "de_rlm": "cn_guangdong"}[name]
    site = park(name).site
    restore(site, device(path))
    day = site.now.local_day + 1
    assert push(site, day, "critical" if name == "cn_guangdong" else PRICES) == ""
    assert not restarted(other, path, day).prices.pushed(day)


def test_a_flash_that_refuses_is_told_and_the_push_holds():
    class Worn(RamBlocks):
        def program(self, sector, offset, buf, n):
            raise OSError("worn out")

    site = park("de_rlm").site
    restore(site, Worn(sectors=2))
    day = site.now.local_day + 1
    with pytest.raises(OSError, match="worn out"):
        push(site, day, PRICES)
    assert told(site, day)[::4] == PRICES


def test_the_longest_record_fits():
    made, flash = park("de_rlm"), RamBlocks(sectors=2)
    made.site.prices.days["push"]["prices"] = [-4_000_000, 4_000_000]
    restore(made.site, flash)
    first = made.site.now.local_day
    for day in range(first, first + 9):
        turn(made, day, EVENING)
        assert push(made.site, day + 1, [-3_999_999 - day % 2] * 96) == ""
    again = park("de_rlm")
    again.site.prices.days["push"]["prices"] = [-4_000_000, 4_000_000]
    restore(again.site, flash)
    assert told(again.site, first + 9) == [-3_999_999 - (first + 8) % 2] * 96


def test_a_gateway_restores_them_when_it_starts(tmp_path):
    """The whole application on a host board, stopped and started again."""
    made = image_of("de_rlm")
    made["offsets"] = [[0, 0, 0]]
    with started(made, tmp_path) as site:
        site.clock_set = True
        site.close_minute(9700, 19 * 3600, 1)
        assert push(site, 9701, PRICES) == ""
    with started(made, tmp_path) as site:
        site.close_minute(9701, 60, 1)
        assert told(site, 9701)[::4] == PRICES
        assert not site.now.flags & UNPUSHED
        assert site.now.price_e4 == PRICES[0]
    site = App(made, Board(made, None)).site  # keeps nothing
    site.close_minute(9701, 60, 1)
    assert site.now.flags & UNPUSHED


class Closing(Board):
    """Remembers its files, so that the next start may open them."""

    def state(self, name: str) -> Any:
        self.prices = super().state(name)
        return self.prices


@contextmanager
def started(made: dict[str, Any], folder: Path) -> Iterator[Any]:
    board = Closing(made, folder)
    app = App(made, board)
    yield app.site
    app.outbox.bulk._device.close()
    app.outbox.vital._device.close()
    board.prices.close()


SCRIPT = """
import sys
from edge.blocks import FileBlocks
from edge.image import load
from edge.price_push import push
from edge.price_store import restore
from edge.site import Site

site = Site(load(sys.argv[1]))
site.clock_set = True
restore(site, FileBlocks(sys.argv[2], sectors=2))
site.close_minute(9700, 43200, 1)
if sys.argv[3] == "push":
    print(push(site, 9701, [100 * hour for hour in range(24)]))
print(site.prices.pushed(9701), [site.prices.price_e4(9701, 4 * hour) for hour in range(24)])
"""


def test_a_real_gateway_writes_what_either_interpreter_reads(micropython, tmp_path):
    made = image_of("de_rlm")
    script, image, path = tmp_path / "s.py", tmp_path / "site.json", tmp_path / "prices"
    script.write_text(SCRIPT)
    image.write_text(json.dumps(made))
    expected = f"True {PRICES}\n"
    assert micropython.run(script, image, path, "push", heap="512k").stdout == "\n" + expected
    assert micropython.run(script, image, path, "look", heap="512k").stdout == expected
    here = subprocess.run([sys.executable, script, image, path, "look"], capture_output=True,
                          text=True, check=True, cwd=ROOT, timeout=60,
                          env={"PYTHONPATH": str(ROOT)})
    assert here.stdout == expected
