"""Sites with phases, bands and a shared limit: what is compiled, and each mistake in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from boards import build
from boards.cli import boards
from boards.group_checks import check_group
from boards.image import compile_site, rule_images
from boards.site import Site
from boards.why_words import meaning
from edge import journal
from tests.boards.rows import header, row
from tests.boards.sites import FOUNDRY, ROOT, changed, feeding, judge

HALL = ROOT / "examples" / "halls" / "hall-1.toml"
OTHER = HALL.with_name("hall-2.toml")


def hall(*pairs: tuple[str, str], base: Path = HALL) -> tuple[str, ...]:
    """The errors of a changed hall."""
    return judge(changed(*pairs, base=base), base).errors


def site(*pairs: tuple[str, str], base: Path = HALL) -> Site:
    made = judge(changed(*pairs, base=base), base).site
    assert made is not None
    return made


def test_the_halls_are_valid_and_agree():
    assert check_group([site(), site(base=OTHER)]) == ([], [])
    result = CliRunner().invoke(boards, ["check", str(HALL), str(OTHER)])
    assert result.exit_code == 0
    assert "halls/hall-1" in result.stdout
    assert "halls/hall-2" in result.stdout


def test_a_rule_of_several_places_is_compiled_to_all_of_them():
    words = compile_site(site())["rules"]
    assert [name for name, _ in words] == [
        "fresh", "ramp", "reserve", "bands", "phase", "share", "export", "bands", "demand",
        "bands", "self_use", "tariff", "refill"]
    bands = [keys for name, keys in words if name == "bands"]
    assert [keys["floor_pm"] for keys in bands] == [300, 400, 450]
    assert bands[2]["backup_charge_w"] == 30_000
    share = dict(words)["share"]
    assert (share["at"], share["size"], share["safe_w"]) == (0, 2, 120_000)
    assert dict(compile_site(site(base=OTHER))["rules"])["share"]["group"] == share["group"]


@given(st.integers(0, 8_000_000), st.integers(0, 30_000), st.integers(100, 1000),
       st.integers(500, 1000))
def test_a_fuse_carries_what_its_current_and_the_power_factor_allow(said_w, fuse_a, volt, pf_pm):
    keys = {"import_max_w": said_w, "fuse_a": fuse_a, "voltage_v": volt, "power_factor_pm": pf_pm,
            "export_max_w": 0, "store_phase": 0, "age_max_ms": 5000, "unbalance_max_w": 0}
    (_, words), = rule_images({"phase": keys}, "g")
    fuse_w = fuse_a * volt * pf_pm / 1000
    if said_w:
        assert words["import_max_w"] <= said_w
    if fuse_a:
        assert words["import_max_w"] <= fuse_w
    assert words["import_max_w"] >= min([w for w in (said_w, fuse_w) if w] or [0]) - 1


def test_phases_are_read_only_where_a_rule_asks_for_them():
    def signals(made: Site) -> list[str]:
        meter = compile_site(made)["devices"][0]
        return [point[0] for point in meter["points"]]

    assert {"l1_w", "l2_w", "l3_w"} <= set(signals(site()))
    assert not {"l1_w", "l2_w", "l3_w"} & set(signals(site(base=OTHER)))
    text = 'profile = "eastron_sdm630"\nbus = "line"\n'
    assert hall((text, text + 'signals = ["grid_w", "l1_w"]\n'), base=OTHER) == (
        'hall-2.toml: device[0] meter.signals: found "l1_w", expected signals that somebody uses: '
        "this one needs [rules.phase]",)


def test_a_site_pays_for_its_own_limits_alone():
    foundry = judge(FOUNDRY.read_bytes()).site
    assert foundry is not None
    few, all_ = (build.edge_modules(compile_site(made)) for made in
                  (foundry, site(("period_s = 60", "period_s = 0"))))
    assert all_ - few == {"edge.rules.bands", "edge.rules.phase", "edge.rules.share", "edge.share",
                          "edge.share_law", "edge.share_link", "edge.devices.phases",
                          "edge.clouds", "edge.clouds.plain"}  # neighbours need a broker


SHARE = "rules.share"
MISTAKES = [
    (("fuse_a = 355\n", ""),
     "rules.phase: found no limit, expected import_max_w of a phase or fuse_a"),
    (("fuse_a = 355", 'fuse_a = "355 A"'),
     'rules.phase.fuse_a: found "355 A", expected a whole number 0 .. 30000 A; give 355'),
    (("age_max_ms = 5000\nunbalance", "age_max_ms = 900\nunbalance"),
     "rules.phase.age_max_ms: found 900 ms, expected at least 1000 ms, as meter is read no more "
     "often"),
    (('profile = "eastron_sdm630"\nbus = "line"\n',
      'profile = "eastron_sdm630"\nbus = "line"\nsignals = ["grid_w", "l1_w", "l2_w"]\n'),
     "device: found none that reads l3_w, phase 3, expected one with a profile as "
     + feeding("l3_w")),
    (("response_floor_pm = 300", "response_floor_pm = 90"),
     "rules.bands.response_floor_pm: found 90 per mille, expected at least rules.reserve.floor_pm "
     "= 100 per mille"),
    (("demand_floor_pm = 400", "demand_floor_pm = 250"),
     "rules.bands.response_floor_pm: found 300 per mille, expected at most "
     "rules.bands.demand_floor_pm = 250 per mille"),
    (("demand_floor_pm = 400", "demand_floor_pm = 460"),
     "rules.bands.demand_floor_pm: found 460 per mille, expected at most "
     "rules.bands.trade_floor_pm = 450 per mille"),
    (("trade_floor_pm = 450", "trade_floor_pm = 900"),
     "rules.bands.trade_floor_pm: found 900 per mille, expected less than "
     "rules.reserve.ceiling_pm = 900 per mille"),
    (("safe_w = 120_000", "safe_w = 260_000"),
     f"{SHARE}.safe_w: found 260000 W, expected at most rules.share.limit_w = 250000 W"),
    (("keep_w = 40_000", "keep_w = 130_000"),
     f"{SHARE}.keep_w: found 130000 W, expected at most rules.share.safe_w = 120000 W"),
    (("keep_w = 40_000\n", ""), f"{SHARE}.keep_w: found nothing, expected a whole number "
                                "0 .. 8000000 W"),
    (('["hall-2"]', "[]"), f"{SHARE}.gateways: found [], expected a list of names of gateways, "
                           "each a name of a-z, 0-9 and -, 1 .. 32 of them"),
    (('["hall-2"]', '["hall-2", "hall-1"]'),
     f"{SHARE}.gateways: found hall-1, expected only the others"),
    (('["hall-2"]', '["hall-2", "hall-2"]'), f"{SHARE}.gateways: found hall-2 2 times"),
    (('["hall-2"]', str([f"h{k}" for k in range(8)])),
     f"{SHARE}.gateways: found 8 others, expected at most 7"),
    (('["hall-2"]', '["hall-2"]\nlease_ms = 4000'),
     f"{SHARE}.lease_ms: found 4000 ms, expected at least 5000 ms: two periods and a beat"),
    (('["hall-2"]', '["hall-2"]\nsettle_ms = 4000'),
     f"{SHARE}.settle_ms: found 4000 ms, expected at least 4600 ms: a beat, and the battery from "
     "end to end at rules.ramp.ramp_w_per_s = 50000 W/s"),
    (('["hall-2"]', '["hall-2"]\nlease_ms = 200_000'),
     f"{SHARE}.period_ms: found 2000 ms, expected at least 3282 ms: lease_ms and settle_ms last "
     "64 periods at most"),
]


@pytest.mark.parametrize(("change", "said"), MISTAKES)
def test_each_mistake_is_one_line(change, said):
    assert hall(change) == (f"hall-1.toml: {said}",)


def test_a_limit_without_a_broker_is_warned_of():
    made = judge(changed(('host = "192.168.30.2" #', 'host = "" #'), base=HALL), HALL)
    assert made.errors == ()
    assert ("hall-1.toml: broker.host: empty: nothing of the limit can be lent or borrowed, the "
            "site keeps to rules.share.safe_w = 120000 W") in made.warnings


TOGETHER = [
    (("safe_w = 130_000", "safe_w = 130_001"), "rules.share.safe_w: found 120000 + 130001 = "
     "250001 W, expected at most limit_w = 250000 W together"),
    (("limit_w = 250_000", "limit_w = 260_000"), "rules.share.limit_w: found 250000 W at hall-1, "
     "260000 W at hall-2, expected the same at all gateways"),
    (('["hall-1"]', '["hall-1"]\nsettle_ms = 20_000'), "rules.share.settle_ms: found 10000 ms at "
     "hall-1, 20000 ms at hall-2, expected the same at all gateways"),
    (('park = "halls"', 'park = "hall"'), "site.park: found hall halls, expected one: gateways of "
     "one limit meet in their park's topic"),
    (('["hall-1"]', '["hall-1", "hall-3"]'), "rules.share.gateways: found hall-1 lists hall-2; "
     "hall-2 lists hall-1 hall-3; expected that each lists all the others"),
    (('gateway = "hall-2"', 'gateway = "hall-1"'), "site.gateway: found hall-1 2 times, expected "
     "one file a gateway"),
]


@pytest.mark.parametrize(("change", "said"), TOGETHER)
def test_each_disagreement_is_one_line(change, said, tmp_path):
    other = tmp_path / "hall-2.toml"
    text = changed(change, base=OTHER)
    if "found hall-1 2 times" in said:
        text = text.replace('["hall-1"]', '["hall-2"]')
    other.write_text(text)
    result = CliRunner().invoke(boards, ["check", str(HALL), str(other)])
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if not line.startswith("warning")] == [
        f"together: {said}"]
    told = json.loads(CliRunner().invoke(boards, ["check", str(HALL), str(other), "--json"]).stdout)
    assert told["errors"] == [f"together: {said}"]
    assert len(told["sites"]) == 2


def test_a_file_that_is_missing_is_missed():
    result = CliRunner().invoke(boards, ["check", str(HALL)])
    assert result.exit_code == 0
    assert ("warning: together: rules.share.safe_w: the files of hall-2 are not among those "
            "checked: nobody knows whether the safe shares fit the limit together") \
        in result.stderr.splitlines()


@given(st.lists(st.integers(0, 200_000), min_size=2, max_size=2))
def test_safe_shares_fit_or_are_refused(shares):
    made = [site(("safe_w = 120_000\nkeep_w = 40_000", f"safe_w = {shares[0]}\nkeep_w = 0")),
            site(("safe_w = 130_000\nkeep_w = 40_000", f"safe_w = {shares[1]}\nkeep_w = 0"),
                 base=OTHER)]
    assert bool(check_group(made)[0]) == (sum(shares) > 250_000)


@pytest.mark.parametrize(("rule", "side", "fields", "said"), [
    ("bands", "hi", {"soc_pm": 299, "lo_w": -90_000, "hi_w": -30_000},
     "state of charge 29.9 %: a band that is not full is charged at any price"),
    ("bands", "hi", {"soc_pm": 444, "hi_w": 0},
     "state of charge 44.4 %: what is below its band is kept for another use"),
    ("share", "lo", {"net_w": 130_000, "lo_w": 10_000, "hi_w": 90_000},
     "without the battery the grid would carry 130 kW, its part of the shared limit is 120 kW now"),
    ("phase", "lo", {}, "What each phase of the connection may carry: the main fuse knows no sum"),
])
def test_a_bound_is_told_in_words(rule, side, fields, said):
    told = dict(zip(journal.FIELDS, row(**fields), strict=True))
    assert meaning(rule, told, header(HALL), side) == said
