"""Attack 2: somebody speaks in the meter's place and shows 0 W while the converter runs at 100 kW
and more. The balance is looked at, and within three beats the battery is where the site says."""

from pathlib import Path

import pytest

from tests.attacks.field import LIMIT, field

BEATS = 3
FALLBACK_W = -5_000  # what charges is allowed by the gate, too
CHANGE = LIMIT | {"rules.balance.fallback_w": FALLBACK_W, "rules.balance.hold_s": 600}


@pytest.mark.parametrize("shown_w", [0, 1, 123])
def test_a_battery_that_discharges(tmp_path: Path, shown_w: int) -> None:
    """Nothing contradicts the false meter but the battery's own step."""
    with field(tmp_path, CHANGE) as park:
        assert park.rows[-1]["store_w"] > 100_000
        park.begin("grid_meter", "spoofed", w=shown_w)
        rows = park.run(60)
        first = next(n for n, row in enumerate(rows) if row["grid_w"] // 10 == shown_w // 10)
        assert any("balance" in park.rules(row) for row in rows[first:first + BEATS + 1])
        assert {row["command_w"] for row in rows[first + BEATS:]} == {FALLBACK_W}


@pytest.mark.parametrize("shown_w", [0, -50_000])
def test_a_battery_that_charges(tmp_path: Path, shown_w: int) -> None:
    """Nothing is left for it to charge from: a load that gives power is none."""
    with field(tmp_path, CHANGE) as park:
        park.begin("converter", "spoofed", w=-170_000)
        park.begin("grid_meter", "spoofed", w=shown_w)
        rows = park.run(10)
        first = next(n for n, row in enumerate(rows)
                     if row["grid_w"] // 10 == shown_w // 10 and row["store_w"] < -100_000)
        assert any("balance" in park.rules(row) for row in rows[first:first + BEATS + 1])
        assert {row["command_w"] for row in rows[first + BEATS:]} == {FALLBACK_W}


def test_the_truth_is_believed_again(tmp_path: Path) -> None:
    with field(tmp_path, LIMIT | {"rules.balance.hold_s": 50}) as park:
        park.begin("grid_meter", "spoofed")
        park.run(8)
        assert park.rows[-1]["command_w"] == 0
        park.end("grid_meter", "spoofed")
        rows = park.run(60)
        assert rows[-1]["command_w"] > 0
        assert "balance" not in park.rules(rows[-1])


def test_without_the_rule_the_spoof_would_pass(tmp_path: Path) -> None:
    """What it is there for: the site without it goes on by a meter that is not there."""
    with field(tmp_path) as park:
        park.begin("grid_meter", "spoofed")
        rows = park.run(30)
        assert not any("fresh" in park.rules(row) for row in rows)
        assert max(park.plant.grid_w for _ in rows) > 300_000
