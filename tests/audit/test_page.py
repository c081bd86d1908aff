"""The page an auditor reads, and the JSON a program reads, are of the same books."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main
from hil.bench_audit import evidence
from tests.audit import made
from tests.audit.made import KEY, audit, leaves, put, sign, write


def call(folder, *more, key=KEY):
    return CliRunner().invoke(main, ["audit", str(folder), "--key", str(key), *map(str, more)])


def page(folder, code=0, key=KEY):
    done = call(folder, key=key)
    assert done.exit_code == code
    assert len(done.stdout.splitlines()) <= 60
    assert max(map(len, done.stdout.splitlines())) <= 100
    return done.stdout


def told(folder, key=KEY):
    return json.loads(call(folder, "--json", key=key).stdout)


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Three days of a factory, shipped factors: folder and key."""
    folder = tmp_path_factory.mktemp("days")
    return folder, evidence(folder, 3)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "evidence", made.messages(9, True, made.Sunny))


def test_the_page_says_what_is_proven(days):
    said = page(days[0], key=days[1])
    assert said.startswith("AUDIT OF bench/year: the books stand\n")
    assert "signed      288 of 288 leaves, under 3 good heads; no witness was asked for\n" in said
    assert "period      2026-11-12T12:15Z .. 2026-11-15T12:15Z, 288 quarter-hours" in said
    assert "4320 of 4320 minutes, 100.0 %" in said
    assert "NOT PROVEN" in said
    assert "fault" not in said
    assert "shipped with this program" in said


def test_the_registers_on_the_page_moved_by_the_energy_on_it(days):
    """An auditor holds one against the other with a pocket calculator."""
    said = page(days[0], key=days[1])
    start, end = (float(one) for one in re.search(
        r"register    import +([0-9.]+) -> +([0-9.]+) kWh", said).groups())
    energy = float(re.search(r"energy      import ([0-9.]+),", said).group(1))
    assert energy > 1000
    assert round(end - start, 3) == energy


def test_page_and_json_and_leaves_say_the_same(days):
    said, text = told(*days), page(days[0], key=days[1])
    sites = [site for site, _ in audit(days[0]).accounts]
    for view, name in enumerate(("cn_910_fossil", "cn_average_2023")):
        sums = {part: sum(site.values[f"{part}_ug_{view}"] for site in sites)
                for part in ("load", "export", "loss", "adjusted")}
        assert said["carbon"][name] == {**sums,
                                        "inventory": sites[-1].values[f"inventory_ug_{view}"]}
        line = next(line for line in text.splitlines() if line.startswith(f"  {name}"))
        assert line.split()[1] == f"{-(-sums['load'] // 10**6) / 1000:.3f}"
    assert said["energy"]["grid_load_wh"] == sum(site.values["grid_load_wh"] for site in sites)
    first, last = said["registers"]["import"]
    assert last - first == sum(sum(site.flows[:3]) for site in sites)
    names = [one["name"] for one in said["indicators"]]
    assert names[0] == "carbon_per_tce"
    assert all(name in text for name in names)
    assert said["indicators"][1]["limit"] == "1/2"
    assert 0 < eval_fraction(said["indicators"][1]["values"]["physical"]) < 1


def eval_fraction(text):
    part, of = text.split("/")
    return int(part) / int(of)


def test_the_report_is_written_as_it_is_shown(days, tmp_path):
    path = tmp_path / "page.txt"
    shown = call(days[0], "--report", path, key=days[1]).stdout
    assert path.read_text(encoding="utf-8") == shown
    call(days[0], "--report", path, "--json", key=days[1])
    assert path.read_text(encoding="utf-8") == shown


def test_what_is_missing_is_listed(folder):
    said = page(folder)
    start = made.time(audit(folder).missing[0].first)
    assert f"missing     {start} .. " in said
    assert "gap: registers alone tell of it" in said
    assert told(folder)["missing"][0]["first"] == audit(folder).missing[0].first


def test_many_faults_stay_one_page_and_json_has_all(tmp_path):
    folder = write(tmp_path / "evidence", made.messages(60, True))
    found = leaves(folder)
    put(folder, found[::-1])
    said = page(folder, 1)
    assert "AUDIT OF demo/mill: FAILED, at least 100 faults" in said
    assert 4 <= said.count("\nfault ") <= 7
    assert re.search(r"\nfault +and 9[4-7] more: see --json\n", said)
    assert len(told(folder)["faults"]) == 100


def test_nothing_is_said_of_what_nobody_signed(folder):
    for path in (folder / "heads").iterdir():
        path.unlink()
    said = page(folder, 1)
    assert "nothing is proven" in said
    assert "energy" not in said
    assert "carbon, kg" not in said
    assert told(folder)["accounts"] == 0
    found = leaves(folder)
    sign(folder, found)
    assert "energy" in page(folder)


def test_factors_that_change_are_told_and_summed_by_their_name(tmp_path):
    one = made.live(made.park(), 5)
    text = made.terms().replace(b'"other"', b'"later"')
    one.keys = made.keys_of(made.TENANTS, text, made.id_of(text).hex())
    one.start()
    made.live(one, 5)
    folder = write(tmp_path / "evidence", one.outbox.messages)
    sign(folder, leaves(folder))
    said = told(folder)
    assert set(said["carbon"]) == {"made", "other", "later"}
    sites = [site for site, _ in audit(folder).accounts]
    assert said["carbon"]["made"]["load"] == sum(site.values["load_ug_0"] for site in sites)
    assert said["carbon"]["other"]["load"] + said["carbon"]["later"]["load"] == sum(
        site.values["load_ug_1"] for site in sites)
    assert "other factors, limits or tenants from here on" in page(folder)


def test_energy_between_two_accounts_is_in_none_and_told(tmp_path):
    """Whoever opens an account anew hides nothing of what the grid gave."""
    one = made.live(made.park(), 5)
    text = made.terms(made.TENANTS[:1])
    one.keys = made.keys_of(made.TENANTS[:1], text, made.id_of(text).hex())
    one.start()
    for _ in range(4):
        one.quarter()
    made.live(one, 4)
    folder = write(tmp_path / "evidence", one.outbox.messages)
    found = audit(folder)
    assert found.faults == []
    (start, end), = found_registers(folder)
    booked = sum(sum(site.flows[:3]) for site, _ in found.accounts)
    note, = (note for note in found.notes if "a new account is opened" in note)
    lost = int(re.search(r"opened; (\d+) Wh of import since", note).group(1))
    assert lost == end - start - booked > 0


def found_registers(folder):
    sign(folder, leaves(folder))
    return [told(folder)["registers"]["import"]]


def test_the_worst_of_books_is_one_page(tmp_path):
    """Gaps, leaps and rotations of the log, restarts, witnesses and a hundred faults at once."""
    one = made.live(made.park(head_quarters=1), 3)
    for number in range(12):
        if number % 2:
            one.quarter()
        text = made.terms().replace(b'"other"', b'"set_%d"' % number)
        one.keys = made.keys_of(made.TENANTS, text, made.id_of(text).hex(), 1)
        one.start()
        one.ws[0] += 3600 * 10**8
        made.live(one, 3)
    folder = write(tmp_path / "evidence", one.outbox.messages)
    assert audit(folder).faults == []
    head = folder / "heads" / "0000000004.note"
    keys = []
    for number in range(9):
        secret = made.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        head.write_bytes(made.cosigned(head.read_bytes(), f"w{number}", secret, number))
        keys += ["--witness", str(made.Key(f"w{number}", secret.public_key().public_bytes_raw(),
                                           made.COSIGNATURE))]
    put(folder, [*leaves(folder), *leaves(folder)[::-1]])
    done = call(folder, *keys)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    for label in ("fault", "missing", "note", "witness"):
        assert any(line.startswith(label) and "more: see --json" in line for line in lines), label
    assert "NOT PROVEN" in done.stdout


def test_a_register_that_is_silent_and_then_leaps_is_told(tmp_path):
    one = made.park()
    read = one.read

    def silent():
        read()
        one.site.grid_meter.import_wh = -1

    one.read = silent
    made.live(one, 3)
    one.read = read
    made.live(one, 3)
    folder = write(tmp_path / "evidence", one.outbox.messages)
    found = audit(folder)
    assert found.faults == []
    times = [made.time(site.quarter) for site, _ in found.accounts]
    assert f"registers not read in 3 of 5 accounts, first {times[0]}: import; powers stand in" \
        in " ".join(found.notes)
    assert any(note.startswith(f"{times[2]}: a register leapt") for note in found.notes)
