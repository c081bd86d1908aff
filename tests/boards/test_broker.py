"""The way to a broker in a site file: versions, names, TLS with its files, and the secret key."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from boards import build, commands, commands_run
from boards.broker import KEY_FILE, broker_key
from boards.found import boards
from boards.image import compile_site
from boards.site import Site, check
from tests.boards.sites import FOUNDRY, OFFICE
from tests.sync import pki

TLS = """
[broker]
host = "broker.example"
port = 8883
tls = 1
ca = "ca.pem"
"""
GATEWAY = pki.issue("gw07", pki.park())


def site_with(folder: Path, broker: str, base: Path = FOUNDRY) -> Path:
    """An example with another [broker]."""
    text = re.sub(r"\n\[broker\]\n(\w.*\n)*", "", base.read_text(encoding="utf-8"))
    path = folder / "site.toml"
    path.write_text(text + broker)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(pki.park().pem)
    GATEWAY.write(tmp_path, "gateway")
    return tmp_path


def valid(path: Path) -> Site:
    checked = check(path)
    assert checked.site is not None, checked.errors
    return checked.site


def test_what_most_sites_do_not_have_is_not_in_the_image(folder: Path) -> None:
    plain = compile_site(valid(site_with(folder, '\n[broker]\nhost = "10.0.0.7"\nuser = "u"\n')))
    assert plain["broker"] == {"host": "10.0.0.7", "port": 1883, "user": "u"}


def test_what_a_site_asks_for_is_in_the_image_and_in_the_build(folder: Path) -> None:
    site = valid(site_with(folder, TLS + 'version = "5"\ncertificate = "gateway.pem"\n'))
    image = compile_site(site)
    broker = image["broker"]
    assert (broker["version"], broker["named"], broker["tls"]["name"]) == ("5", 1, "broker.example")
    added = build.edge_modules(image) - build.edge_modules(
        compile_site(valid(site_with(folder, '\n[broker]\nhost = "10.0.0.7"\n'))))
    assert added == {"edge.mqtt5_client", "edge.wire.mqtt5", "edge.dns", "edge.tls_port"}
    assert build.core_modules(image) == build.core_modules(compile_site(valid(FOUNDRY)))


def test_the_name_may_be_another_than_the_host(folder: Path) -> None:
    text = TLS.replace("broker.example", "10.0.0.7") + 'name = "broker.example"\n'
    image = compile_site(valid(site_with(folder, text)))
    assert image["broker"]["tls"]["name"] == "broker.example"
    assert "named" not in image["broker"]


@pytest.mark.parametrize(("broker", "line"), [
    (TLS.replace("broker.example", "10.0.0.7"), "broker.name: missing, expected the name in the "
     "broker's certificate, since host is the address 10.0.0.7"),
    (TLS.replace('ca = "ca.pem"', ""), "broker.ca: missing, expected the file of the CA that "
     "signed the broker's certificate: no other is believed"),
    (TLS.replace("tls = 1", ""), "broker.ca: stands without tls, expected tls = 1 with it"),
    (TLS.replace('host = "broker.example"', ""),
     "broker.tls: found 1, expected a broker.host to talk to"),
    (TLS.replace("broker.example", "bad name"),
     "broker.host: found bad name, expected an address or a host name"),
    (TLS.replace("ca.pem", "none.pem"), "broker.ca: none.pem: cannot be read: No such file or "
     "directory"),
    (TLS.replace("ca.pem", "site.toml"),
     "broker.ca: site.toml: found no certificate, expected one in PEM or DER"),
    (TLS.replace("ca.pem", "gateway.pem"), "broker.ca: gateway.pem: found CN=gw07, which is no "
     "CA's, expected the CA's own certificate"),
    (TLS + 'certificate = "ca.pem"', "broker.certificate: ca.pem: found CN=park-ca.example, which "
     "is a CA's, expected the gateway's own certificate"),
    (TLS + "version = 5", 'broker.version: found 5, expected one of 3.1.1 5; did you mean "5"?'),
    (TLS + 'version = "4"', 'broker.version: found "4", expected one of 3.1.1 5'),
])
def test_what_is_wrong_is_told_in_one_line(folder: Path, broker: str, line: str) -> None:
    assert f"site.toml: {line}" in check(site_with(folder, broker)).errors


def test_certificates_that_are_over_or_not_yet_or_two(folder: Path) -> None:
    day = pki.NOW.date()
    for days, at, words in (((-9, -2), -2, "ended on {}: nothing is sent any more"),
                            ((2, 90), 2, "begins on {}: nothing is sent before it"),
                            ((-9, 30), 30, "ends on {}: nothing is sent after it")):
        (folder / "ca.pem").write_bytes(pki.issue("ca", ca=True, days=days).pem)
        judged = check(site_with(folder, TLS))
        told = words.format(day + datetime.timedelta(at))
        assert f"site.toml: broker.ca: ca.pem {told}" in judged.warnings
        assert judged.site is not None, "control starts all the same"
    (folder / "ca.pem").write_bytes(pki.park().pem * 2)
    assert ("site.toml: broker.ca: ca.pem: found 2 certificates, expected one"
            in check(site_with(folder, TLS)).errors)


def test_the_key_is_given_to_commands_and_judged_there(folder: Path) -> None:
    site = site_with(folder, TLS + 'certificate = "gateway.pem"\n')
    _, other = pki.issue("gw08", pki.park()).write(folder, "other")
    sealed = folder / "sealed.key"
    sealed.write_bytes(GATEWAY.key.private_bytes(  # type: ignore[attr-defined]
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    for key, words in ((folder / "gateway.key", ""),
                       (other, "does not match gateway.pem, expected the key that the certificate "
                               "was made for"),
                       (sealed, "found a key under a passphrase, expected one without"),
                       (folder / "none.key", "cannot be read: No such file or directory"),
                       (folder / "ca.pem", "found no private key, expected PEM or DER")):
        done = CliRunner().invoke(commands.check_, [str(site), "--broker-key", str(key)])
        assert done.exit_code == (1 if words else 0), done.output
        assert words in done.output
        assert "Traceback" not in done.output
    done = CliRunner().invoke(commands.check_, [str(site_with(folder, TLS)), "--broker-key",
                                                str(folder / "gateway.key")])
    assert "broker.certificate: missing" in done.output


def test_a_host_runs_with_the_key_and_says_when_it_has_none(folder: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr("edge.app.run", lambda image, board: ran.append((image, board)))
    monkeypatch.delenv("PARKEDGE_BROKER_KEY", raising=False)
    site_with(folder, TLS + 'certificate = "gateway.pem"\n', OFFICE)
    words = [str(folder / "site.toml"), "--board", "emulator"]
    done = CliRunner().invoke(commands_run.run_, words)
    assert done.exit_code == 0, done.output
    assert ("warning: site.toml: broker.certificate: its key is missing, expected --broker-key "
            "FILE or PARKEDGE_BROKER_KEY; control runs without the broker until that changes"
            in done.output)
    monkeypatch.setenv("PARKEDGE_BROKER_KEY", str(folder / "gateway.key"))
    done = CliRunner().invoke(commands_run.run_, words)
    assert done.exit_code == 0, done.output
    assert ran[1][1].key_file == folder / "gateway.key"
    assert "warning: site.toml: broker" not in done.output


def test_the_key_is_in_no_file_of_a_build(folder: Path) -> None:
    site = valid(site_with(folder, TLS + 'certificate = "gateway.pem"\n'))
    secret = broker_key(site, folder / "gateway.key")
    number = GATEWAY.key.private_numbers().private_value  # type: ignore[attr-defined]
    raw = number.to_bytes(32, "big")
    assert raw in secret
    built = build.build(site, boards()["w5500_evb_pico2"])
    assert KEY_FILE not in built.files
    assert not [path for path, content in built.files.items() if raw in content]


def test_a_name_is_no_cause_for_a_warning(folder: Path) -> None:
    """It is looked up without waiting."""
    named = check(site_with(folder, '\n[broker]\nhost = "broker.example"\n'))
    assert named.site is not None
    assert not [line for line in named.warnings if "broker" in line]
