"""What nobody has tried together with an island is refused in one line."""

from dataclasses import replace

from boards.shapes import Findings
from boards.site_loads import check_island
from tests.boards.sites import ROOT, judge, valid

CLINIC = ROOT / "examples" / "clinic" / "site.toml"


def test_phases_beside_an_island():
    text = CLINIC.read_text("utf-8") + "\n[rules.phase]\nimport_max_w = 50_000\n"
    assert ("site.toml: rules.island: found beside [rules.phase], expected one of the two"
            in judge(text, CLINIC).errors)


def test_several_batteries_beside_an_island():
    site, findings = valid(CLINIC), Findings("site.toml")
    check_island(findings, site)
    assert not findings.lines
    check_island(findings, replace(site, batteries=("a", "b")))
    assert ("site.toml: rules.shed: found beside several batteries, expected a single one"
            in findings.lines)
