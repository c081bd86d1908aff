"""A gateway's secrets: all from one, nobody else's, and a counter that no two senders share."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from cloud_bridge import identity
from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.command_codec import Command
from cloud_bridge.command_state import Sender
from edge.hmac256 import hmac
from edge.tags import command_key
from tests.conftest import ROOT

NAME = "demo/mill"


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cloud_bridge, [str(word) for word in words])
    return done.exit_code, done.output


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_expansion_is_that_of_rfc_5869():
    """A.1: the first 32 of its 42 bytes; and what we ask of it is what another maker's gives."""
    prk = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    okm = hmac(prk, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), b"\x01")
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    for number in (1, 2, 126):
        info = b"parkedge-cmd-key-1" + bytes([number])
        assert command_key(prk, number) == HKDFExpand(SHA256(), 32, info).derive(prk)


def test_every_secret_is_another_and_read_by_its_owner_alone(tmp_path):
    for name in ("demo/mill", "demo/depot", "other/mill"):
        status, said = run("keys", "gateway", name, "--out", tmp_path / name)
        assert status == 0, said
    files = {name: content for name, content in contents(tmp_path).items()
             if name.endswith((".key", ".password"))}
    assert len(files) == 3 * 6
    assert len(set(files.values())) == len(files)
    assert all(len(content) == 32 for name, content in files.items() if name.endswith(".key"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o777 == 0o600, path
    assert not any(content in shown for content in files.values()
                   for shown in (b"demo", b"mill", b"0" * 32))


def test_the_same_root_gives_the_same_again_and_further_keys(tmp_path):
    identity.make(NAME, tmp_path)
    before = contents(tmp_path)
    Sender(tmp_path / "cloud", NAME).sign(Command(NAME, 1, 0, 0, 60, 7))
    identity.make(NAME, tmp_path, first=2)
    after = contents(tmp_path)
    assert json.loads(after["cloud/command.json"])["counter"] == 1, "a counter never goes back"
    assert set(after) - set(before) == {"cloud/command-3.key", "cloud/lock"}
    for name in before.keys() - {"cloud/command.json", "mosquitto/passwd"}:  # which has a salt
        assert after[name] == before[name]
    secret = before["gateway/command.key"]
    assert after["cloud/command-3.key"] == command_key(secret, 3)


@pytest.mark.parametrize("name", ["mill", "demo/", "demo/MILL", "demo/mill/x", "../x", "a/b\n"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    status, said = run("keys", "gateway", name, "--out", tmp_path / "x")
    assert status == 1
    assert "expected PARK/GATEWAY" in said
    assert not (tmp_path / "x").exists()


def test_a_secret_that_others_may_read_is_not_used(tmp_path):
    identity.make(NAME, tmp_path)
    (tmp_path / "root.key").chmod(0o640)
    status, said = run("keys", "gateway", NAME, "--out", tmp_path)
    assert status == 1
    assert "found mode 0640, expected 0600" in said
    (tmp_path / "cloud" / "command-1.key").chmod(0o644)
    status, said = run("command", NAME, "stop", "--keys", tmp_path / "cloud")
    assert status == 1
    assert "found mode 0644" in said


def test_two_senders_never_use_one_counter(tmp_path):
    """Two programs at once, fifty commands each."""
    identity.make(NAME, tmp_path)
    code = ("import sys; from pathlib import Path; from cloud_bridge.command_codec import Command; "
            "from cloud_bridge.command_state import Sender; s = Sender(Path(sys.argv[1]), "
            f"'{NAME}'); [print(s.sign(Command('{NAME}', 1, 0, 0, 60, 7))[0].counter) "
            "for _ in range(50)]")
    programs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "cloud")], text=True,
                                 stdout=subprocess.PIPE, cwd=ROOT) for _ in range(2)]
    counters = [int(line) for one in programs for line in one.communicate(timeout=60)[0].split()]
    assert sorted(counters) == list(range(1, 101))


def test_a_counter_can_be_lifted_and_a_new_key_begins_anew(tmp_path):
    identity.make(NAME, tmp_path)
    sender = Sender(tmp_path / "cloud", NAME)
    asked = Command(NAME, 1, 0, 0, 60, 7)
    assert sender.sign(asked, at_least=40)[0].counter == 41
    assert sender.sign(asked)[0].counter == 42
    assert sender.key_id(next_key=True) == 2
    assert sender.sign(asked._replace(key_id=2))[0].counter == 1
    assert sender.key_id() == 2


@pytest.mark.parametrize(("state", "said"), [
    (b"{", "command.json"), (b"[]", "expected gateway, key and counter"),
    (b'{"gateway": "demo/mill", "key": "1", "counter": 0}', "expected gateway, key and counter"),
    (b'{"gateway": "demo/depot", "key": 1, "counter": 0}', "found the keys of demo/depot"),
    (b'{"gateway": "demo/mill", "key": 7, "counter": 0}', "key 7 is missing"),
    (b'{"gateway": "demo/mill", "key": 1, "counter": 4294967295}', "is used up")])
def test_a_folder_that_is_wrong_is_told_of(tmp_path, state, said):
    identity.make(NAME, tmp_path)
    (tmp_path / "cloud" / "command.json").write_bytes(state)
    from cloud_bridge.fields import DocumentError

    def use() -> None:
        sender = Sender(tmp_path / "cloud", NAME)
        sender.sign(Command(NAME, sender.key_id(), 0, 0, 60, 7))

    with pytest.raises(DocumentError, match=said):
        use()


@pytest.mark.parametrize(("words", "said"), [
    (["mill", "stop"], "expected PARK/GATEWAY"), ([NAME, "stop", "--kw", "3"], "takes no --kw"),
    ([NAME, "limit-import"], "needs --kw"), ([NAME, "floor", "--kw", "3"], "takes no --kw"),
    ([NAME, "floor"], "needs --percent"), ([NAME, "explode"], "is not one of"),
    ([NAME, "stop", "--for", "soon"], "expected a duration"),
    ([NAME, "limit-charge", "--kw", "1", "--at-most"], "takes no --at-most"),
    ([NAME, "stop", "--broker", "http://x"], "is not of the form")])
def test_wrong_use_is_told_with_status_2(tmp_path, words, said):
    identity.make(NAME, tmp_path)
    status, output = run("command", *words, "--keys", tmp_path / "cloud")
    assert status == 2
    assert said in output
