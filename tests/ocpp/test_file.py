"""The file of the central system: one clear line a mistake, and no password in any of them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys

import pytest

from boards.ocpp_file import FileError, load
from tests.conftest import ROOT

PASSWORD = "0123456789abcdef"
GOOD = """
[server]
id_tags = ["CARD1", "card2"]

[[charge_point]]
id = "CP01"
password_file = "password"
units = [1, 2]
max_a = 32
failsafe_a = 6
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "password").chmod(0o600)
    return tmp_path


def written(folder, old="", new=""):
    assert old in GOOD
    path = folder / "ocpp.toml"
    path.write_text(GOOD.replace(old, new) if old else GOOD)
    return path


def test_a_file_with_what_it_needs(folder):
    file = load(written(folder))
    assert (file.address, file.modbus_address) == ("127.0.0.1", "127.0.0.1")
    assert file.cards == {"card1", "card2"}
    (point,) = file.charge_points
    assert point.password == hashlib.sha256(PASSWORD.encode()).digest()
    assert [(one.number, one.unit) for one in point.connectors] == [(1, 1), (2, 2)]
    (folder / "password").write_text("sha256:" + point.password.hex())
    assert load(folder / "ocpp.toml").charge_points == file.charge_points


@pytest.mark.parametrize(("old", "new", "line"), [
    ('id_tags = ["CARD1", "card2"]', "", 'server.id_tags: found nothing, expected "any", or a list '
     "of 1 .. 20 characters each"),
    ("[server]", '[server]\naddress = "0.0.0.0"', 'server.address: found "0.0.0.0", expected '
     "certificate and key, or cleartext = 1: passwords would cross the network as anybody can read "
     "them"),
    ("[server]", '[server]\ncertificate = "c.pem"',
     "server.key: found nothing, expected certificate and key, or neither"),
    ("[server]", "[server]\nfallback_s = 5", "server.fallback_s: found 5, expected a whole number "
     "20 .. 120"),
    ("[server]", "[server]\nadress = 1",
     'server.adress: unknown key, expected one of address port cleartext certificate key '
     'modbus_address modbus_port id_tags sample_s fallback_s; did you mean "address"?'),
    ('password_file = "password"', "",
     "charge_point[0].password_file: found nothing, expected one of password_file, password_env"),
    ('password_file = "password"', 'password_env = "NO_SUCH_VARIABLE"',
     "charge_point[0].password_env: NO_SUCH_VARIABLE: found 0 characters, expected 16 .. 40, or "
     "sha256:HEX"),
    ("units = [1, 2]", "units = [1, 1]", "charge_point.units: found 1, expected each once"),
    ("units = [1, 2]", "units = []", "charge_point[0].units: found [], expected a list of the "
     "Modbus unit of each connector, 1 .. 247"),
    ("failsafe_a = 6", "failsafe_a = 5", "charge_point[0].failsafe_a: found 5, expected 0 to "
     "pause, or 6 .. 32"),
    ("max_a = 32", "max_a = 32\nphases = [1, 1]",
     "charge_point[0].phases: found [1, 1], expected the site's phases behind L1, L2, L3, as "
     "[1, 2, 3]"),
    ("[[charge_point]]", "[charge_point]", "charge_point: found {'id': 'CP01', 'password_file': "
     "'password', 'units': [1, 2], 'max_a': 32, 'failsafe_a': 6}, expected one table "
     "[[charge_point]] or more"),
])
def test_a_mistake_is_one_line(folder, old, new, line):
    with pytest.raises(FileError) as error:
        load(written(folder, old, new))
    assert error.value.lines == [f"ocpp.toml: {line}"]


@pytest.mark.parametrize(("mode", "text", "says"), [
    (0o640, PASSWORD, "found \"mode 0640\", expected 0600: others could read it"),
    (0o600, "secret", "found 6 characters, expected 16 .. 40, or sha256:HEX"),
    (0o600, "sha256:" + "x" * 64, "found 71 characters, expected 16 .. 40, or sha256:HEX")])
def test_a_password_that_is_none_and_is_not_told(folder, mode, text, says):
    (folder / "password").write_text(text)
    (folder / "password").chmod(mode)
    with pytest.raises(FileError) as error:
        load(written(folder))
    assert error.value.lines == [f"ocpp.toml: charge_point[0].password_file: {says}"]


def test_a_mistake_ends_the_command(folder):
    done = subprocess.run([sys.executable, "-m", "boards", "serve", "ocpp",
                           str(written(folder, "max_a = 32", "max_a = 5"))],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == \
        "ocpp.toml: charge_point[0].max_a: found 5, expected a whole number 6 .. 500"
    assert "Traceback" not in done.stderr


def blocks(language):
    """What stands between fences of docs/ocpp.md."""
    text = (ROOT / "docs" / "ocpp.md").read_text(encoding="utf-8")
    return [part.partition("\n```")[0] for part in text.split(f"```{language}\n")[1:]]


def test_the_file_of_the_documentation_is_one(folder):
    (folder / "CP01.key").write_text(PASSWORD)
    (folder / "CP01.key").chmod(0o600)
    (folder / "ocpp.toml").write_text(blocks("toml")[0])
    assert load(folder / "ocpp.toml").certificate == str(folder / "server.pem")


def test_the_example_is_one(monkeypatch):
    for name in ("CP01_PASSWORD", "CP02_PASSWORD"):
        monkeypatch.setenv(name, PASSWORD)
    assert len(load(ROOT / "examples" / "chargers" / "ocpp.toml").charge_points) == 2


def test_the_unit_of_the_documentation_is_what_systemd_accepts(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing: apt install systemd")
    unit = tmp_path / "parkedge-ocpp.service"
    unit.write_text(blocks("ini")[0].replace("/opt/parkedge/bin/parkedge", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)],
                          capture_output=True, text=True, check=False)
    assert "parkedge-ocpp" not in done.stderr, done.stderr
