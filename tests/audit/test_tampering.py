"""Whoever has no key changes nothing that an audit does not find."""

from __future__ import annotations

import pytest

from cloud_bridge.evidence import gathered
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import unpack
from tests.audit import made
from tests.audit.made import (
    ORIGIN,
    OTHER,
    OTHER_KEY,
    TENANTS,
    audit,
    copy,
    leaves,
    put,
    sign,
    write,
)
from tests.ledger.kept import SEED


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Five accounts of two leaves each, signed to the last; nothing is wrong with it."""
    folder = write(tmp_path_factory.mktemp("whole"))
    sign(folder, leaves(folder), name="last.note")
    return folder


@pytest.fixture
def one(whole, tmp_path):
    return copy(whole, tmp_path / "evidence")


@pytest.fixture
def little(tmp_path):
    """Two accounts, for what is tried with each byte."""
    folder = write(tmp_path / "little", made.messages(3))
    sign(folder, leaves(folder), name="last.note")
    assert audit(folder).faults == []
    return folder


def test_untouched_evidence_stands(whole):
    found = audit(whole)
    assert found.faults == []
    assert found.signed == found.leaves == len(leaves(whole)) == 10
    assert len(found.proven) == len(found.accounts) == 5
    assert found.heads == 3


def test_every_byte_of_the_leaves_counts(little):
    path = little / "leaves.bin"
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
        assert audit(little).faults, f"byte {at}"


def test_every_byte_of_every_head_counts(little):
    for path in sorted((little / "heads").iterdir()):
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
            assert audit(little).faults, f"{path.name}: byte {at}"
        path.write_bytes(data)
    assert audit(little).faults == []


def test_every_byte_of_the_terms_counts(little):
    path, = (little / "terms").iterdir()
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
        assert audit(little).faults, f"byte {at}"


def test_every_byte_of_a_document_is_found_where_somebody_trusts_its_issuer(little):
    """Without `--trust` nobody says who may sign factors. Then a changed body still leaves the
    account without the document it names, which is a note; of a changed signature nothing is seen.
    """
    path = little / "documents" / "made.json"
    data = path.read_bytes()
    signature = data.index(b'"signature":"') + len(b'"signature":"')
    honest = audit(little).notes
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
        trusting = made.Trust([OTHER.public_key()])
        assert audit(little, trust=trusting).faults, f"byte {at}"
        if not signature <= at < signature + 128 and at % 3 == 0:
            found = audit(little)
            assert found.faults or found.notes != honest, f"byte {at}"


def test_what_an_audit_does_not_read_changes_nothing(one):
    """The key that the gateway tells is not believed: yours comes from elsewhere."""
    (one / "key.txt").write_text("anything")
    (one / "heads" / "README").write_text("no head")
    assert audit(one).faults == []


@pytest.mark.parametrize("number", range(10))
def test_a_leaf_that_is_dropped_doubled_or_moved_is_found(one, number):
    found = leaves(one)
    rest = found[:number] + found[number + 1:]
    ways = {"dropped": rest, "doubled": [*found[:number], found[number], *found[number:]]}
    for to in range(10):
        if to != number:
            ways[f"moved to {to}"] = [*rest[:to], found[number], *rest[to:]]
    for way, changed in ways.items():
        put(one, changed)
        faults = audit(one).faults
        assert faults, way
        if number < 9:
            assert any(fault.startswith("leaf ") for fault in faults), way


@pytest.mark.parametrize("left", range(10))
def test_an_end_that_is_cut_off_below_a_head_is_found(one, left):
    put(one, leaves(one)[:left])
    assert any("missing at the end" in fault for fault in audit(one).faults)


def test_an_end_that_is_cut_off_with_its_heads_is_what_only_a_witness_knows(one):
    """The evidence of some days ago is good evidence, of some days ago."""
    put(one, leaves(one)[:2])
    for path in (one / "heads").iterdir():
        if int(path.read_text().split("\n")[1]) > 2:
            path.unlink()
    found = audit(one)
    assert found.faults == []
    assert len(found.proven) == 1


@pytest.mark.parametrize("number", range(10))
def test_without_the_key_a_rebuilt_chain_fails_at_its_heads(one, number):
    """A figure in every second leaf is the site's, in the others the tenants'."""
    def more(numbers):
        numbers[-1] += 1

    put(one, made.rebuilt(leaves(one), number, more))
    faults = audit(one).faults
    heads = [fault for fault in faults if "its root is not that of the first" in fault]
    assert len(heads) == sum(size > number for size in (2, 6, 10))


def test_signed_by_another_key_is_refused(one):
    def more(numbers):
        numbers[-1] += 1

    changed = made.rebuilt(leaves(one), 3, more)
    put(one, changed)
    sign(one, changed, OTHER)
    faults = audit(one).faults
    assert any("no signature by a known key" in fault for fault in faults)
    assert "no leaf is under a good head: nothing is proven" in faults


def test_leaves_that_follow_the_last_head_are_in_no_figure(one):
    """Anybody may have written them."""
    for path in (one / "heads").iterdir():
        if path.name.startswith("last"):
            path.unlink()
    found = audit(one)
    assert found.faults == []
    assert (found.signed, len(found.accounts), len(found.proven)) == (6, 5, 3)
    assert any("under no head yet" in note for note in found.notes)


def test_two_heads_of_one_size_are_a_fork(one):
    other = made.rebuilt(leaves(one), 9, lambda numbers: numbers.__setitem__(-1, 0))
    sign(one, other, size=10, name="second.note")
    faults = audit(one).faults
    assert any("two heads of 10 leaves: the log was forked" in fault for fault in faults)


def test_a_head_of_more_leaves_than_there_are_is_found(one):
    """The gateway has signed leaves that nobody shows."""
    sign(one, [*leaves(one), leaves(one)[0]], name="more.note")
    assert any("is of 11 leaves, found 10: 1 are missing at the end" in fault
               for fault in audit(one).faults)


def test_a_gateway_that_was_put_back_leaves_two_histories_in_one_store(tmp_path):
    one = made.live(made.park(), 4)
    image, sent = bytes(one.devices[0].memory), list(one.outbox.messages)
    made.live(one, 3)
    first = list(one.outbox.messages)
    again = one.again([image, bytes(one.devices[1].memory)], sent)
    again.ws[0] += 3600 * 5000  # life went otherwise
    made.live(again, 3)
    both = [*first, *again.outbox.messages[len(sent):]]
    faults = audit(write(tmp_path / "both", both)).faults
    assert any("does not follow the leaf before" in fault for fault in faults)
    alone = audit(write(tmp_path / "again", again.outbox.messages))
    assert alone.faults == []  # by itself it is a ledger whose last head is old: it signs no other
    assert alone.signed < alone.leaves


def test_a_gateway_that_was_put_back_and_forgot_its_heads_signs_a_fork(tmp_path):
    """As when both memories are put back, by whoever holds the board."""
    one = made.live(made.park(head_quarters=1), 4)
    images, sent = [bytes(device.memory) for device in one.devices], list(one.outbox.messages)
    made.live(one, 3)
    again = one.again(images, sent)
    again.ws[0] += 3600 * 5000
    made.live(again, 3)
    both = [*one.outbox.messages, *again.outbox.messages[len(sent):]]
    faults = audit(write(tmp_path / "both", both)).faults
    assert any("the log was forked" in fault for fault in faults)


def test_forged_terms_are_not_those_that_leaves_name(one):
    path, = (one / "terms").iterdir()
    forged = path.read_bytes().replace(b"832500", b"100000")
    path.write_bytes(forged)
    assert any("which are not there" in fault for fault in audit(one).faults)


def test_forged_terms_under_the_true_key_are_held_against_the_document(one, tmp_path):
    """Leaves, chain and head by whoever holds the key, with a clean factor that nobody signed."""
    text = made.terms().replace(b"[832500,832500,832500,0,0]", b"[100000,832500,832500,0,0]")
    keys = made.keys_of(TENANTS, text, made.id_of(text).hex())
    keys["factors"] = [[100_000, 832_500, 832_500, 0, 0], made.FACTORS[1]]
    liar = made.live(made.Park(keys), 6)
    folder = write(tmp_path / "liar", liar.outbox.messages)
    assert [fault for fault in audit(folder).faults if "the document says" in fault]
    (folder / "documents" / "made.json").unlink()
    found = audit(folder)
    assert found.faults == []
    assert any("the gateway's word" in note for note in found.notes)
    assert any("the gateway's word" in fault for fault in
               audit(folder, trust=made.Trust([OTHER.public_key()])).faults)


def test_a_log_whose_key_was_followed_by_another_is_audited_with_both(one):
    """The first leaves are under a head by the old key, all under one by the new."""
    found = leaves(one)
    sign(one, found, size=4)
    sign(one, found, OTHER, name="new.note")
    assert audit(one).faults
    both = made.judge(made.bundle.read(one), [made.KEY, OTHER_KEY])
    assert both.faults == []
    assert (both.heads, both.signed) == (2, 10)
    assert {key: spans[:2] for key, spans in both.signers.items()} == {
        made.KEY: (4, 4), OTHER_KEY: (10, 10)}
    swapped = made.judge(made.bundle.read(one), [OTHER_KEY, made.KEY])
    assert swapped.faults == []


def test_evidence_of_another_log_is_refused(one):
    other = made.Key("other/mill", made.SECRET.public_key().public_bytes_raw())
    assert made.judge(made.bundle.read(one), [other]).faults


def test_the_chain_is_what_the_test_says(one):
    """Or else nothing above would mean much."""
    before = bytes(32)
    for leaf in leaves(one):
        assert unpack(leaf)[3] == before
        before = leaf_hash(leaf)
    assert made.SECRET.private_bytes_raw() == SEED
    assert gathered.sort(made.messages()).leaves == leaves(one)
    assert made.KEY.name == ORIGIN
