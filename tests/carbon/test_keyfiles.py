"""Keys in files, and whom to believe after they were changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge import keyfiles
from cloud_bridge.documents import Document, key_id, sign
from cloud_bridge.fields import DocumentError
from cloud_bridge.keyfiles import Trust

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(4)]


def turned(old, new, issued):
    return sign(keyfiles.rotation(KEYS[new].public_key(), issued), KEYS[old])


def word(by, issued):
    return sign(Document("note", issued, {}), KEYS[by])


def test_a_key_is_its_owners_alone(tmp_path):
    path = tmp_path / "k.pem"
    made = keyfiles.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyfiles.secret(path).private_bytes_raw() == made.private_bytes_raw()
    with pytest.raises(FileExistsError):
        keyfiles.create(path)
    path.chmod(0o640)
    with pytest.raises(DocumentError, match=r"found mode 0640, expected 0600"):
        keyfiles.secret(path)


def test_another_kind_of_key_is_refused(tmp_path):
    path = tmp_path / "k.pem"
    path.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(DocumentError, match="expected an Ed25519 key"):
        keyfiles.secret(path)


@given(data=st.binary(max_size=200))
def test_any_file_is_a_key_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.pem"
    path.write_bytes(b"-----BEGIN PUBLIC KEY-----\n" + data)
    path.chmod(0o600)
    for read in (keyfiles.secret, keyfiles.public):
        with pytest.raises(DocumentError) as error:
            read(path)
        assert "\n" not in str(error.value)


@given(st.permutations([(0, 1, "2026-02-01"), (1, 2, "2026-03-01"), (2, 3, "2026-03-01")]))
def test_trust_follows_rotations_in_any_order(order):
    trust = Trust([KEYS[0].public_key()])
    trust.rotate([turned(*one) for one in order])
    for by, last in ((0, "2026-02-01"), (1, "2026-03-01"), (3, "2099-01-01")):
        trust.check(word(by, last))
    for by, late in ((0, "2026-02-02"), (1, "2026-03-02")):
        with pytest.raises(DocumentError, match="was rotated on"):
            trust.check(word(by, late))


@pytest.mark.parametrize(("rotations", "said"), [
    ([(2, 1, "2026-02-01")], "which is not trusted"),
    ([(0, 1, "2026-02-01"), (0, 2, "2026-02-01")], "was rotated already"),
    ([(0, 1, "2026-02-01"), (1, 0, "2026-02-01")], "is trusted already")])
def test_a_rotation_that_leads_nowhere_is_refused(rotations, said):
    with pytest.raises(DocumentError, match=said):
        Trust([KEYS[0].public_key()]).rotate([turned(*one) for one in rotations])


def test_a_name_is_no_signature():
    trust = Trust([KEYS[0].public_key()])
    forged = replace(word(1, "2026-01-01"), issuer=key_id(KEYS[0].public_key()))
    with pytest.raises(DocumentError, match="the signature is wrong"):
        trust.check(forged)
    with pytest.raises(DocumentError, match="the signature is wrong"):
        trust.rotate([replace(turned(1, 2, "2026-01-01"), issuer=forged.issuer)])


def test_who_is_not_trusted_is_not_believed():
    trust = Trust([KEYS[0].public_key()])
    with pytest.raises(DocumentError, match=key_id(KEYS[0].public_key()).hex()):
        trust.check(word(1, "2026-01-01"))
    with pytest.raises(DocumentError, match="is not signed"):
        trust.check(Document("note", "2026-01-01", {}))
    with pytest.raises(DocumentError, match="expected rotation"):
        trust.rotate([word(0, "2026-01-01")])
