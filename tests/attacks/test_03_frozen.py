"""Attack 3: the same bytes for 60 s. A meter that has hung goes on answering."""

from pathlib import Path

from boards import profiles
from tests.attacks.field import field

FROZEN_S, AGE_S, RELEASE_S = 60, 5, 10


def test_the_last_reading_is_not_believed_for_longer(tmp_path: Path) -> None:
    assert profiles.load("acrel_adw300").frozen_s == FROZEN_S
    with field(tmp_path) as park:
        park.begin("grid_meter", "stuck")
        rows = park.run(90)
        assert all(row["command_w"] == 0 and "fresh" in park.rules(row)
                   for row in rows[FROZEN_S + AGE_S + 2:])
        assert park.driver("meter").readings.frozen
        park.end("grid_meter", "stuck")
        rows = park.run(RELEASE_S + 5)
        assert rows[-1]["command_w"] > 0
