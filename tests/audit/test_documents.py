"""Documents beside the leaves: whose word they are, and what they say of the account."""

from __future__ import annotations

import pytest

from cloud_bridge import documents, keyfiles
from cloud_bridge.documents import Document
from tests.audit import made
from tests.audit.made import OTHER, Trust, audit, write

NEW = made.Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "evidence")


def trust():
    return Trust([OTHER.public_key()])


def put(folder, name, document):
    (folder / "documents" / f"{name}.json").write_bytes(document.encode())


def test_factors_by_somebody_trusted_stand(folder):
    assert audit(folder, trust=trust()).faults == [
        "factors other 0001020304050607: no such document here; they are the gateway's word: "
        + " ".join(map(str, made.FACTORS[1]))]
    assert audit(folder).faults == []


@pytest.mark.parametrize("secret", [NEW, None])
def test_factors_by_somebody_else_or_by_nobody_are_refused(folder, secret):
    unsigned = Document("factors", "2026-01-01", made.factor_set().body)
    put(folder, "made", documents.sign(unsigned, secret) if secret else unsigned)
    said = audit(folder, trust=trust())
    assert any(fault.startswith("documents/made.json: document: is") for fault in said.faults)
    assert said.refused == {"documents/made.json"}
    assert any("is named by no leaf" in note for note in audit(folder).notes)


def test_a_rotation_hands_trust_on_and_a_forged_one_is_a_fault(folder):
    rotated = documents.sign(keyfiles.rotation(NEW.public_key(), "2026-06-01"), OTHER)
    put(folder, "rotation", rotated)
    more = documents.sign(Document("factors", "2026-07-01", made.factor_set().body), NEW)
    put(folder, "more", more)
    honest = audit(folder, trust=trust()).faults
    assert len(honest) == 1
    assert "other" in honest[0]
    put(folder, "rotation", documents.sign(keyfiles.rotation(NEW.public_key(), "2026-06-01"), NEW))
    forged = audit(folder, trust=trust()).faults
    assert any(fault.startswith("documents: document: is by key") for fault in forged)
    assert any(fault.startswith("documents/more.json") for fault in forged)


def test_factors_that_were_not_in_force_yet_are_noted(tmp_path):
    """A gateway accounts by the newest factors of a set, from the day on which it was built."""
    set_ = made.factor_set()
    later = {**set_.body, "factors": [{**one, "valid_from": "2026-07-04"}
                                      for one in set_.body["factors"]]}
    document = documents.sign(Document("factors", "2026-01-01", later), OTHER)
    text = made.terms().replace(set_.id.hex().encode(), document.id.hex().encode())
    one = made.live(made.Park(made.keys_of(made.TENANTS, text, made.id_of(text).hex())), 6)
    folder = write(tmp_path / "evidence", one.outbox.messages)
    put(folder, "made", document)
    found = audit(folder)
    assert found.faults == []
    assert any("by the document not in force in all of" in note for note in found.notes)


def test_a_set_by_another_name_changes_nothing_in_the_audit(folder):
    (folder / "documents" / "made.json").rename(folder / "documents" / "a.json")
    assert audit(folder).faults == []
