"""The example with meters of water, heat ... in the emulator, and the report of its indicators."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from click.testing import CliRunner

from cloud_bridge.__main__ import main as cloud
from hil.__main__ import main as hil
from tests.media.test_site_media import STEAM


def run(command: object, *words: object, status: int = 0) -> str:
    done = CliRunner().invoke(command, [*map(str, words)],  # type: ignore[arg-type]
                              catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


def test_a_day_of_the_example_ends_in_a_report(tmp_path: Path) -> None:
    """At two fifths of its most for twelve hours, and a tenth for twelve: a quarter of it."""
    run(hil, "emulate", STEAM, "--warm-up", 1, "--days", 1, "--beat", 60, "--out", tmp_path)
    evidence, quarters = tmp_path / "evidence", tmp_path / "quarters.jsonl"
    run(cloud, "audit", evidence, "--key", evidence / "key.txt", "--quarters", quarters)
    assert len(quarters.read_text().splitlines()) == 96
    said = json.loads(run(cloud, "indicators", quarters, "--first", "2026-07-01", "--last",
                          "2026-07-01", "--park-tce", 250_000, "--readings",
                          tmp_path / "readings.jsonl", "--json", status=1))
    found = {one["name"]: one for one in said["media"]}
    assert {one["covered"] for one in found.values()} == {"1"}
    for name, most_a_day in (("town-water", 960), ("boiler-gas", 9_600), ("district-heat", 48),
                             ("steam-line", 144)):
        assert abs(Fraction(found[name]["amount"]) / most_a_day - Fraction(1, 4)) < Fraction(1, 900)
    table = {one["name"]: one for one in said["indicators"]}
    assert table["water_share"]["values"]["physical"] == table["water_share"]["values"]["declared"]
    gas, heat = (Fraction(found[name]["amount"]) for name in ("boiler-gas", "district-heat"))
    alone = json.loads(run(cloud, "indicators", quarters, "--first", "2026-07-01", "--last",
                           "2026-07-01", "--park-tce", 250_000, "--json", status=1))
    before = Fraction(alone["indicators"][0]["values"]["physical"])
    assert gas > 2_300
    assert heat > 11
    assert Fraction(table["carbon_per_tce"]["values"]["physical"]) < before  # gas is cleaner here
