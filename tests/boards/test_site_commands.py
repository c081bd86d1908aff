"""The table [commands]: it switches the rule on, and is judged like any other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from boards import build, why
from boards.found import boards
from boards.image import compile_site
from tests.boards.rows import DAY, header, row, write
from tests.boards.sites import FOUNDRY, judge

TABLE = "\n[commands]\n"


def with_table(more: str = "", host: str = "192.168.1.2") -> str:
    return (FOUNDRY.read_text() + TABLE + more).replace('host = ""', f'host = "{host}"')


def test_it_switches_the_rule_on_behind_the_demand_target():
    made = compile_site(judge(with_table()).site)
    names = [name for name, _ in made["rules"]]
    assert names.index("demand") + 1 == names.index("command") == names.index("self_use") - 1
    assert made["commands"] == {"lease_max_s": 14_400, "setpoint_max_s": 900, "over_demand": 0,
                                "root": ""}


def test_or_before_it_and_still_behind_every_limit():
    names = [name for name, _ in
             compile_site(judge(with_table("over_demand = 1\n")).site)["rules"]]
    assert names.index("export") + 1 == names.index("command") == names.index("demand") - 1


def test_without_it_nothing_is_loaded():
    made = compile_site(judge(with_table().replace(TABLE, "")).site)
    assert "commands" not in made
    added = build.edge_modules(compile_site(judge(with_table()).site)) - build.edge_modules(made)
    assert added == {"edge.command", "edge.dated", "edge.hmac256", "edge.keep", "edge.lease",
                     "edge.tags", "edge.verbs",
                     "edge.quota", "edge.rules.command"}


def test_who_has_a_root_key_can_check_signatures():
    plain = build.edge_modules(compile_site(judge(with_table()).site))
    rooted = compile_site(judge(with_table(f'root = "{"0a" * 32}"\n')).site)
    assert build.edge_modules(rooted) - plain == {
        "edge.evidence", "edge.evidence.comb", "edge.evidence.ed25519", "edge.evidence.sha512",
        "edge.evidence.verifier", "edge.root"}
    assert build.build(judge(with_table(f'root = "{"0a" * 32}"\n')).site,
                       boards()["w5500_evb_pico2"]).over == []


@pytest.mark.parametrize(("text", "said"), [
    ("lease_max_s = 59", "commands.lease_max_s: found 59, expected a whole number 60 .. 86400 s"),
    ("setpoint_max_s = 4000", "commands.setpoint_max_s: found 4000, expected"),
    ('root = "abc"', 'commands.root: found "abc", expected an Ed25519 public key'),
    ('root = "' + "A" * 64 + '"', "commands.root: found"),
    ("over_demand = 2", "commands.over_demand: found 2, expected 0 or 1"),
    ("[rules.command]", "rules.command: is switched on by a table [commands]"),
])
def test_mistakes_are_named(text, said):
    assert any(said in line for line in judge(with_table(text)).errors)


def test_a_site_that_nobody_can_reach_is_warned_of():
    assert any("no command can come" in line for line in judge(with_table(host="")).warnings)
    assert not any("command" in line for line in judge(with_table()).warnings)



def test_why_says_that_it_was_a_command(tmp_path):
    head = replace(header(), rules=("device", "demand", "command"))
    told = row(day=DAY, second=0, lo_w=-50_000, lo_by=2, hi_w=-50_000, hi_by=2, chosen_w=-50_000)
    said = why.text(why.find(write(tmp_path / "a.journal", [told], head)))
    assert "charge at least 50 kW" in said
    assert "command: a command from the cloud, inside all local limits" in said
