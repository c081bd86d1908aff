"""What `check` says of the ways in which a device takes its setpoint."""

import pytest

from boards import build, profiles
from boards.describe import summary, text
from boards.image import compile_site
from boards.ledger import _turn_wh
from tests.boards.sites import ROOT, changed, judge, valid

PCS = 'profile = "sinexcel_pcs"\nbus = "pcs-net"'
OWN = "signals = ['store_w']"


def with_pcs(profile, more="", bus="pcs-net"):
    """The foundry with another converter."""
    return judge(changed((PCS, f'profile = "{profile}"\nbus = "{bus}"\n{OWN}\n{more}')))


def test_a_device_without_a_timer_is_warned_of():
    said = with_pcs("sungrow_sh")
    assert said.errors == ()
    assert ("site.toml: device pcs: sungrow_sh has no dead-man timer: if the gateway loses its "
            "power, the last setpoint stays") in said.warnings
    assert ("site.toml: device pcs: sungrow_sh can be told -65535 .. 65535 W, and the battery may "
            "do more") in said.warnings
    said = with_pcs("fenecon_commercial40")
    assert any("is not known to have a dead-man timer" in line for line in said.warnings)
    said = with_pcs("huawei_sun2000")
    assert not any("dead-man" in line for line in said.warnings)
    assert "takes the setpoint, 0 W 60 s after the gateway died" in text(summary(said))


def test_a_device_of_another_protocol_is_judged_too():
    dairy = ROOT / "examples" / "dairy" / "site.toml"
    said = judge(dairy.read_bytes(), dairy)
    assert said.errors == ()
    assert not any("can be told" in line for line in said.warnings)


def test_a_rated_power_is_asked_for_where_it_counts():
    serial = {"bus": "battery-line", "more": "unit = 3"}
    said = with_pcs("growatt_sph", **serial)
    assert [line for line in said.errors if "rated_w" in line] == [
        "site.toml: device[1] pcs.rated_w: found nothing, expected the rated power of this "
        "growatt_sph, W"]
    said = with_pcs("sungrow_sh", "rated_w = 5000")
    assert any("no share of it" in line for line in said.errors)


@pytest.mark.parametrize(("rated_w", "never"), [(100_000, False), (190_000, True)])
def test_what_is_stored_for_good_is_told_with_its_budget(rated_w, never):
    said = with_pcs("growatt_sph", f"unit = 3\nrated_w = {rated_w}", "battery-line")
    assert said.errors == ()
    assert ("site.toml: device pcs: what growatt_sph is told is stored for good: at most 48 writes "
            "a day, one in 31 min, the first 62 min after a start") in said.warnings
    assert any("never told to charge" in line for line in said.warnings) == never
    device = compile_site(said.site)["devices"][1]
    assert device["driver"] == "slots"
    assert (device["control"]["num"], device["control"]["den"]) == (1, rated_w)


def test_only_who_needs_them_gets_the_modules():
    extra = {f"edge.devices.{name}" for name in ("shaped", "steps", "sums", "setpoint_mode")}
    assert extra.isdisjoint(build.edge_modules(compile_site(valid())))
    assert extra <= build.edge_modules(compile_site(with_pcs("sungrow_sh").site))
    charging = with_pcs("growatt_sph", "unit = 3\nrated_w = 100_000", "battery-line").site
    assert extra | {"edge.devices.slots"} <= build.edge_modules(compile_site(charging))



def test_a_counter_in_two_registers_begins_again_where_both_are_full():
    assert _turn_wh(profiles.load("deye_storage"), "import_wh") == 100 << 32
    assert _turn_wh(profiles.load("deye_storage"), "export_wh") == 100 << 32
    assert _turn_wh(profiles.load("goodwe_et"), "import_wh") == (1 << 53) - 1, "a float"
