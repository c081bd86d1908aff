"""Signed heads: written on a gateway, read strictly on a host, vouched for by witnesses."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge import notes
from cloud_bridge.notes import Key, NoteError
from edge.evidence import note

# golang.org/x/mod/sumdb/note, the example of its documentation.
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = ("If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
        "KvqfqdngotpRZb6KE6RyyBwJnAM=\n").encode()

# c2sp.org/tlog-cosignature, its example of a checkpoint with a cosignature.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
    "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n").encode()

ORIGIN = "park.example/gateway-7"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = Key(ORIGIN, PRIVATE.public_key().public_bytes_raw())
WITNESSES = [Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in (1, 2)]
W1, W2 = (Key(f"witness.example/{i}", witness.public_key().public_bytes_raw(), note.COSIGNATURE)
          for i, witness in enumerate(WITNESSES))
ROOT = sha256(b"").digest()


def written(size=96, root=ROOT, private=PRIVATE, origin=ORIGIN, name=ORIGIN):
    text = note.checkpoint(origin, size, root)
    key = note.key_id(name, private.public_key().public_bytes_raw())
    return note.signed(text, name, key, private.sign(text))


SEEN = notes.cosigned(written(), W1.name, WITNESSES[0], 1_800_000_000)


def test_a_note_of_go_is_verified():
    key = Key.read(NOTE_KEY)
    assert str(key) == NOTE_KEY
    assert notes.verified(notes.parse(NOTE), [key]) == {key: None}
    with pytest.raises(NoteError, match="bad signature by PeterNeumann"):
        notes.verified(notes.parse(NOTE.replace(b"answer", b"Answer")), [key])


def test_the_example_of_the_specification_is_read():
    read = notes.parse(COSIGNED)
    head = notes.checkpoint(read.text)
    assert (head.origin, head.size, len(head.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert [(line.name, len(line.data)) for line in read.signatures] == [
        ("example.com/behind-the-sofa", 64), ("witness.example.com/w1", 8 + 64)]
    assert int.from_bytes(read.signatures[1].data[:8], "big") == 1679315147  # as its text says
    rewritten = note.checkpoint(head.origin, head.size, head.root)
    first = read.signatures[0]
    assert COSIGNED.startswith(note.signed(rewritten, first.name, first.key_id, first.data))


@given(st.integers(0, 2**40), st.binary(min_size=32, max_size=32))
def test_what_a_gateway_writes_is_read(size, root):
    assert notes.head(written(size, root), LOG) == (
        notes.Checkpoint(ORIGIN, size, root), {LOG: None})


def test_a_head_of_a_gateway_takes_200_bytes():
    assert len(note.checkpoint(ORIGIN, 35_040, ROOT)) == 74
    assert len(written(35_040)) == 195


def test_witnesses_vouch_with_a_time():
    head, signers = notes.head(SEEN, LOG, [W1, W2], 1)
    assert head == notes.Checkpoint(ORIGIN, 96, ROOT)
    assert signers == {LOG: None, W1: 1_800_000_000}
    later = notes.cosigned(SEEN, W1.name, WITNESSES[0], 1_900_000_000)
    assert notes.head(later, LOG, [W1, W2])[1][W1] == 1_900_000_000
    with pytest.raises(NoteError, match="found 1 witnesses, expected 2"):  # twice the same one
        notes.head(later, LOG, [W1, W2], 2)
    both = notes.cosigned(later, W2.name, WITNESSES[1], 0)
    assert notes.head(both, LOG, [W1, W2], 2)[1][W2] == 0
    for time_s in (-1, 1 << 63):
        with pytest.raises(NoteError, match="time: found"):
            notes.cosigned(both, W2.name, WITNESSES[1], time_s)


def test_a_witness_cannot_be_taken_for_the_log_nor_one_for_two():
    with pytest.raises(NoteError, match="no signature by a known key"):
        notes.head(SEEN, Key(W1.name, W1.public))
    with pytest.raises(NoteError, match="no signature by park"):
        notes.head(SEEN, Key("park.example/other", LOG.public), [W1])
    with pytest.raises(NoteError, match="one public key twice"):
        notes.head(SEEN, LOG, [W1, Key("witness.example/alias", W1.public, note.COSIGNATURE)])
    other = written(name="park.example/other")  # signs a head that names another log
    with pytest.raises(NoteError, match="found origin"):
        notes.head(other, Key("park.example/other", LOG.public))


def test_a_witness_vouches_for_heads_only():
    """The same key, cosigning what is no head: refused by both sides."""
    text = b"any text\n"
    with pytest.raises(NoteError, match="expected origin, size and root"):
        notes.cosigned(note.signed(text, ORIGIN, LOG.id, bytes(64)), W1.name, WITNESSES[0], 7)
    signature = WITNESSES[0].sign(b"cosignature/v1\ntime 7\n" + text)
    forged = note.signed(text, W1.name, W1.id, (7).to_bytes(8, "big") + signature)
    with pytest.raises(NoteError, match="expected origin, size and root"):
        notes.verified(notes.parse(forged), [W1])


def test_what_strangers_sign_is_ignored():
    line = note.line("stranger.example", b"abcd", b"not even a signature")
    assert notes.head(SEEN + line, LOG, [W1], 1) == notes.head(SEEN, LOG, [W1], 1)
    same_name = note.line(LOG.name, b"abcd", bytes(64))
    same_id = note.line("stranger.example", LOG.id, bytes(64))
    assert notes.head(SEEN + same_name + same_id, LOG, [W1], 1)[0].size == 96
    with pytest.raises(NoteError, match="bad signature by park"):
        notes.head(SEEN + note.line(LOG.name, LOG.id, bytes(64)), LOG, [W1], 1)
    with pytest.raises(NoteError, match="bad signature by witness"):
        notes.head(SEEN + note.line(W1.name, W1.id, b"short"), LOG, [W1], 1)


def test_no_bit_of_a_head_can_be_flipped():
    for at in range(len(SEEN)):
        for bit in range(8):
            wrong = bytearray(SEEN)
            wrong[at] ^= 1 << bit
            with pytest.raises(NoteError):
                notes.head(bytes(wrong), LOG, [W1], 1)


def test_no_part_of_a_head_is_one():
    for end in range(len(SEEN)):
        with pytest.raises(NoteError):
            notes.head(SEEN[:end], LOG, [W1], 1)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode)
       | st.lists(st.sampled_from([b"\n", b"\xe2\x80\x94 ", b"a", b" ", b"+", b"AAAAAAAA", b"=",
                                   b"\xc2\xa0", b"0"]), max_size=40).map(b"".join))
def test_any_bytes_are_read_or_refused(data):
    try:
        read = notes.parse(data)
    except NoteError:
        return
    again = read.text + b"\n" + b"".join(
        f"\u2014 {line.name} ".encode() + base64.b64encode(line.key_id + line.data) + b"\n"
        for line in read.signatures)
    assert again == data
    try:
        head = notes.checkpoint(read.text)
    except NoteError:
        return
    assert read.text.startswith(f"{head.origin}\n{head.size}\n".encode())


SIGNATURE = written().partition(b"\n\n")[2]


@pytest.mark.parametrize(("data", "said"), [
    (written() + bytes(1 << 20), "bytes, expected at most"),
    (b"\xff" + written(), "byte 0 that is not UTF-8"),
    (written().replace(b"\n", b"\r\n"), "control character"),
    (b"text\n" + SIGNATURE, "no empty line"),
    (b"\n\n" + SIGNATURE, "no empty line"),
    (written()[:-1], "no end of line"),
    (b"text\n\n", "no end of line"),
    (b"text\n\n" + SIGNATURE * 101, "found 101 signatures"),
    (b"text\n\n-- a AAAAAAA=\n", "expected a dash"),
    ("text\n\n\u2014 a AAAAAAA= \n".encode(), "expected a dash"),
    ("text\n\n\u2014  AAAAAAA=\n".encode(), "which is no name"),
    ("text\n\n\u2014 a+b AAAAAAA=\n".encode(), "which is no name"),
    ("text\n\n\u2014 a\u00a0b AAAAAAA=\n".encode(), "which is no name"),
    ("text\n\n\u2014 a AAAAAA==\n".encode(), "found 4 bytes by a"),
    ("text\n\n\u2014 a AAAAAAB=\n".encode(), "which is not base64"),  # loose bits
    ("text\n\n\u2014 a AAAA_AA=\n".encode(), "which is not base64"),
    ("text\n\n\u2014 a AAAAAAA\n".encode(), "which is not base64"),
])
def test_each_wrong_note_is_named(data, said):
    with pytest.raises(NoteError, match=said):
        notes.parse(data)


GOOD = base64.b64encode(ROOT)


@pytest.mark.parametrize(("text", "said"), [
    (b"a\n1\n", "expected origin, size and root"),
    (b"a\n1\n" + GOOD, "expected origin, size and root"),
    (b"\n1\n" + GOOD + b"\n", "no empty line"),
    (b"a\n1\n" + GOOD + b"\n\nmore\n", "no empty line"),
    (b"a\n01\n" + GOOD + b"\n", "plain decimal"),
    (b"a\n+1\n" + GOOD + b"\n", "plain decimal"),
    (b"a\n1_0\n" + GOOD + b"\n", "plain decimal"),
    ("a\n\u0661\n".encode() + GOOD + b"\n", "plain decimal"),
    (b"a\n" + b"9" * 5000 + b"\n" + GOOD + b"\n", "plain decimal"),
    (b"a\n1\n" + GOOD[:-4] + b"\n", "root of 30 bytes"),
    (b"a\n1\n" + GOOD[:-1] + b"\n", "not base64"),
    (b"\xff\n1\n" + GOOD + b"\n", "not UTF-8"),
])
def test_each_wrong_head_is_named(text, said):
    with pytest.raises(NoteError, match=said):
        notes.checkpoint(text)


def test_extension_lines_are_let_pass():
    assert notes.checkpoint(b"a\n0\n" + GOOD + b"\nmore\n") == notes.Checkpoint("a", 0, ROOT)


@pytest.mark.parametrize(("text", "said"), [
    ("name", r"expected NAME\+ID\+KEY"),
    ("name+00000000+", "no signature type"),
    ("name+00000000+A", "not base64"),
    (NOTE_KEY.replace("c74f20a3", "c74f20a4"), "expected c74f20a3"),
    (NOTE_KEY.replace("PeterNeumann", "PeterNeuman"), "found id c74f20a3"),
    ("name+00000000+" + base64.b64encode(b"\x01" + bytes(31)).decode(), "found 31 bytes"),
    ("name+00000000+" + base64.b64encode(b"\x02" + bytes(91)).decode(), "ECDSA is not supported"),
    ("name+00000000+" + base64.b64encode(b"\xff" + bytes(65)).decode(), "SM2"),
    ("name+00000000+" + base64.b64encode(b"\x06" + bytes(1312)).decode(), "type 6: it is not"),
    ("na me+00000000+" + base64.b64encode(b"\x01" + bytes(32)).decode(), "name: found 'na me'"),
])
def test_each_wrong_key_is_named(text, said):
    with pytest.raises(NoteError, match=said):
        Key.read(text)


@pytest.mark.parametrize("key", [LOG, W1])
def test_a_key_is_handed_on_as_text(key):
    assert Key.read(str(key)) == key


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n1", "p\u00e4rk", "a\x7f", "a\tb"])
def test_a_name_that_could_be_misread_is_not_signed(name):
    with pytest.raises(ValueError, match="name: found"):
        note.checkpoint(name, 1, ROOT)
    with pytest.raises(ValueError, match="name: found"):
        note.key_id(name, bytes(32))
