"""A witness signs only what extends what it signed before, and an audit counts on it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main
from tests.audit import made
from tests.audit.made import KEY, OTHER_KEY, audit, copy, leaves, put, sign, write

NAME = "auditor.example/park"


def call(*args: object):
    return CliRunner().invoke(main, [str(one) for one in args])


class Witness:
    """With a key and a memory of its own."""

    def __init__(self, home, name=NAME):
        self.name, self.secret, self.memory = name, home / "witness.pem", home / "seen.json"
        home.mkdir()
        assert call("keys", "new", self.secret).exit_code == 0

    def see(self, folder, log=KEY):
        return call("witness", folder, "--log", log, "--key", self.secret, "--name", self.name,
                    "--memory", self.memory, "--json")

    def signs(self, folder):
        done = self.see(folder)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def refuses(self, folder, log=KEY):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        memory = self.memory.read_bytes() if self.memory.exists() else b""
        done = self.see(folder, log)
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert (self.memory.read_bytes() if self.memory.exists() else b"") == memory
        return done.stderr


@pytest.fixture
def witness(tmp_path):
    return Witness(tmp_path / "witness")


@pytest.fixture
def days(tmp_path):
    """The evidence of three days, each extending the one before."""
    one = made.park(head_quarters=1)
    found = []
    for number in range(3):
        made.live(one, 3)
        found.append(write(tmp_path / f"day{number}", list(one.outbox.messages)))
    return found


def test_each_head_that_extends_the_last_is_cosigned(days, witness):
    sizes = [witness.signs(day) for day in days]
    assert [(one["before"], one["size"]) for one in sizes] == [(0, 4), (4, 10), (10, 16)]
    assert all(audit(day).faults == [] for day in days)


def test_an_audit_counts_the_witness(days, witness):
    key = witness.signs(days[0])["witness"]
    done = call("audit", days[0], "--key", KEY, "--witness", key, "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["quorum"], said["witnessed"]) == (0, 1, 4)
    assert [one["key"] for one in said["signers"]] == [str(KEY), key]
    assert said["signers"][1]["time"] > 1_600_000_000
    assert f"witness     4 leaves seen by {NAME}" in call(
        "audit", days[0], "--key", KEY, "--witness", key).stdout
    plain = call("audit", days[1], "--key", KEY, "--witness", key)
    assert plain.exit_code == 1
    assert "10 leaves are under no head of 1 witnesses" in plain.stdout
    assert call("audit", days[1], "--key", KEY, "--witness", key, "--quorum", 0).exit_code == 0


def test_a_quorum_is_of_different_witnesses(days, witness, tmp_path):
    other = Witness(tmp_path / "other", "buyer.example")
    first = witness.signs(days[0])["witness"]
    both = ("audit", days[0], "--key", KEY, "--witness", first, "--witness")
    second = other.signs(copy(days[0], tmp_path / "elsewhere"))["witness"]
    assert call(*both, second).exit_code == 1
    assert call(*both, second, "--quorum", 1).exit_code == 0
    other.memory.unlink()
    assert other.signs(days[0])["witness"] == second
    assert call(*both, second, "--quorum", 2).exit_code == 0


def test_a_bit_of_a_cosignature_spoils_the_head(days, witness):
    key = made.Key.read(witness.signs(days[0])["witness"])
    path = sorted((days[0] / "heads").iterdir())[-1]
    data = path.read_bytes()
    start = data.rindex(b" ") + 1
    for at in range(start, len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
        assert audit(days[0], witnesses=[key], quorum=1).faults, at


def test_a_fork_is_refused(days, witness, tmp_path):
    witness.signs(days[1])
    other = copy(days[2], tmp_path / "fork")
    found = made.rebuilt(leaves(other), 2, lambda numbers: numbers.__setitem__(2, 14))
    put(other, found)
    sign(other, found)
    assert "the log was forked" in witness.refuses(other)
    assert witness.signs(days[2])["before"] == 10


def test_a_log_that_was_put_back_is_refused(days, witness):
    witness.signs(days[1])
    assert "the log was put back" in witness.refuses(days[0])


def test_any_head_that_is_not_of_these_leaves_is_refused(days, witness):
    """Even if the newest one is: it proves two histories."""
    sign(days[1], made.rebuilt(leaves(days[1]), 1, lambda numbers: numbers.__setitem__(-1, 5)),
         size=3, name="fork.note")
    assert "fork.note: is not the head of the leaves here" in witness.refuses(days[1])
    assert "is not the head" in witness.refuses(cut(days[0]))


def cut(folder):
    put(folder, leaves(folder)[:-1])
    return folder


def test_a_head_is_cosigned_once(days, witness):
    witness.signs(days[0])
    before = sorted((days[0] / "heads").iterdir())[-1].read_bytes()
    for _ in range(3):
        assert witness.signs(days[0])["already"]
    assert sorted((days[0] / "heads").iterdir())[-1].read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"demo/mill":3}', b'{"demo/mill":{}}',
                                    b'{"demo/mill":{"size":-1,"root":"00"}}', b"\xff",
                                    b"[" * 100_000])
def test_a_damaged_memory_is_no_memory(days, witness, damage):
    witness.memory.write_bytes(damage)
    assert witness.memory.name in witness.refuses(days[0])


def test_only_the_logs_own_key_is_vouched_for(days, witness):
    assert "no signature by a known key" in witness.refuses(days[0], OTHER_KEY)
    for path in (days[0] / "heads").iterdir():
        path.unlink()
    assert "found none, expected a signed head" in witness.refuses(days[0])


def test_each_log_is_remembered_by_its_name(days, witness):
    witness.signs(days[2])
    witness.memory.write_text(witness.memory.read_text().replace(made.ORIGIN, "demo/other"))
    assert witness.signs(days[0])["before"] == 0
    assert set(json.loads(witness.memory.read_text())) == {made.ORIGIN, "demo/other"}


def test_a_damaged_folder_is_not_vouched_for(days, witness):
    (days[0] / "terms" / "more.json").write_bytes(b"{}")
    assert "terms/more.json: " in witness.refuses(days[0])
