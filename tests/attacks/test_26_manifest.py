"""A firmware manifest that may be followed, and all those that may not: who signed it, for whom,
when, and what it would write."""

from __future__ import annotations

import random
from typing import Any

import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.manifest import DOMAIN, MOST_BYTES, judge, new_keys

BUILD, RELEASE, SPARE, STRANGER, NEXT = (
    Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(1, 6))


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


TRUST = (3, 2, [public(key) for key in (BUILD, RELEASE, SPARE)])
NOW = 800_000_000
DAY_S = 86_400
OWN = {"board": "w5500_evb_pico2", "boot": 2, "version": 7, "floor": 5, "slot_bytes": 200_000,
       "now_s": NOW, "made_s": NOW - 10 * DAY_S}
HASH = bytes(range(32))
BODY: list[Any] = ["fw", 8, 6, ["pi", "w5500_evb_pico2"], 2, NOW - DAY_S, NOW + 30 * DAY_S,
                   [["edge/app.mpy", 60_000, HASH], ["main.py", 100, HASH]]]
BOTH = ((0, BUILD), (1, RELEASE))


def sealed(body: Any = BODY, signers: Any = BOTH, algorithm: int = 2, domain: bytes = DOMAIN
           ) -> bytes:
    packed = body if isinstance(body, bytes) else msgpack.packb(body)
    return msgpack.packb([1, packed, [[algorithm, number, key.sign(domain + packed)]
                                      for number, key in signers]])


def result(work: Any) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def said(data: bytes, trust: Any = TRUST, **own: Any) -> str:
    reason, manifest = result(judge(data, trust, OWN | own))
    assert (manifest is None) == bool(reason)
    return str(reason)


def with_(at: int, value: Any) -> list[Any]:
    return [value if number == at else item for number, item in enumerate(BODY)]


FILES = BODY[7]


def files(*entries: Any) -> bytes:
    return sealed(with_(7, list(entries)))


GOOD = {
    "signed by two": (sealed(), {}),
    "signed by all three": (sealed(signers=(*BOTH, (2, SPARE))), {}),
    "one signature too many, and wrong": (sealed(signers=((2, STRANGER), *BOTH)), {}),
    "without a clock": (sealed(), {"now_s": 0}),
    "the first there ever was": (sealed(), {"version": 0, "floor": 0, "made_s": 0}),
}
BAD = {
    "signed by nobody": (sealed(signers=()), {}, "signatures"),
    "signed by one": (sealed(signers=BOTH[:1]), {}, "signatures"),
    "signed twice by one": (sealed(signers=(BOTH[0], BOTH[0])), {}, "signatures"),
    "signed by one under two numbers": (sealed(signers=((0, BUILD), (1, BUILD))), {},
                                        "signatures"),
    "signed by a stranger as well": (sealed(signers=((0, BUILD), (1, STRANGER))), {},
                                     "signatures"),
    "a key number there is not": (sealed(signers=((0, BUILD), (7, RELEASE))), {}, "signatures"),
    "a key number below 0": (sealed(signers=((0, BUILD), (-2, RELEASE))), {}, "signatures"),
    "for another purpose": (sealed(domain=b"parkedge-cmd-1"), {}, "signatures"),
    "by an algorithm that is named only": (sealed(algorithm=18), {}, "signatures"),
    "keys in the place of a manifest": (sealed(["keys", 4, 2, TRUST[2]]), {}, "kind"),
    "a body that is no array": (sealed({"t": "fw"}), {}, "kind"),
    "a body of nothing": (sealed(b""), {}, "kind"),
    "an item too many": (sealed([*BODY, 1]), {}, "kind"),
    "bytes behind the body": (sealed(msgpack.packb(BODY) + b"\0"), {}, "body"),
    "a text for a version": (sealed(with_(1, "8")), {}, "body"),
    "a floor above the version": (sealed(with_(2, 9)), {}, "body"),
    "for another board": (sealed(with_(3, ["pi"])), {}, "board"),
    "for no board": (sealed(with_(3, [])), {}, "board"),
    "for a newer boot": (sealed(with_(4, 3)), {}, "boot"),
    "the version that runs": (sealed(with_(1, 7)), {}, "version"),
    "a good old version": (sealed(with_(1, 6)), {}, "version"),
    "below the floor after a revert": (sealed(), {"version": 4, "floor": 8}, "version"),
    "expired": (sealed(), {"now_s": NOW + 30 * DAY_S}, "expired"),
    "expired by what was signed later": (sealed(), {"now_s": 0, "made_s": NOW + 31 * DAY_S},
                                         "expired"),
    "the clock set back": (sealed(), {"now_s": 1, "made_s": NOW + 30 * DAY_S}, "expired"),
    "good for longer than 90 days": (sealed(with_(6, NOW + 90 * DAY_S)), {}, "life"),
    "expires before it was made": (sealed(with_(6, NOW - 2 * DAY_S)), {}, "life"),
    "an absolute path": (files(["/main.py", 1, HASH]), {}, "path"),
    "a path upward": (files(["edge/../boot.py", 1, HASH]), {}, "path"),
    "a hidden file": (files([".boot", 1, HASH]), {}, "path"),
    "a backslash": (files(["edge\\app", 1, HASH]), {}, "path"),
    "an empty part": (files(["edge//app.mpy", 1, HASH]), {}, "path"),
    "a long path": (files(["a" * 65, 1, HASH]), {}, "path"),
    "a zero in a path": (files(["main.py\0", 1, HASH]), {}, "path"),
    "a file twice": (files(FILES[0], FILES[0]), {}, "path"),
    "a hash too short": (files(["main.py", 1, HASH[:31]]), {}, "file"),
    "a size below 0": (files(["main.py", -1, HASH], FILES[0]), {}, "file"),
    "no files": (files(), {}, "file"),
    "more than the slot": (files(["main.py", 200_001, HASH]), {}, "slot"),
    "more than the slot together": (files(["a", 150_000, HASH], ["b", 50_001, HASH]), {}, "slot"),
    "too many files": (files(*([f"f{n}", 1, b""] for n in range(161))), {}, "body"),
    "beyond the cap": (sealed() + bytes(MOST_BYTES), {}, "format"),
    "nothing": (b"", {}, "format"),
    "another envelope version": (msgpack.packb([2, *msgpack.unpackb(sealed())[1:]]), {}, "format"),
    "too many signatures": (sealed(signers=[(0, BUILD)] * 9), {}, "format"),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_may_be_followed(case):
    data, own = GOOD[case]
    assert said(data, **own) == ""
    _, manifest = result(judge(data, TRUST, OWN | own))
    assert manifest == (8, 6, BODY[5], BODY[6], [tuple(entry) for entry in BODY[7]])


@pytest.mark.parametrize("case", BAD)
def test_what_may_not(case):
    data, own, reason = BAD[case]
    assert said(data, **own) == reason
    assert len(BAD) >= 33


def test_a_key_that_stands_twice_in_the_list_counts_once():
    twice = (1, 2, [public(BUILD), public(BUILD), public(RELEASE)])
    assert said(sealed(signers=((0, BUILD), (1, BUILD))), twice) == "signatures"
    assert said(sealed(signers=((0, BUILD), (2, RELEASE))), twice) == ""


def test_a_threshold_of_none_is_none():
    assert said(sealed(signers=()), (1, 0, TRUST[2])) == "signatures"


def test_no_bit_can_be_flipped():
    """Every seventh, as each costs two checks; all of them were tried once."""
    data = sealed()
    for bit in range(0, 8 * len(data), 7):
        other = bytearray(data)
        other[bit // 8] ^= 1 << bit % 8
        assert said(bytes(other)) != "", bit


def test_nothing_can_be_cut_off():
    data = sealed()
    assert not [n for n in range(len(data)) if said(data[:n]) == ""]


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_whatever_comes_is_judged(data):
    assert said(data) in ("format", "signatures")
    assert said(sealed(data)) in ("kind", "body")
    assert result(new_keys(sealed(data), TRUST))[0] in ("kind", "body")


def test_random_changes_are_refused_and_none_escapes():
    dice = random.Random(26)
    data = sealed()
    for _ in range(300):
        other = bytearray(data)
        for _ in range(dice.randint(1, 5)):
            other[dice.randrange(len(other))] = dice.randrange(256)
        if bytes(other) != data:
            assert said(bytes(other)) != ""


def keys(version: int = 4, threshold: int = 2, new: Any = (RELEASE, SPARE, NEXT)) -> list[Any]:
    return ["keys", version, threshold, [public(key) for key in new]]


@pytest.mark.parametrize(("body", "signers", "reason"), [
    (keys(), ((1, RELEASE), (2, SPARE), (0, RELEASE), (1, SPARE)), ""),
    (keys(), ((1, RELEASE), (2, SPARE)), "own signatures"),
    (keys(), ((0, RELEASE), (1, SPARE)), "signatures"),
    (keys(version=5), ((1, RELEASE), (2, SPARE), (0, RELEASE), (1, SPARE)), "version"),
    (keys(version=3), ((1, RELEASE), (2, SPARE), (0, RELEASE), (1, SPARE)), "version"),
    (keys(threshold=4), BOTH, "body"), (keys(threshold=0), BOTH, "body"),
    (keys(new=(NEXT, NEXT)), BOTH, "body"), (keys(new=()), BOTH, "body"),
    (BODY, BOTH, "kind")])
def test_new_keys_need_the_old_ones_and_their_own(body, signers, reason):
    found, trust = result(new_keys(sealed(body, signers), TRUST))
    assert found == reason
    assert (trust is None) == bool(reason)
    if not reason:
        assert trust == (4, 2, body[3])
        signed = sealed(signers=((1, SPARE), (2, NEXT)))
        assert said(signed, trust) == ""
        assert said(sealed(), trust) == "signatures", "the old build key is out"


def test_a_gateway_judges_the_same(micropython, tmp_path):
    expired = sealed(with_(6, NOW - DAY_S // 2))
    script = tmp_path / "judge.py"
    script.write_text(
        "from edge.manifest import judge\n"
        f"trust, own = {TRUST!r}, {OWN!r}\n"
        f"for data in ({sealed()!r}, {expired!r}, {sealed(signers=BOTH[:1])!r}, b'\\x93'):\n"
        "    work = judge(data, trust, own)\n"
        "    while True:\n"
        "        try:\n"
        "            next(work)\n"
        "        except StopIteration as end:\n"
        "            print(end.value[0] or end.value[1][:2])\n"
        "            break\n")
    assert micropython.run(script, heap="128k").stdout.split("\n") == [
        "(8, 6)", "expired", "signatures", "format", ""]
