"""Whatever stands in the folder, an audit ends with findings, and with nothing else."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.__main__ import main
from edge.ledger.leaf import SITE, Leaf, unpack
from tests.audit import made
from tests.audit.made import KEY, copy, leaves, put, sign, write

FILES = ["leaves.bin", "heads/0000000002.note", "terms/TERMS", "documents/made.json"]
ANY = st.binary(max_size=400)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("evidence"))


def run(folder, *more):
    """The exit status and the JSON of the command, as a script would use it."""
    done = CliRunner().invoke(main, ["audit", str(folder), "--key", str(KEY), "--json", *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1)
    said = json.loads(done.stdout)
    assert said["stands"] == (done.exit_code == 0) == (not said["faults"])
    page = CliRunner().invoke(main, ["audit", str(folder), "--key", str(KEY), *more]).stdout
    assert page.count("\n") <= 60
    assert max(map(len, page.splitlines())) <= 100
    return said


def place(folder, name):
    return next((folder / "terms").iterdir()) if name.endswith("TERMS") else folder / name


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(FILES), data=ANY)
def test_any_bytes_for_a_file(folder, tmp_path_factory, name, data):
    one = copy(folder, tmp_path_factory.getbasetemp() / "any")
    place(one, name).write_bytes(data)
    said = run(one)
    assert said["faults"]


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(FILES), cuts=st.lists(
    st.tuples(st.floats(0, 1), ANY, st.integers(0, 9)), min_size=1, max_size=4))
def test_any_cuts_and_insertions(folder, tmp_path_factory, name, cuts):
    one = copy(folder, tmp_path_factory.getbasetemp() / "cut")
    path = place(one, name)
    data = honest = path.read_bytes()
    for where, more, fewer in cuts:
        at = int(where * len(data))
        data = data[:at] + more[:8] + data[at + fewer:]
    path.write_bytes(data)
    said = run(one)
    assert said["faults"] or said["notes"] != run(folder)["notes"] or data == honest


@settings(max_examples=60, deadline=None)
@given(files=st.dictionaries(st.sampled_from(["leaves.bin", "heads/a.note", "terms/a.json",
                                              "documents/a.json"]), ANY, max_size=4))
def test_any_folder(tmp_path_factory, files):
    one = tmp_path_factory.mktemp("folder")
    (one / "leaves.bin").write_bytes(b"")
    for name, data in files.items():
        (one / name).parent.mkdir(exist_ok=True)
        (one / name).write_bytes(data)
    assert run(one)["faults"]


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Long enough for a whole local day: the indicators are worked out as well."""
    one = write(tmp_path_factory.mktemp("days"), made.messages(200))
    assert run(one)["indicators"]
    return one


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_numbers_in_leaves_that_are_well_made_and_signed(days, tmp_path_factory, data):
    """From 0 to 2^56 - 1 each: times beyond all calendars, spans of ages, stores of nothing."""
    one = copy(days, tmp_path_factory.getbasetemp() / "numbers")
    changes = data.draw(st.lists(st.tuples(
        st.integers(0, 390), st.integers(0, 60), st.one_of(
            st.integers(0, 3), st.integers(900_000, 1_000_000), st.integers(0, 2**56 - 1))),
        max_size=6))
    found, before = [], bytes(32)
    for number, leaf in enumerate(leaves(days)):
        kind, numbers, terms_id, _ = unpack(leaf)
        for where, at, value in changes:
            if where == number and not (kind == SITE and at == 6):
                numbers[at % len(numbers)] = value
        coder = Leaf(kind, len(numbers))
        coder.begin(numbers)
        while not coder.step(terms_id, before):
            pass
        before = coder.digest
        found.append(bytes(coder.buffer[:coder.n]))
    put(one, found)
    sign(one, found)
    said = run(one)
    assert said["leaves"] == said["signed"] == len(found)


def test_a_leaf_of_any_length(folder, tmp_path):
    one = copy(folder, tmp_path / "one")
    whole = leaves(folder)[0]
    for n in range(len(whole)):
        put(one, [whole[:n]])
        assert run(one)["faults"]


@pytest.mark.parametrize("text", [
    b"[" * 900 + b"]" * 900, b"[" * 100_000, b'{"a":1e400}', b'{"version":NaN}', b"\xff", b"{}",
    b'{"version":1' + b"0" * 5000 + b"}", b'{"\\ud800":1}', b"null"])
def test_json_that_is_none_of_ours(folder, tmp_path, text):
    one = copy(folder, tmp_path / "one")
    for part in ("terms", "documents"):
        (one / part / "more.json").write_bytes(text)
    said = run(one)
    assert sum("more.json" in fault for fault in said["faults"]) == 2
    (one / "heads" / "more.note").write_bytes(text)
    assert sum("more.note" in fault for fault in run(one)["faults"]) == 1


@pytest.mark.parametrize("name", ["leaves.bin", "heads/a.note", "terms/a.json", "documents/a.json"])
def test_what_is_no_file_is_not_waited_for(folder, tmp_path, name):
    """A pipe that nobody writes to, a device that never ends, a folder."""
    for number, make in enumerate((os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"))):
        one = copy(folder, tmp_path / f"{number}")
        (one / name).unlink(missing_ok=True)
        make(one / name)
        assert any(f"{name}: is no plain file" in fault for fault in run(one)["faults"])


def test_documents_of_kinds_that_are_not_what_they_say(folder, tmp_path):
    """A statement and a rotation with nothing in them; a set of factors that starts too late."""
    one = copy(folder, tmp_path / "one")
    for kind in ("statement", "factors", "rotation", "passport"):
        (one / "documents" / f"{kind}.json").write_bytes(
            made.documents.Document(kind, "2026-01-01", {}).encode())
    said = run(one)
    assert any("factors.json" in fault for fault in said["faults"])
    assert any("passport.json: passport" in note for note in said["notes"])


def test_what_cannot_be_read_is_no_verdict(folder, tmp_path):
    one = copy(folder, tmp_path / "one")
    for arguments in ([], ["--key", "nonsense"], ["--key", "a+b+c"],
                      ["--key", str(KEY), "--key", str(KEY)],
                      ["--key", str(KEY), "--quorum", "1"],
                      ["--key", str(KEY), "--witness", str(KEY)],
                      ["--key", str(KEY), "--standard", "none"],
                      ["--key", str(KEY), "--report", str(tmp_path / "no" / "where.txt")]):
        done = CliRunner().invoke(main, ["audit", str(one), *arguments])
        assert done.exit_code == 2, arguments
        assert "Error: " in done.stderr
        assert "Traceback" not in done.stderr
    (one / "leaves.bin").unlink()
    assert CliRunner().invoke(main, ["audit", str(one), "--key", str(KEY)]).exit_code == 2
