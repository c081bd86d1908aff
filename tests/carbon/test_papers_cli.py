"""The commands, from keys to a code that a customer scans."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
import zxingcpp
from click.testing import CliRunner

from cloud_bridge.__main__ import main
from cloud_bridge.carbon import factors as sets
from tests.carbon.papers import FIRST, emulated

PAPERS = Path(__file__).parents[2] / "examples" / "papers"
WATER = (PAPERS / "water.toml").read_text().replace("03-31", "01-31").replace("04-02", "02-01")


def run(*args: object, code: int = 0, stdin: bytes | None = None) -> str:
    done = CliRunner().invoke(main, [str(one) for one in args], input=stdin)
    assert done.exit_code == code, done.output
    assert code != 1 or not done.stderr or done.stderr.count("\n") == 1
    return done.stderr.strip() if code == 1 and done.stderr else done.stdout


def rows(path: Path, grid: int, pv: int, count: int = 31 * 96) -> Path:
    flows = [[grid, 0, 0], [pv, 0, 0], *[[0, 0, 0]] * 3]
    path.write_text("".join(json.dumps({
        "index": FIRST + n, "flows": flows, "stored": [0] * 5, "minutes": 15,
        "lines": {"press": pv}}) + "\n" for n in range(count)))
    return path


@pytest.fixture
def park(tmp_path):
    run("keys", "new", tmp_path / "park.pem")
    rows(tmp_path / "q.jsonl", 20, 980)
    (tmp_path / "water.toml").write_text(WATER)
    return tmp_path


def test_what_is_signed_is_verified_and_counted(park):
    said = json.loads(run("sign", park / "water.toml", "--key", park / "park.pem", "--out",
                          park / "water.json", "--json"))
    shown = json.loads(run("keys", "show", park / "park.pem.pub", "--json"))
    assert said["issuer"] == shown["id"]
    assert said["id"] in run("verify", park / "water.json", "--trust", park / "park.pem.pub")
    text = run("indicators", park / "q.jsonl", "--first", "2026-01-01", "--last", "2026-01-31",
               "--park-tce", 300_000, "--statement", park / "water.json", "--trust",
               park / "park.pem.pub")
    words = {line.split()[0]: line for line in text.splitlines()}
    assert words["carbon_per_tce"].split()[1:] == ["0.2000", *["0.1355"] * 3, "100.0", "%", "met"]
    assert words["water_share"].endswith("met")
    assert words["waste_heat_share"].endswith("not enough data: nothing is told")
    assert "the year, contractual: on the path" in text


def test_the_help_shows_what_can_be_run(park, monkeypatch):
    monkeypatch.chdir(park)
    (park / "examples").symlink_to(PAPERS.parent)
    emulated(park)
    for command in ("sign", "indicators", "passport", "verify"):
        lines = [line for line in run(command, "--help").splitlines()
                 if line.startswith("    python -m cloud_bridge ")]
        assert lines
        for line in lines:
            words = line.replace(" key.txt", " evidence/key.txt").replace(
                "passport.json", "passport/passport.json").replace(
                "proof.json", "passport/proof.json").split()[3:]
            run(*words, code=int(command == "indicators"))  # that day is no zero-carbon park's


def test_every_example_counts(park):
    rows(park / "q.jsonl", 20, 980, 90 * 96)
    papers = [word for path in sorted(PAPERS.glob("*.toml")) for word in ("--statement", path)]
    said = json.loads(run("indicators", park / "q.jsonl", "--first", "2026-01-01", "--last",
                          "2026-03-31", "--park-tce", 300_000, "--json", *papers, code=1))
    core, _, clean = said["indicators"][:3]
    assert len(said["statements"]) == 3
    assert not said["left_out"]
    assert len(set(core["values"].values())) == len(set(clean["values"].values())) == 3


@pytest.mark.parametrize("words", [
    (), ("sign", "nowhere.toml", "--key", "x", "--out", "y"), ("verify", "-"),
    ("indicators", PAPERS / "water.toml", "--first", "January", "--last", "2026-01-31"),
    ("indicators", PAPERS / "water.toml", "--first", "2026-01-01", "--last", "9999-12-31"),
    ("passport", PAPERS / "water.toml", "--first", "2026-01-01T00:07Z"),
    ("passport", PAPERS / "water.toml", "--first", "1999-12-31T00:00Z")])
def test_wrong_use_is_status_2(words):
    assert run(*words, code=2) == "", "what a program reads stays empty"


def test_a_limit_that_is_missed_is_status_1_with_exact_figures(park):
    rows(park / "q.jsonl", 30, 970)
    said = json.loads(run("indicators", park / "q.jsonl", "--first", "2026-01-01", "--last",
                          "2026-01-31", "--park-tce", 300_000, "--json", code=1))
    core = said["indicators"][0]
    assert core["values"] == dict.fromkeys(("physical", "declared", "contractual"), "999/4916")
    assert (core["limit"], core["verdict"], said["complete"]) == ("1/5", "missed", "1")
    assert said["outlook"]["declared"]["state"] == "deviates"
    assert said["factor_set"]["name"] == "cn_910_fossil"


def test_a_certificate_given_twice_is_one_line(park):
    for name in ("a", "b"):
        (park / f"{name}.toml").write_text(
            'kind = "statement"\nissued = 2026-02-01\nsubject = "certificate"\n'
            f'account = "{name}"\nfirst = 2026-01-01\nlast = 2026-01-31\nsource = "s"\n'
            'registry = "cn"\nkwh = 1000\ncertificates = ["7"]\n')
    assert "certificate 7 of cn is used already" in run(
        "indicators", park / "q.jsonl", "--first", "2026-01-01", "--last", "2026-01-31",
        "--statement", park / "a.toml", "--statement", park / "b.toml", code=1)


def test_with_somebody_to_trust_nobody_else_is_heard(park):
    run("keys", "new", park / "other.pem")
    judge = ("indicators", park / "q.jsonl", "--first", "2026-01-01", "--last", "2026-01-31",
             "--park-tce", 300_000)
    trust = "--trust", park / "park.pem.pub"
    run("sign", park / "water.toml", "--key", park / "other.pem", "--out", park / "water.json")
    assert "unchecked" in run(*judge, "--statement", park / "water.json")
    assert "which is not trusted" in run(*judge, *trust, "--statement", park / "water.json", code=1)
    assert "is not signed" in run(*judge, *trust, "--statement", park / "water.toml", code=1)
    factors = sets.named("cn_fossil_2023")
    run("sign", factors, "--key", park / "other.pem", "--out", park / "set.json")
    assert "which is not trusted" in run(*judge, *trust, "--factors", park / "set.json", code=1)
    run("sign", factors, "--key", park / "park.pem", "--out", park / "set.json")
    assert "cn_fossil_2023" in run(*judge, *trust, "--factors", park / "set.json")


def test_who_is_not_trusted_and_who_has_handed_over(park):
    run("keys", "new", park / "next.pem")
    run("keys", "rotate", "--key", park / "park.pem", "--new", park / "next.pem.pub", "--issued",
        "2026-01-15", "--out", park / "rotation.json")
    run("sign", park / "water.toml", "--key", park / "next.pem", "--out", park / "water.json")
    verify = "verify", park / "water.json", "--trust", park / "park.pem.pub"
    assert "which is not trusted" in run(*verify, code=1)
    run(*verify, "--rotation", park / "rotation.json")
    run("sign", park / "water.toml", "--key", park / "park.pem", "--out", park / "water.json")
    assert "was rotated on 2026-01-15, found a document issued 2026-02-01" in run(
        *verify, "--rotation", park / "rotation.json", code=1)


def test_a_customer_reads_the_code_and_needs_the_public_key_alone(park):
    said = json.loads(run(
        "passport", park / "q.jsonl", "--product", "齿轮", "--batch", 7, "--quantity", "1200",
        "--unit", "piece", "--line", "press", "--first", "2026-01-01T00:00Z", "--end",
        "2026-01-01T08:00Z", "--issued", "2026-01-02", "--key", park / "park.pem", "--out",
        park / "out", "--json"))
    assert said["energy_wh"] == 32 * 980
    text = read_code(park / "out" / "passport.png")
    assert text.encode() == (park / "out" / "passport.json").read_bytes()
    assert (park / "out" / "passport.svg").read_text().startswith("<?xml")
    told = run("verify", "-", "--trust", park / "park.pem.pub", stdin=text.encode())
    assert "齿轮, batch 7: 1200 piece" in told
    assert "480 of 480 minutes measured" in told
    assert "0.436 g CO2 a unit" in told  # 2 % of 31360 Wh at 832.5 mg/Wh, over 1200, rounded up
    changed = text.replace('"energy_wh":31360', '"energy_wh":31361')
    assert "Error: " in run("verify", "-", "--trust", park / "park.pem.pub", code=1,
                            stdin=changed.encode())


def read_code(path: Path) -> str:
    """What a phone reads in a PNG of one bit a pixel: each line as it is, or as what changed."""
    data = path.read_bytes()
    width, height = (int.from_bytes(data[at:at + 4], "big") for at in (16, 20))
    assert data[24:29] == b"\x01\0\0\0\0"
    start = data.index(b"IDAT") + 4
    lines = zlib.decompressobj().decompress(data[start:])
    stride, before, grey = (width + 7) // 8, bytes((width + 7) // 8), bytearray()
    for y in range(height):
        kind, line = lines[y * (stride + 1)], lines[y * (stride + 1) + 1:][:stride]
        assert kind in (0, 2)
        before = bytes((a + b) & 255 for a, b in zip(line, before, strict=True)) if kind else line
        grey += bytes(255 * (before[x // 8] >> (7 - x % 8) & 1) for x in range(width))
    (found,) = zxingcpp.read_barcodes(memoryview(bytes(grey)).cast("B", (height, width)))
    return str(found.text)
