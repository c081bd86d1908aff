"""`export`: what came through the bridge, as evidence and as tables, to the last Wh."""

from __future__ import annotations

import csv
import sys
from collections import Counter

import duckdb
import msgpack
import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main
from cloud_bridge.batches import LEDGER
from cloud_bridge.evidence.tables import CERTIFICATE
from cloud_bridge.store import Store
from edge.ledger.matrix import SOURCES
from tests.audit import made
from tests.audit.made import KEY, audit, leaves

QUARTERS = 23  # more than five hours, the first of them and a gap incomplete
ORIGINS = {"unknown", *SOURCES} - {"store"}


@pytest.fixture(scope="module")
def sent():
    return made.messages(QUARTERS, True, made.Sunny)


@pytest.fixture(scope="module")
def store(tmp_path_factory, sent):
    """As `serve` keeps messages: some twice, the newest batch first, one of another gateway."""
    path = tmp_path_factory.mktemp("store") / "park.db"
    payloads = [msgpack.packb([1, kind, 7, seq, body]) for seq, (kind, body) in enumerate(sent, 1)]
    with Store(path) as found:
        for number, batch in enumerate((payloads[30:], payloads[:32], payloads[5:9])):
            receipt = found.commit([("parkedge/demo/mill/b", one) for one in batch], 1000 + number)
        assert not receipt.tally["quarantined"]
        found.commit([("parkedge/demo/other/b", msgpack.packb([1, LEDGER, 1, 1, b"no leaf"]))], 1)
    return path


def run(*args: object, code: int = 0):
    done = CliRunner().invoke(main, ["export", *map(str, args)])
    assert done.exit_code == code, done.output
    assert not code or done.stderr.count("\n") == 1
    return done.stderr if code else done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory, store):
    out = tmp_path_factory.mktemp("out") / "evidence"
    said = run("--store", store, "--gateway", "demo/mill", "--out", out, "--table", "csv",
               "--table", "parquet", "--table", "certificates")
    assert "messages skipped" not in said
    return out


@pytest.fixture(scope="module")
def sites(folder):
    found = audit(folder)
    assert found.faults == []
    assert {site.values["span"] for site, _ in found.accounts} == {1, 4}
    return [site for site, _ in found.accounts]


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_exported_stands_by_itself(folder, sent):
    assert leaves(folder) == made.gathered.sort(sent).leaves
    done = CliRunner().invoke(main, ["audit", str(folder), "--key", str(folder / "key.txt")])
    assert done.exit_code == 0
    assert made.Key.read((folder / "key.txt").read_text().strip()) == KEY


def test_exporting_again_changes_nothing_and_keeps_documents_and_cosignatures(folder, store):
    (folder / "documents" / "made.json").write_bytes(made.factor_set().encode())
    head = sorted((folder / "heads").iterdir())[-1]
    head.write_bytes(made.cosigned(head.read_bytes(), "witness", made.OTHER, 1))
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    run("--store", store, "--gateway", "demo/mill", "--out", folder, "--table", "csv")
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file()} == before


def test_the_csv_has_every_number_of_every_leaf(folder):
    found = audit(folder).accounts
    rows = table(folder / "quarters.csv")
    assert len(rows) == len(found)
    for row, (site, tenants) in zip(rows, found, strict=True):
        told = {**tenants.values, **site.values}
        assert {name: int(value) for name, value in row.items() if name != "end"} == told
    assert rows[0]["end"] == "2026-07-03T08:30Z"
    assert "\r" not in (folder / "quarters.csv").read_text()


def test_the_parquet_file_has_the_same_in_whole_numbers(folder):
    with duckdb.connect() as db:
        found = db.read_parquet(str(folder / "quarters.parquet"))
        kinds = dict(zip(found.columns, map(str, found.types), strict=True))
        rows = found.fetchall()
    assert {name for name, kind in kinds.items() if kind != "BIGINT"} == {"end"}
    told = table(folder / "quarters.csv")
    assert [list(map(str, row)) for row in rows] == [list(row.values()) for row in told]


def test_without_duckdb_one_line_says_what_to_do(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    said = run("--store", store, "--gateway", "demo/mill", "--out", tmp_path, "--table", "parquet",
               code=1)
    assert "pip install 'parkedge[parquet]'" in said


def test_certificates_are_of_hours_and_whole_watt_hours(folder):
    rows = table(folder / "certificates.csv")
    assert tuple(rows[0]) == CERTIFICATE
    for row in rows:
        assert int(row["volume_wh"]) > 0
        assert row["start"].endswith(":00Z")
        assert int(row["end"][11:13]) == int(row["start"][11:13]) + 1
        assert row["is_storage"] == str(int(row["record"] != "generation"))
        assert row["energy_source"] in ORIGINS
        assert row["record"] != "generation" or row["energy_source"] in ("pv", "direct")
    assert len({(row["record"], row["start"], row["energy_source"]) for row in rows}) == len(rows)
    assert {row["record"] for row in rows} == {"generation", "charge", "discharge"}


def test_no_watt_hour_is_lost_or_made_on_the_way_to_certificates(folder, sites):
    """All but that of a gap over an hour's end, whose hour nobody knows."""
    told: Counter[tuple[str, str]] = Counter()
    for row in table(folder / "certificates.csv"):
        told[row["record"], row["energy_source"]] += int(row["volume_wh"])
    within = [site for site in sites if site.values["span"] == 1]
    assert len(within) == len(sites) - 1
    for record, sink, names in (("charge", "charge", ("grid", "direct", "pv")),
                                ("generation", "", ("pv", "direct"))):
        for name in names:
            assert told[record, name] == sum(
                value for site in within for key, value in site.values.items()
                if key.startswith(f"{name}_{sink}") and "register" not in key), (record, name)
    for name in ("grid", "pv", "direct", "unknown"):
        assert told["discharge", name] == sum(
            site.values[f"store_{name}_{sink}_wh"] for site in within
            for sink in ("load", "export")), name
    assert told["discharge", "grid"] > 0
    assert sum(site.values["store_pv_export_wh"] for site in within) > 0


def test_an_hour_is_complete_when_each_of_its_minutes_was_measured(folder, sites):
    minutes: Counter[str] = Counter()
    for site in sites:
        if site.values["span"] == 1:
            minutes[made.time(site.quarter // 4 * 4)] += site.values["steps"]
    seen = {row["start"]: row["complete"] for row in table(folder / "certificates.csv")}
    assert {start: str(int(minutes[start] == 60)) for start in seen} == seen
    assert set(seen.values()) == {"0", "1"}


def test_a_store_without_that_ledger_is_refused_in_one_line(store, tmp_path):
    for name in ("demo/none", "demo/other", "nonsense"):
        assert "has no ledger of" in run("--store", store, "--gateway", name, "--out",
                                         tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()
