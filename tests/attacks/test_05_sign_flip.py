"""Attack 5: the meter's sign turns round, by current transformers or by firmware."""

from pathlib import Path

from tests.attacks.field import LIMIT, field


def test_the_battery_rests_before_it_has_pushed_for_long(tmp_path: Path) -> None:
    """What looks like export is charged for a moment; that step shows the lie."""
    with field(tmp_path, LIMIT | {"rules.balance.hold_s": 600}) as park:
        park.begin("grid_meter", "sign_flip")
        rows = park.run(60)
        first = next(n for n, row in enumerate(rows) if row["grid_w"] < 0)
        spoke = next(n for n, row in enumerate(rows) if "balance" in park.rules(row))
        assert spoke - first <= 5
        assert all(row["command_w"] == 0 for row in rows[spoke:])


def test_a_converter_that_counts_the_other_way_is_no_better(tmp_path: Path) -> None:
    with field(tmp_path, LIMIT | {"rules.balance.hold_s": 600}) as park:
        park.begin("converter", "sign_flip")
        rows = park.run(30)
        assert any("balance" in park.rules(row) for row in rows[:8])
        assert rows[-1]["command_w"] == 0
