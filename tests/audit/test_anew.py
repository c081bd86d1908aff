"""Other factors over the same leaves: exact, by the hour too, and no leaf is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.__main__ import main
from cloud_bridge.carbon import factors
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.documents import Document
from cloud_bridge.evidence import anew, bundle
from cloud_bridge.evidence.judge import judge
from cloud_bridge.fields import DocumentError
from edge.ledger.matrix import GENERATOR, GRID, PV, STORE
from tests.audit.made import KEY, factor_set, park
from tests.ledger.test_keeper import told

ENERGIES = ("grid", "gen", "residual", "direct", "pv")


def sites(quarters: int = 14, lost: int = 0):
    """Accounts of a park that stand; `lost`: the gateway was off in that quarter-hour."""
    one = park([], 1)
    for number in range(quarters):
        one.quarter()
        if number == lost:
            one.start()
        one.work()
    verdict = judge(told(one.outbox.messages), [KEY])
    assert verdict.faults == []
    return [site for site, _ in verdict.accounts]


SITES = sites(lost=7)


def by_hour(grid: list[int]) -> FactorSet:
    """A set whose grid factor, kg/kWh in tenths, changes by the hour from 2026-07-01 UTC on."""
    def one(energy: str, **more: object) -> dict[str, object]:
        return {"energy": energy, "gas": "CO2", "unit": "kg/kWh", "year": 2026,
                "source": "made up", "valid_from": "2026-07-01", **more}

    body = {"name": "hours", "title": "By the hour", "region": "nowhere", "utc_offset_min": 0,
            "factors": [one("grid", basis="hourly",
                            hourly=[f"{tenths // 10}.{tenths % 10}" for tenths in grid]),
                        *(one(energy, basis="fossil", value="0.9") for energy in ENERGIES[1:])]}
    return factors.read(Document("factors", "2026-07-01", body))


def row(found: FactorSet, site) -> list[int]:
    quarters = range(site.quarter - site.values["span"] + 1, site.quarter + 1)
    return [max(found.mg_per_kwh(energy, quarter) for quarter in quarters) for energy in ENERGIES]


def test_the_accounts_own_factors_give_the_accounts_own_figures() -> None:
    assert any(site.values["span"] > 1 for site in SITES)
    found = anew.totals(SITES, factors.read(factor_set()))
    for name in ("load", "export", "loss", "adjusted"):
        assert found[name] == sum(site.values[f"{name}_ug_0"] for site in SITES)
    assert found["inventory"] == SITES[-1].values["inventory_ug_0"]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 12), min_size=24, max_size=24))
def test_factors_by_the_hour_balance_to_the_microgram(day: list[int]) -> None:
    used = by_hour(day * 180)
    found = anew.totals(SITES, used)
    emitted = 0
    for site in SITES:
        rows = row(used, site)
        emitted += sum(rows[source] * sum(site.flows[3 * source:3 * source + 3])
                       for source in (GRID, GENERATOR, 3, PV))
    assert emitted + found["adjusted"] == sum(
        found[name] for name in ("load", "export", "loss", "inventory"))


def test_what_a_clean_hour_charged_comes_out_clean() -> None:
    """Every hour is clean but those in which nothing is charged from the grid."""
    charged = {quarter // 4 for site in SITES if site.flows[3 * GRID + 1] for quarter in
               range(site.quarter - site.values["span"] + 1, site.quarter + 1)}
    first = factors.index_of(factors.datetime.date(2026, 7, 1), 0) // 4
    clean = by_hour([0 if first + hour in charged else 12 for hour in range(4320)])
    dirty = by_hour([12] * 4320)
    load = sum(site.flows[3 * GRID] * row(clean, site)[GRID] for site in SITES)
    found, other = anew.totals(SITES, clean), anew.totals(SITES, dirty)
    drawn = sum(sum(site.flows[3 * STORE:3 * STORE + 3]) for site in SITES)
    assert drawn
    assert found["load"] - load < other["load"] - sum(
        site.flows[3 * GRID] * 1_200_000 for site in SITES)


def test_a_gap_of_ages_is_refused_and_not_waited_for() -> None:
    site = replace(SITES[0], values={**SITES[0].values, "span": 10**9})
    with pytest.raises(DocumentError, match="gap: found '1000000000"):
        anew.totals([site], by_hour([1] * 4320))


def test_the_command_shows_it_beside_what_the_leaves_say(tmp_path: Path) -> None:
    one = park([], 1)
    for _ in range(6):
        one.quarter()
        one.work()
    found = told(one.outbox.messages)
    bundle.write(tmp_path, found.leaves, {number: note for number, (_, note) in
                                          enumerate(found.heads)}, [
        body for kind, body in one.outbox.messages if kind == 5][:1])
    words = ["audit", str(tmp_path), "--key", str(KEY), "--view"]
    done = CliRunner().invoke(main, [*words, "cn_fossil_2023"])
    assert done.exit_code == 0, done.output
    assert "worked out anew" in done.output
    assert "cn_fossil_2023" in done.output
    done = CliRunner().invoke(main, [*words, "cn_nowhere"])
    assert done.exit_code == 2
    assert "cn_nowhere" in done.output
