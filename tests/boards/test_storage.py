"""What `check` tells of the outboxes: measured with the site's own rows, and no more than true."""

from __future__ import annotations

import pytest

from boards import describe, storage
from boards.image import compile_site
from edge.blocks import RamBlocks
from edge.outbox import Outbox
from tests.boards.sites import DEPOT, FOUNDRY, MILL, OFFICE, changed, judge, valid


@pytest.mark.parametrize("path", [FOUNDRY, DEPOT, MILL, OFFICE])
def test_every_board_is_told_of_days_and_years(path):
    said = storage.told(compile_site(valid(path)))
    assert said["boards"].keys() == {"pi", "w5500_evb_pico2"}
    for rings in said["boards"].values():
        for ring in rings.values():
            assert ring["days"] >= 1
            assert 0 < ring["erases_a_day"] < 2
            assert ring["years"] > 20
    assert 5_760 <= said["rows_a_day"] < 12_000  # one every 15 s, and what is news
    assert said["vital_bytes_a_day"] < said["telemetry_bytes_a_day"] / 10


def test_rows_more_rarely_last_longer():
    often, rarely = (storage.told(compile_site(site)) for site in (
        judge(changed(("period_s = 15", f"period_s = {s}"))).site for s in (5, 60))
        if site is not None)
    assert often["rows_a_day"] > 8 * rarely["rows_a_day"]
    ours, theirs = (said["boards"]["pi"]["telemetry"] for said in (often, rarely))
    assert theirs["days"] > 3 * ours["days"]
    assert theirs["years"] > 3 * ours["years"]


def test_what_is_told_is_what_a_ring_holds():
    """Store the day's parts again and again: nothing is lost before the days told are over."""
    image = compile_site(valid())
    ring = storage.told(image)["boards"]["w5500_evb_pico2"]["telemetry"]
    played, _, parts = storage.day(image)
    box = Outbox(RamBlocks(4096, ring["sectors"]), 2020)
    box.mount()
    days = 0.0
    while days + played < ring["days"]:
        for last, n in parts:
            (box.append if last else box.extend)(1, bytes(n), n)
        days += played
    assert box.lost() == 0
    for last, n in parts * int(0.3 * ring["days"] / played + 3):
        (box.append if last else box.extend)(1, bytes(n), n)
    assert box.lost() > 0


def test_check_says_it_and_what_a_trusted_broker_means():
    checked = judge(changed(("[broker]", "[broker]\ntrust_puback = 1")))
    assert checked.site is not None
    assert compile_site(checked.site)["broker"]["trust_puback"] == 1
    assert "trust_puback" not in compile_site(valid())["broker"]
    told = describe.text(describe.summary(checked))
    assert "kB of telemetry" in told
    assert "w5500_evb_pico2: " in told
    assert "not verified" in told
    assert [line for line in checked.warnings if "broker.trust_puback" in line and "lost" in line]
    assert not [line for line in judge(FOUNDRY.read_bytes()).warnings if "puback" in line]
