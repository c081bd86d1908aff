"""A passport proven from the ledger: believed with two public keys and no network, or refused."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import documents, keyfiles, notes
from cloud_bridge.__main__ import main
from cloud_bridge.carbon import passport
from cloud_bridge.documents import Document, canonical
from cloud_bridge.evidence import bundle, proof
from cloud_bridge.evidence.judge import judge
from cloud_bridge.fields import DocumentError
from cloud_bridge.notes import Key
from tests.carbon.papers import emulated

FIRST, END = "2026-07-01T00:00Z", "2026-07-01T02:00Z"
OTHER = Key("demo/mill", bytes(range(32)))


def run(*args: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(one) for one in args])
    assert done.exit_code == code, done.output
    return done.stderr.strip() if code else done.stdout


def command(folder: Path, evidence: Path, **more: Any) -> list[object]:
    given = {"evidence": evidence, "log": folder / "evidence" / "key.txt", "product": "cloth",
             "batch": "7", "quantity": "1200", "unit": "m", "line": "weaving", "first": FIRST,
             "end": END, "issued": "2026-07-02", "key": folder / "park.pem",
             "out": folder / "passport", **more}
    return ["passport", *(word for name, value in given.items() for word in (f"--{name}", value))]


@dataclass(frozen=True)
class Made:
    folder: Path
    document: Document
    proof: bytes
    log: Key

    def believe(self, document: Document | None = None, data: bytes | None = None,
                log: Key | None = None) -> None:
        """As `verify` does, after the issuer's signature."""
        head, rows = proof.check(data or self.proof, [log or self.log])
        passport.prove(passport.read(document or self.document), head, rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("proof")
    evidence = emulated(folder)
    run("keys", "new", folder / "park.pem")
    run(*command(folder, evidence))
    return Made(folder, documents.parse((folder / "passport" / "passport.json").read_bytes()),
                (folder / "passport" / "proof.json").read_bytes(),
                notes.key_from(str(evidence / "key.txt")))


def test_a_customer_checks_it_offline(made: Made) -> None:
    words = ["verify", made.folder / "passport" / "passport.json", "--trust",
             made.folder / "park.pem.pub", "--proof", made.folder / "passport" / "proof.json",
             "--log", str(made.log)]
    assert "proven: 8 leaves of demo/mill, in its signed head of 192" in run(*words)
    assert json.loads(run(*words, "--json"))["proven"] is True
    assert len(passport.payload(made.document)) < 900, "the code stays one a phone reads"


def test_it_says_what_the_ledger_says(made: Made) -> None:
    """The tenant's Wh, and its part of the load's carbon but for what each quarter-hour rounds."""
    found = bundle.read(made.folder / "evidence")
    rows = [(site, tenants) for site, tenants in judge(found, [made.log]).accounts
            if passport.index_at(FIRST) <= site.quarter < passport.index_at(END)]  # type: ignore[operator]
    assert len(rows) == 8
    got = passport.read(made.document)
    assert got["energy_wh"] == sum(one.values["tenant_1_wh"] for _, one in rows if one)
    exact = sum(one.values["tenant_1_ug_0"] for _, one in rows if one)
    assert abs(got["carbon_ug"] - exact) <= len(rows) + 1


def test_another_log_is_not_believed(made: Made) -> None:
    with pytest.raises(DocumentError, match="no signature by a known key"):
        made.believe(log=OTHER)


@pytest.mark.parametrize(("name", "change"), [
    ("energy_wh", lambda wh: wh - 1), ("carbon_ug", lambda ug: str(int(ug) - 1)),
    ("from_wh", lambda parts: {**parts, "grid": parts["grid"] - 1, "pv": parts["pv"] + 1}),
    ("minutes", lambda minutes: minutes - 1), ("line", None),
    ("first", lambda at: "2026-07-01T00:15Z"), ("end", lambda at: "2026-07-01T02:15Z"),
    ("factor_set", lambda number: "00" * 8), ("head", lambda head: {**head, "size": 191}),
    ("head", lambda head: {**head, "origin": "demo/mil"}),
    ("head", lambda head: {**head, "root": "00" * 32}), ("head", None)])
def test_an_issuer_who_lies_is_found_out(made: Made, name: str, change: Any) -> None:
    body = dict(made.document.body)
    if change is None:
        del body[name]
    else:
        body[name] = change(body[name])
    if name == "energy_wh":
        body["from_wh"] = {**body["from_wh"], "grid": body["from_wh"]["grid"] - 1}
    with pytest.raises(DocumentError):
        made.believe(replace(made.document, body=body))
    made.believe()


@settings(max_examples=200)
@given(st.data())
def test_no_bit_of_the_proof_can_be_changed(made: Made, data: Any) -> None:
    changed = bytearray(made.proof)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DocumentError) as error:
        made.believe(data=bytes(changed))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("change", "said"), [
    (lambda leaves: leaves[:-2], "1 quarter-hours are missing"),
    (lambda leaves: leaves[2:], "1 quarter-hours are missing"),
    (lambda leaves: leaves[:4] + leaves[6:], "expected"),
    (lambda leaves: leaves[:5] + leaves[6:], "expected"),
    (lambda leaves: leaves[:-1], "lacks its tenants' leaf"),
    (lambda leaves: leaves[1:], "tenants without their site"),
    (lambda leaves: [*leaves[:3], [leaves[3][0], *leaves[4][1:]], *leaves[4:]], "is not in")])
def test_no_leaf_can_be_left_out_or_moved(made: Made, change: Any, said: str) -> None:
    raw = json.loads(made.proof)
    raw["leaves"] = change(deepcopy(raw["leaves"]))
    with pytest.raises(DocumentError, match=said):
        made.believe(data=canonical(raw))


def test_books_that_do_not_stand_make_no_passport(made: Made, tmp_path: Path) -> None:
    found = bundle.read(made.folder / "evidence")
    bundle.write(tmp_path / "altered", [*found.leaves[:9], *found.leaves[10:]],
                 {}, [one.text for one in found.terms.values()])
    for file, note in found.heads:
        (tmp_path / "altered" / file).write_bytes(note)
    assert "the books do not stand" in run(*command(made.folder, tmp_path / "altered"), code=1)


def test_what_no_head_covers_makes_no_passport(made: Made, tmp_path: Path) -> None:
    found = bundle.read(made.folder / "evidence")
    first = min(found.heads)
    bundle.write(tmp_path / "early", found.leaves, {2: first[1]},
                 [one.text for one in found.terms.values()])
    assert "wait for the next head" in run(*command(made.folder, tmp_path / "early"), code=1)


@pytest.mark.parametrize(("more", "said"), [
    ({"factors": "cn_east_2023"}, "keeps no view of factor set"),
    ({"first": "2026-07-02T00:00Z", "end": "2026-07-02T01:00Z"}, "has none of these"),
    ({"first": "2026-06-30T15:00Z"}, "4 quarter-hours are missing"),
    ({"line": "spinning"}, "line spinning has no meter")])
def test_what_the_ledger_does_not_tell_makes_no_passport(made: Made, more: dict[str, Any],
                                                        said: str) -> None:
    assert said in run(*command(made.folder, made.folder / "evidence", **more), code=1)


def test_half_an_order_is_wrong_use(made: Made) -> None:
    whole = command(made.folder, made.folder / "evidence")
    run(*whole[:1], *whole[3:], code=2)  # no evidence
    run(*whole[:3], *whole[5:], code=2)  # no key of the log
    run("verify", made.folder / "passport" / "passport.json", "--trust",
        made.folder / "park.pem.pub", "--log", str(made.log), code=2)


def test_the_issuers_key_is_asked_for_all_the_same(made: Made) -> None:
    forged = documents.sign(made.document, keyfiles.create(made.folder / "other.pem"))
    (made.folder / "forged.json").write_bytes(forged.encode())
    assert "is by key" in run(
        "verify", made.folder / "forged.json", "--trust", made.folder / "park.pem.pub", "--proof",
        made.folder / "passport" / "proof.json", "--log", str(made.log), code=1)
