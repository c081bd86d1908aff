"""[ledger] of a site file: what becomes of it, what check tells, and what is said to a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from boards import build, commands, commands_run, describe, ledger
from boards.found import boards
from boards.image import compile_site
from boards.site import Checked
from cloud_bridge.evidence import terms
from cloud_bridge.notes import Key
from tests.boards.sites import FOUNDRY, MILL, changed, judge, valid
from tests.conftest import Interpreter

FACTORS = 'factors = "cn_910_fossil cn_average_2023"'
PRESS = 'line = "press"'
START = """
import gc, sys
sys.path[:] = [sys.argv[1], ".frozen"]
gc.threshold(4096)
from boards.sector_files import SectorFiles
from edge.app import App
from edge.image import load

class Board:
    def open_port(self, bus):
        return None
    def flash_device(self):
        return None
    def state(self, name):
        return SectorFiles(sys.argv[1] + "/" + name, 4096, 4)
    def secret(self, name):
        return bytes(32)

app = App(load("site.json"), Board())
while not app.keeper.step(0) >= 1000:
    pass
print(app.keeper.public().split("+")[0])
for tell in app.site.live:
    tell(lambda name, value: print(name))
"""
LEDGER = '[ledger]\nfactors = "cn_910_fossil"\n'


def mill(*pairs: tuple[str, str]) -> Checked:
    return judge(changed(*pairs, base=MILL), MILL)


@pytest.mark.parametrize(("old", "new", "line"), [
    ("head_h = 24", "head_h = 0", "ledger.head_h: found 0, expected a whole number 1 .. 24 h"),
    (FACTORS, "factors = 7", "ledger.factors: found 7, expected a text"),
    (FACTORS, 'factors = " "', 'ledger.factors: found " ", expected 1 .. 4 factor sets, each once, '
                               "spaces between them"),
    (FACTORS, 'factors = "cn_910_fossil cn_910_fossil"',
     'ledger.factors: found "cn_910_fossil cn_910_fossil", expected 1 .. 4 factor sets, each once, '
     "spaces between them"),
    (FACTORS, 'factors = "cn_910_fossil cn_average_2023 cn_average_2022 cn_east_2023 '
              'cn_north_2023"',
     'ledger.factors: found "cn_910_fossil cn_average_2023 cn_average_2022 cn_east_2023 '
     'cn_north_2023", expected 1 .. 4 factor sets, each once, spaces between them'),
    (PRESS, 'line = "weaving"', 'device.line: found "weaving", expected one device for each'),
    (PRESS, 'line = "a\\tb"', 'device.line: found "a\\tb", expected plain text, at most 500 '
                             "letters"),
    (PRESS, f'line = "{"x" * 501}"', 'device.line: found "xxx'),
    (PRESS, "line = 3", "device[5] press-meter.line: found 3, expected a text"),
    ('profile = "eastron_sdm630"', 'profile = "soltaro_bms"',
     "device press-meter.line: soltaro_bms is no meter: it has no grid_w")])
def test_a_mistake_is_told(old: str, new: str, line: str) -> None:
    checked = mill((old, new))
    assert checked.site is None
    assert any(line in said for said in checked.errors), checked.errors


def test_a_set_that_is_not_there_or_changes_by_the_hour_is_told(tmp_path: Path) -> None:
    assert any("cn_911_fossil" in line for line in
               mill((FACTORS, 'factors = "cn_911_fossil"')).errors)
    shipped = (MILL.parents[2] / "edge" / "carbon" / "factors" / "cn_910_fossil.toml").read_text()
    hours = shipped.replace("value = 0.8325", 'hourly_file = "hours.csv"').replace(
        'basis = "fossil"', 'basis = "hourly"').replace(
        "valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_until = 2025-01-02", 1)
    (tmp_path / "hours.csv").write_text("0.5\n" * 48)
    (tmp_path / "hours.toml").write_text(hours)
    text = MILL.read_text().replace(FACTORS, 'factors = "hours.toml"')
    checked = judge(text.encode(), tmp_path / "site.toml")
    (line,) = (line for line in checked.errors if "ledger" in line)
    assert "hours.toml: changes by the hour, expected factors that stand" in line


def test_a_meter_of_a_line_without_a_ledger_is_told() -> None:
    text = changed(base=MILL)
    start, end = text.index("[ledger]"), text.index("[telemetry]")
    errors = judge(text[:start] + text[end:], MILL).errors
    assert 'site.toml: device wind-line.line: found "direct", expected a table [ledger], which ' \
        "counts it" in errors


def test_seventeen_tenants_are_too_many() -> None:
    text = changed(base=MILL)
    meters = "".join(f'\n[[device]]\nname = "t{n}"\nprofile = "eastron_sdm630"\n'
                     f'bus = "meter-line"\nunit = {10 + n}\npoll_ms = 60000\nline = "t{n}"\n'
                     for n in range(15))
    assert any("found 17, expected at most 16 tenants" in line
               for line in judge(text + meters, MILL).errors)


def test_without_what_makes_signatures_it_is_said_what_to_install(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError("No module named 'cryptography'")

    monkeypatch.setattr("boards.parts.import_module", missing)
    assert mill().errors == (
        "site.toml: ledger: cloud_bridge.carbon.factors cannot be loaded (No module named "
        "'cryptography'): pip install 'parkedge[cloud]'",)


def test_what_check_tells() -> None:
    checked = mill()
    said = describe.summary(checked)
    assert said["ledger"] == {
        "factors": ["cn_910_fossil", "cn_average_2023"], "head_h": 24, "lines": ["direct"],
        "tenants": ["press", "weaving"], "from_powers": ["charge", "discharge"]}
    assert ("ledger  cn_910_fossil, cn_average_2023; a signed head every 24 h; lines direct; "
            "tenants press, weaving; no register, so counted from powers: charge, discharge"
            ) in describe.text(said)
    assert "ledger" not in describe.summary(judge(FOUNDRY.read_bytes()))


def test_a_grid_meter_without_a_register_is_warned_of() -> None:
    """Tenants' meters have one; a signal that the site does not use is none."""
    bare = mill(("unit = 1\npoll_ms = 1000", 'unit = 1\npoll_ms = 1000\nsignals = ["grid_w"]'))
    assert bare.site is not None, bare.errors
    assert any("ledger: the meter of the grid has no import_wh" in line for line in bare.warnings)
    assert ledger.from_powers(bare.site) == ["import", "export", "charge", "discharge"]
    assert not any("ledger" in line for line in mill().warnings)
    grid = judge(changed(("unit = 1\npoll_ms = 1000", 'unit = 1\npoll_ms = 1000\n'
                          'signals = ["grid_w"]')))
    assert grid.site is not None
    assert not any("ledger" in line for line in grid.warnings), "nobody asked for one"


def test_the_image_holds_the_terms_as_a_stranger_reads_them() -> None:
    made = compile_site(valid(MILL))["ledger"]
    read = terms.parse(made["terms"].encode())
    assert read.id.hex() == made["terms_id"]
    assert [list(row) for row in read.factors] == made["factors"]
    assert [name for name, _ in read.tenants] == ["press", "weaving"]
    assert read.names == ("cn_910_fossil", "cn_average_2023")
    assert [bool(limits) for limits in read.meters] == [True, False, True, True, True, True, True]


def test_the_beat_of_a_site_without_one_loads_none_of_it() -> None:
    with_one = judge(changed(("[telemetry]", f"{LEDGER}\n[telemetry]"))).site
    assert with_one is not None
    more = build.edge_modules(compile_site(with_one)) - build.edge_modules(compile_site(valid()))
    assert "edge.ledger.gather" in more
    assert "edge.evidence.keeper" in more
    assert "edge.ledger.intensity" not in more, "nobody looks"


def test_run_tells_the_public_key_where_it_is_kept(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.app.run", lambda image, board: None)
    site = tmp_path / "site.toml"
    site.write_text(changed(("path = 0", 'path = "/dev/ttyUSB0"'),
                            ("path = 1", 'path = "/dev/ttyUSB1"'), base=MILL))
    words = [str(site), "--board", "emulator", "--journal", str(tmp_path)]
    keys = set()
    for _ in range(2):
        done = CliRunner().invoke(commands_run.run_, words)
        assert done.exit_code == 0, done.output
        (line,) = (line for line in done.stderr.splitlines() if line.startswith("ledger key "))
        keys.add(Key.read(line.removeprefix("ledger key ")))
    assert [key.name for key in keys] == ["demo/mill"]
    assert (tmp_path / "ledger.key").stat().st_mode & 0o777 == 0o600
    done = CliRunner().invoke(commands_run.run_, words[:3])
    assert "ledger: lost when it stops, and its key too" in done.stderr


def test_the_schema_knows_it() -> None:
    done = CliRunner().invoke(commands.schema_)
    known = json.loads(done.stdout)["properties"]
    assert set(known["ledger"]["properties"]) == {"factors", "head_h"}
    assert "line" in json.dumps(known["device"])


def test_a_built_tree_has_all_that_a_ledger_loads(micropython: Interpreter, tmp_path: Path) -> None:
    """The tree alone, on a real MicroPython, with a page for people to look at."""
    page = '[page]\nport = 8040\naddress = "192.168.10.9"\n'
    checked = mill(("[telemetry]", f"{page}\n[telemetry]"))
    assert checked.site is not None, checked.errors
    built = build.build(checked.site, boards()["w5500_evb_pico2"])
    build.write(built, tmp_path)
    (tmp_path / "script.py").write_text(START)
    done = micropython.run(tmp_path / "script.py", tmp_path, cwd=tmp_path, heap="256k")
    assert done.stdout.split() == ["demo/mill", "load_mg_per_kwh", "export_mg_per_kwh",
                                   "battery_mg_per_kwh", "faults", "overwritten"]
