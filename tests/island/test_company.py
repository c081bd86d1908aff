"""What nobody has tried together with an island is refused in one line."""

from dataclasses import replace

from boards.shapes import Findings
from boards.site_loads import check_island
from tests.boards.sites import ROOT, valid

CLINIC = ROOT / "examples" / "clinic" / "site.toml"


def test_several_batteries_beside_an_island():
    site, findings = valid(CLINIC), Findings("site.toml")
    check_island(findings, site)
    assert not findings.lines
    check_island(findings, replace(site, batteries=("a", "b")))
    assert ("site.toml: rules.shed: found beside several batteries, expected a single one"
            in findings.lines)
