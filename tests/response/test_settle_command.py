"""`dr settle` and `dr programmes` as they are called, on a CSV and on a bridge's store."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_bridge.response import programme
from tests.conftest import ROOT
from tests.queries.stores import batch, birth, fill, row
from tests.response.loads import DAY, utc, workdays_before

NOON, ONE = 720, 780


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "cloud_bridge", "dr", *map(str, arguments)],
                          cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def csv(path: Path, by_day, minutes=15):
    """`by_day`: day -> {minute: W}."""
    lines = ["time,grid_w"]
    for day, told in by_day.items():
        for minute, w in told.items():
            at = datetime.datetime.fromtimestamp(utc(day, minute), datetime.UTC)
            lines.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{w}")
    path.write_text("\n".join(lines) + "\n")
    return path


def flat(w, minutes=15):
    return dict.fromkeys(range(0, 1440, minutes), w)


ASKED = ("--programme", "cn_anhui", "--start", f"{DAY}T12:00", "--end", f"{DAY}T13:00",
         "--reply-kw", "200", "--price", "4")


@pytest.fixture
def load(tmp_path):
    days = workdays_before(DAY, 6)
    samples = dict.fromkeys(days, flat(1_000_000))
    return csv(tmp_path / "load.csv", samples | {days[0]: flat(9), DAY: flat(790_000)})


def test_a_response_is_explained_day_by_day_and_point_by_point(load):
    done = run("settle", *ASKED, "--response-day", workdays_before(DAY, 1)[0], "--load", load)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "cn_anhui  2026-07-15 12:00 .. 13:00 Asia/Shanghai, shave 200.000 kW"
    assert "  2026-07-14 Tue         0.009 kW  left out: a response that day" in said
    assert "  2026-07-12 Sun             -     left out: a sunday" in said
    assert "  2026-07-13 Mon     1,000.000 kW  taken" in said
    assert "  13:00     1,000.000       790.000        210.000" in said
    assert said[-2] == ("verdict   counts: 210.000 kW delivered in the mean (105.0% of the reply), "
                        "210.000 kW confirmed")
    assert said[-1].startswith("payment   840.00 CNY = 210 kW x 4 x 1 (duration) x 1 (share")


def test_the_same_for_programs(load):
    done = run("settle", *ASKED, "--response-day", workdays_before(DAY, 1)[0], "--load", load,
               "--json")
    told = json.loads(done.stdout)
    assert told["verdict"] == {"effective": True, "delivered_w": "210000",
                               "confirmed_w": "210000", "why": []}
    assert told["payment"]["amount"] == "840.00"
    assert [point["at"] for point in told["points"]] == ["12:00", "12:15", "12:30", "12:45",
                                                        "13:00"]


def test_a_void_response_ends_with_status_1_and_names_the_point(tmp_path):
    days = workdays_before(DAY, 5)
    load = csv(tmp_path / "load.csv", dict.fromkeys(days, flat(1_000_000)) | {
        DAY: flat(790_000) | {ONE: 1_000_000}})
    done = run("settle", *ASKED, "--load", load)
    assert done.returncode == 1
    assert ("  13:00     1,000.000     1,000.000          0.000  not below the baseline's highest, "
            "1,000.000 kW") in done.stdout
    assert "  1 of 5 points void it" in done.stdout
    assert "payment   0.00 CNY" in done.stdout


@pytest.mark.parametrize(("change", "said"), [
    (("--reply-kw", "-1"), "reply-kw: found '-1', expected an amount"),
    (("--reply-kw", "0"), "reply: found 0, expected more than 0 W"),
    (("--end", f"{DAY}T12:00"), "end: found 12:00, expected a time after the start, 12:00"),
    (("--end", f"{DAY}T12:50"), "end: found 12:50, expected a whole multiple of 15 minutes"),
    (("--start", "noon"), "start: found 'noon', expected a time, e.g. 2026-07-15T12:00"),
    (("--programme", "cn_anui"), "programme: found 'cn_anui', expected a file, or one of cn_"),
    (("--programme", "us_caiso"), "load.csv line 3: time: found '2026-07-13T16:15:00Z', expected "
     "the beginning of 60 minutes, each with their mean"),
    (("--kind", "fill", "--programme", "cn_beijing"), "kind: found 'fill', expected one that cn_"),
    (("--programme", "cn_hainan"), "price: found '4', expected at most 1.5"),
])
def test_what_is_wrong_is_one_line(load, change, said):
    arguments = dict(zip(ASKED[::2], ASKED[1::2], strict=True)) | dict(
        zip(change[::2], change[1::2], strict=True))
    day = workdays_before(DAY, 1)[0]
    done = run("settle", *(word for pair in arguments.items() for word in pair), "--load", load,
               "--response-day", day)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("text", "said"), [
    ("time,grid_w\n2026-07-15T12:00:00,5\n", "load.csv line 2: time: found '2026-07-15T12:"),
    ("time,grid_w\n2026-07-15T12:00:00Z,5e3\n", "load.csv line 2: grid_w: found '5e3', expected"),
    ("time,grid_w\n2026-07-15T12:00:00Z,1\n2026-07-15T12:00:00Z,2\n", "load.csv line 3: found "),
    ("when,what\n1,2\n", "load.csv line 2: time: found nothing, expected a time"),
    ("", "load.csv: found no load, expected columns time and grid_w"),
    ("time,covered_s,grid_w.mean\n2026-07-15T12:00:00Z,900,5\n", "load.csv line 2: covered_s: "
     "found '900', expected means of a minute"),
    ("time,covered_s,grid_w.mean\n2026-07-15T12:00:00Z,x,5\n", "load.csv line 2: covered_s: "
     "found 'x', expected a number"),
    ("time,grid_w\n\xff", "load.csv line 2: time: found"),
])
def test_a_load_that_cannot_be_read(tmp_path, text, said):
    path = tmp_path / "load.csv"
    path.write_text(text)
    done = run("settle", *ASKED, "--load", path)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_store_is_asked_for_what_the_meter_counted(tmp_path):
    event = datetime.date(2026, 1, 13)  # a Tuesday; the holidays end on the 3rd, the 4th works
    start, end = utc(datetime.date(2026, 1, 4), 0), utc(event, 840)
    wh, rows = 0, []
    for at in range(start, end, 60):
        rows.append(row(at, import_wh=wh, grid_w=1))  # samples of the power say nothing of use
        wh += 10_000 if at < utc(event, NOON) else 8_000  # 600 kW, and 480 kW
    messages = [(2 + at, 1, batch(rows[at * 200:at * 200 + 200]))
                for at in range((len(rows) + 199) // 200)]
    fill(tmp_path / "park.db", [(1, 2, birth(period_s=60)), *messages], received_utc=end)
    done = run("settle", "demo/hall", "--store", tmp_path / "park.db", "--programme", "cn_jiangsu",
               "--start", f"{event}T12:00", "--end", f"{event}T13:00", "--reply-kw", "100",
               "--price", "4", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {point["baseline_w"] for point in told["points"]} == {"600000"}
    assert {point["delivered_w"] for point in told["points"]} == {"120000"}
    assert len(told["points"]) == 4, "means have no point at the end"
    assert told["payment"]["amount"] == "480.00"


def test_a_store_without_the_gateway(tmp_path):
    fill(tmp_path / "park.db", [(1, 2, birth())])
    for name, said in (("demo/other", "the store has no gateway demo/other"),
                       ("demo", "PARK/GATEWAY: found 'demo', expected e.g. demo/foundry")):
        done = run("settle", name, "--store", tmp_path / "park.db", *ASKED)
        assert done.returncode == 2
        assert said in done.stderr


def test_programmes_are_listed_with_what_nobody_could_verify():
    done = run("programmes")
    assert done.returncode == 0
    for name in programme.shipped():
        one = programme.load(name)
        assert f"{name:<20} {one.title}\n" in done.stdout
        assert all(f"not verified: {unsure}\n" in done.stdout for unsure in one.unverified)


@pytest.mark.parametrize(("old", "new", "said"), [
    ('method = "days"', 'method = "magic"', "baseline.method: found 'magic', expected one of days"),
    ('rule = "cn_rule_2"', 'rule = "luck"', "judge.rule: found 'luck', expected one of cn_rule_1"),
    ("count = 5", "count = 0", "baseline: count: found 0, expected a whole number 1 .. 60"),
    ("floor = 0.8", "", "judge: floor: found nothing, expected an amount"),
    ('per = "kW"', 'per = "pound"', "payment: per: found 'pound', expected one of kW kWh"),
    ('alike = [["workday"]]', 'alike = [["monday"]]', "baseline: alike: found "),
])
def test_a_programme_of_ones_own_is_checked(tmp_path, load, old, new, said):
    text = (programme.FOLDER / "cn_anhui.toml").read_text()
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new))
    done = run("settle", "--programme", path, *ASKED[2:], "--load", load)
    assert done.returncode == 2
    assert said in done.stderr
