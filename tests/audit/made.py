"""Evidence to tamper with: a made-up park's ledger, and what somebody with a key can make of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_bridge import documents
from cloud_bridge.carbon import factors
from cloud_bridge.carbon.passport import time
from cloud_bridge.documents import Document
from cloud_bridge.evidence import bundle, gathered
from cloud_bridge.evidence.judge import judge
from cloud_bridge.evidence.terms import id_of, make
from cloud_bridge.evidence.verdict import Verdict
from cloud_bridge.keyfiles import Trust
from cloud_bridge.merkle import Leaves
from cloud_bridge.notes import Key, cosigned
from edge.evidence.note import COSIGNATURE, checkpoint, signed
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import Leaf, unpack
from tests.ledger.kept import FACTORS, LIMITS, ORIGIN, SEED, TENANTS, Park, keys_of

SECRET = Ed25519PrivateKey.from_private_bytes(SEED)
KEY = Key(ORIGIN, SECRET.public_key().public_bytes_raw())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER_KEY = Key(ORIGIN, OTHER.public_key().public_bytes_raw())
PAIR = (LIMITS[0], LIMITS[1])


@cache
def factor_set() -> Document:
    """Signed by OTHER; its factors are those of the park's first view."""
    def one(energy: str, mg: int) -> dict[str, object]:
        return {"energy": energy, "basis": "fossil", "gas": "CO2", "unit": "g/kWh",
                "value": f"{mg / 1000:.1f}", "year": 2022, "source": "made up",
                "valid_from": "2026-01-01"}

    body = {"name": "made", "title": "Made up", "region": "nowhere", "utc_offset_min": 480,
            "factors": [one(energy, mg) for energy, mg in
                        zip(("grid", "gen", "residual", "direct", "pv"), FACTORS[0], strict=True)]}
    document = documents.sign(Document("factors", "2026-01-01", body), OTHER)
    assert factors.read(document).id == document.id
    return document


def terms(tenants: Sequence[str] = TENANTS) -> bytes:
    return make(FACTORS, ["made", "other"], [factor_set().id, bytes(range(8))],
                [PAIR, None, PAIR, PAIR, PAIR, PAIR, PAIR], [(name, PAIR) for name in tenants])


class Sunny(Park):
    """A park that exports: its sun is up to eight times as strong."""

    calls = 0

    def below(self, n):
        """Load, sun and battery ask in turn."""
        self.calls += 1
        return super().below(n) * (8 if self.calls % 3 == 2 else 1)


def park(tenants: Sequence[str] = TENANTS, head_quarters: int = 4, kind: type[Park] = Park) -> Park:
    text = terms(tenants)
    return kind(keys_of(tenants, text, id_of(text).hex(), head_quarters))


def live(one: Park, quarters: int) -> Park:
    for _ in range(quarters):
        one.quarter()
        one.work()
    return one


@cache
def messages(quarters: int = 6, gap: bool = False, kind: type[Park] = Park
             ) -> tuple[tuple[int, bytes], ...]:
    """What a gateway sends; with a `gap`, three quarter-hours of it are spent switched off."""
    one = live(park(kind=kind), quarters // 2)
    if gap:
        for _ in range(3):
            one.quarter()
        one.start()
    live(one, quarters - quarters // 2)
    return tuple(one.outbox.messages)


def write(folder: Path, sent: Sequence[tuple[int, bytes]] = ()) -> Path:
    """The folder that `audit` takes, with the document of its factors."""
    folder.mkdir(parents=True, exist_ok=True)
    gathered.sort(sent or messages()).write(folder)
    (folder / "documents" / "made.json").write_bytes(factor_set().encode())
    return folder


def copy(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to


def audit(folder: Path, **options: object) -> Verdict:
    return judge(bundle.read(folder), [KEY], **options)  # type: ignore[arg-type]


def leaves(folder: Path) -> list[bytes]:
    return bundle.read(folder).leaves


def put(folder: Path, found: Sequence[bytes]) -> None:
    (folder / "leaves.bin").write_bytes(b"".join(
        len(leaf).to_bytes(2, "big") + leaf for leaf in found))


def sign(folder: Path, found: Sequence[bytes], secret: Ed25519PrivateKey = SECRET,
         size: int | None = None, name: str = "") -> bytes:
    """Put a head over the first `size` of these leaves in the place of all, or beside them."""
    size = len(found) if size is None else size
    text = checkpoint(ORIGIN, size, Leaves(leaf_hash(leaf) for leaf in found).root(size))
    key = Key(ORIGIN, secret.public_key().public_bytes_raw())
    note = signed(text, ORIGIN, key.id, secret.sign(text))
    if not name:
        for path in (folder / "heads").iterdir():
            path.unlink()
    (folder / "heads" / (name or f"{size}.note")).write_bytes(note)
    return note


def changed(leaf: bytes, change: Callable[[list[int]], None], before: bytes,
            terms_id: bytes | None = None) -> bytes:
    """The leaf with other numbers, chained to the one before."""
    kind, numbers, told_id, _ = unpack(leaf)
    change(numbers)
    coder = Leaf(kind, len(numbers))
    coder.begin(numbers)
    while not coder.step(terms_id or told_id, before):
        pass
    return bytes(coder.buffer[:coder.n])


def rebuilt(found: Sequence[bytes], number: int, change: Callable[[list[int]], None]
            ) -> list[bytes]:
    """All leaves with one changed, and the chain made anew from there."""
    made: list[bytes] = []
    before = bytes(32)
    for at, leaf in enumerate(found):
        made.append(changed(leaf, change if at == number else lambda numbers: None, before))
        before = leaf_hash(made[-1])
    return made


__all__ = ["COSIGNATURE", "FACTORS", "LIMITS", "ORIGIN", "SEED", "TENANTS", "Key",
           "Park", "Trust", "bundle", "cosigned", "id_of", "judge", "keys_of", "time"]
