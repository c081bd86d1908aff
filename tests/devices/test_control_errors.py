"""What is said of a [control] that would not do what it says."""

import pytest

from boards import profiles


def bent(name, old, new):
    """What is said about a profile on disk with one piece of its text replaced."""
    text = (profiles.FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.parse(text.replace(old, new), f"{name}.toml")
    return [line.removeprefix(f"{name}.toml: ") for line in caught.value.lines]


@pytest.mark.parametrize(("name", "old", "new", "line"), [
    ("sungrow_sh", 'charge = ["force_w", ["force_cmd", 0xAA]]',
     'charge = [["force_cmd", 0xAA], "force_w"]',
     "control.charge: found"),
    ("sungrow_sh", 'discharge = ["force_w", ["force_cmd", 0xBB]]',
     'discharge = ["force_w", ["force_cmd", 0xAA]]',
     'control.charge: found ["force_cmd", 170], expected another value than in discharge'),
    ("sungrow_sh", 'idle = [["force_cmd", 0xCC]]\n', "",
     'control.idle: found nothing, expected a value: shape "mode" needs it'),
    ("huawei_sun2000", '["force_discharge_w", 0], ["force_cmd", 2]]\ncharge',
     '["force_cmd", 2]]\ncharge', "control.discharge: found"),
    ("huawei_sun2000", "refresh_s = 20", 'refresh_s = 20\nreadback = "writes"',
     'control.readback: found "writes", expected "writes", where one register of power follows the '
     "mode; or nothing"),
    ("sungrow_ihm", "every_s = 20", "every_s = 41",
     "control.heartbeat.every_s: found 41, expected at most half of control.dead_man.timeout_s = "
     "80"),
    ("sma_sunny_island", 'q_set = [16, 40153', 'q_set = [16, 40155',
     'control.together: found ["p_set", "ctl_act", "q_set"], expected points side by side that '
     "function code 16 writes, 8 registers"),
    ("growatt_sph", "nv_per_day = 48\n", "",
     'control.nv_per_day: found nothing, expected a value: shape "slots" needs it'),
    ("growatt_sph", "to_user_w - to_grid_w", "to_user_w + to_grid_w",
     'signals.grid_w: found "to_user_w + to_grid_w", expected "-to_grid_w", as sign.to_grid_w = '
     '"export"'),
    ("deye_storage", "e_imp_high = [3, 80", "e_imp_high = [3, 280",
     'signals.import_wh: found "e_imp_low + e_imp_high", expected points that one request of 125 '
     "registers reads"),
    ("goodwe_et", "timeout_s = 0", "timeout_s = 60",
     'control.dead_man.timeout_s: found 60, expected a time, or 0 with fed_by = "none"'),
    ("heidelberg_ec", "min_a = 6\n", "",
     'control.min_a: found nothing, expected a value: shape "current" needs it'),
    ("heidelberg_ec", 'i_failsafe = [6, 262, "u16", 0.1, "A"]',
     'i_failsafe = [6, 262, "u16", 0.1, "W"]',
     'points.i_failsafe unit: found "W", expected one of A mA'),
    ("foxess_h3", 'shape = "signed"', 'shape = "signed"\nidle = [["p_set", 0]]',
     'control.idle: found [["p_set", 0]], expected nothing: shape "signed" has none'),
])
def test_one_slip_is_told_in_one_clear_line(name, old, new, line):
    said = bent(name, old, new)
    assert any(one.startswith(line) for one in said), said
    assert len(said) <= 2, said
