"""What the command refuses before anybody is spoken to."""

import json

import pytest
from click.testing import CliRunner

from cloud_bridge import identity
from cloud_bridge.__main__ import main as cloud_bridge
from tests.sync.pki import issue


@pytest.fixture
def ask(tmp_path):
    identity.make("p/g", tmp_path / "g")
    (tmp_path / "some.pem").write_text("none")

    def ask(*words, gateway="p/g", url="http://127.0.0.1:1"):
        done = CliRunner().invoke(cloud_bridge, [
            "dr", "openadr2", gateway, "--vtn", url, "--ven-name", "site-1", "--state",
            str(tmp_path / "state"), "--keys", str(tmp_path / "g" / "cloud"), *words])
        assert done.exit_code == 2, done.output
        return done.output

    ask.file = str(tmp_path / "some.pem")
    return ask


@pytest.mark.parametrize(("words", "why"), [
    ([], "--level or --dispatch"),
    (["--level", "1=100", "--level", "1=50"], "found one twice"),
    (["--level", "4=100"], "levels 1 to 3"), (["--level", "1"], "e.g. 1=100"),
    (["--level", "1=nan"], "e.g. 1=100"), (["--level", "1=-5"], "e.g. 1=100"),
    (["--level", "1=8001"], "at most 8 MW"), (["--dispatch", "all"], "'import', 'battery'"),
    (["--level", "1=1", "--vtn-fingerprint", "AA"], "certificates need https"),
    (["--level", "1=1", "--broker", "nats://x"], "broker: ")])
def test_words(ask, words, why):
    assert why in ask(*words)


@pytest.mark.parametrize(("url", "why"), [
    ("http://vtn.example", "http to vtn.example is open to everybody"),
    ("https://vtn.example", "https needs --cert, --key and --vtn-ca"),
    ("ftp://vtn.example", "expected http(s)://"), ("vtn.example", "expected http(s)://"),
    ("http://me:secret@127.0.0.1", "expected http(s)://"), ("http://[", "vtn: ")])
def test_servers(ask, url, why):
    said = ask("--level", "1=100", url=url)
    assert why in said
    assert "secret" not in said


def test_another_gateway_and_no_gateway(ask):
    assert "found the keys of p/g" in ask("--level", "1=1", gateway="p/h")
    assert "PARK/GATEWAY" in ask("--level", "1=1", gateway="p")


def test_a_state_of_somebody_elses_is_told(ask, tmp_path):
    (tmp_path / "state").write_text(json.dumps([]))
    done = CliRunner().invoke(cloud_bridge, [
        "dr", "openadr2", "p/g", "--vtn", "http://127.0.0.1:1", "--ven-name", "s", "--level", "1=1",
        "--state", str(tmp_path / "state"), "--keys", str(tmp_path / "g" / "cloud")])
    assert done.exit_code == 1
    assert "is no list of events told" in done.output
    assert len(done.output.splitlines()) == 1


def test_a_certificate_or_a_key_that_is_none_is_told(ask, tmp_path):
    ca = issue("ca.example", ca=True)
    cert, key = issue("site.example", ca).write(tmp_path, "ven")
    other = issue("site.example", ca).write(tmp_path, "other")[1]
    good, _ = ca.write(tmp_path, "ca")
    for pair, told in (((ask.file, key), "some.pem"), ((cert, other), "KEY_VALUES_MISMATCH")):
        done = CliRunner().invoke(cloud_bridge, [
            "dr", "openadr2", "p/g", "--vtn", "https://localhost:1", "--ven-name", "s", "--level",
            "1=1", "--cert", str(pair[0]), "--key", str(pair[1]), "--vtn-ca", str(good),
            "--state", str(tmp_path / "state"), "--keys", str(tmp_path / "g" / "cloud")])
        assert done.exit_code == 1, done.output
        assert told in done.output
        assert done.output.splitlines()[-1].startswith("Error: ")
