"""`dr openadr3`: what it refuses before anything is sent, one look, and a baseline from the
store."""

import pytest
from click.testing import CliRunner

from cloud_bridge import identity
from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.store import Store
from hil.openadr3_vtn import Vtn
from tests.openadr3.events import event


@pytest.fixture
def site(tmp_path):
    identity.make("p/g", tmp_path / "g")
    Store(tmp_path / "park.db").close()
    (tmp_path / "secret").write_text("ven\n")
    (tmp_path / "secret").chmod(0o600)
    return tmp_path


def run(site, *more, url="http://127.0.0.1:9"):
    done = CliRunner().invoke(cloud_bridge, [
        "dr", "openadr3", "p/g", "--vtn", url, "--client-id", "ven", "--secret-file",
        str(site / "secret"), "--program", "shed", "--state", str(site / "state.json"), "--store",
        str(site / "park.db"), "--keys", str(site / "g" / "cloud"), "--once", "--wait", "1",
        "--broker", "mqtt://127.0.0.1:9", *more])
    assert "Traceback" not in done.output
    assert "ven\n" not in done.output
    return done


@pytest.mark.parametrize(("more", "said"), [
    (["--vtn", "http://vtn.example.com"], "vtn: found 'http://vtn.example.com', expected https"),
    (["--token-url", "http://vtn.example.com"], "token-url: found"),
    (["--level", "4=10"], "level: found '4=10'"), (["--level", "1=0"], "level: found '1=0'"),
    (["--level", "1=10", "--level", "1=20"], "each of 1 to 3 once at most"),
    (["--level", "1=x"], "level: found 'x'"), (["--store", "no/park.db"], "store: there is no"),
    (["--programme", "nobody"], "programme: found 'nobody'"),
    (["--broker", "ftp://x"], "broker: ")])
def test_refused_in_a_line(site, more, said):
    done = run(site, *more)
    assert done.exit_code == 2
    assert said in done.output
    assert len(done.output.splitlines()) == 1


def test_a_secret_that_others_may_read(site):
    (site / "secret").chmod(0o644)
    done = run(site)
    assert (done.exit_code, "found mode 0644, expected 0600" in done.output) == (2, True)
    (site / "secret").chmod(0o600)
    (site / "secret").write_bytes(b"\xff\x00")
    assert "found no secret" in run(site).output


def test_a_server_that_is_not_there(site):
    done = run(site)
    assert done.exit_code == 1
    assert "vtn: 127.0.0.1: " in done.output


def test_one_look_with_a_broker_that_is_not_there(site):
    with Vtn() as vtn:
        program = vtn.create("programs", {"programName": "shed"})
        vtn.create("events", {**event(250, intervalPeriod={
            "start": "0001-01-01", "duration": "PT1H"}), "programID": program})
        done = run(site, url=vtn.url)
        assert (done.exit_code, "broker: 127.0.0.1:9" in done.output) == (0, True)


def test_a_change_without_a_load_in_the_store_is_refused_and_told(site):
    with Vtn() as vtn:
        program = vtn.create("programs", {"programName": "shed"})
        made = event(-50, kind="DISPATCH_SETPOINT_RELATIVE", programID=program,
                     intervalPeriod={"start": "2036-07-15T04:00:00Z", "duration": "PT1H"})
        name = vtn.create("events", made)
        done = run(site, "--programme", "cn_anhui", url=vtn.url)
    assert done.exit_code == 0
    assert f"event name={name} note=refused: " in done.output
