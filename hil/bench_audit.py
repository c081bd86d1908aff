"""What an audit costs: a year of one gateway, as processor time of a fresh process."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_bridge import source
from cloud_bridge.carbon import factors
from cloud_bridge.evidence import bundle, terms
from cloud_bridge.merkle import Leaves
from cloud_bridge.notes import Key
from edge.evidence.note import checkpoint, signed
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import METERS
from hil.bench_tree import ROOT
from hil.ledger_day import LIMITS, METERED, leaves

DAYS = 365
_ORIGIN = "bench/year"
_ENERGIES = ("grid", "gen", "residual", "direct", "pv")
_SETS = ("cn_910_fossil", "cn_average_2023")


def measure() -> dict[str, float]:
    """A year of leaves in two views, a head a day, audited from the files."""
    with tempfile.TemporaryDirectory() as name:
        key = evidence(Path(name), DAYS)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "cloud_bridge", "audit", name, "--key", key],
                       check=True, capture_output=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"ledger.audit_year_seconds": round(
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)}


def evidence(folder: Path, days: int) -> str:
    """Write the evidence of a factory to the folder; the public key it stands by."""
    secret = Ed25519PrivateKey.generate()
    key = Key(_ORIGIN, secret.public_key().public_bytes_raw())
    sets = [factors.read(source.load(factors.named(name))) for name in _SETS]
    rows = [[one.mg_per_kwh(energy, one.newest) for energy in _ENERGIES] for one in sets]
    text = terms.make(rows, _SETS, [one.id for one in sets],
                      [LIMITS if name in METERED else None for name in METERS], [])
    made = list(leaves(days, rows, terms.id_of(text)))
    tree = Leaves(map(leaf_hash, made))
    heads = {}
    for size in range(96, len(made) + 1, 96):
        told = checkpoint(_ORIGIN, size, tree.root(size))
        heads[size] = signed(told, _ORIGIN, key.id, secret.sign(told))
    bundle.write(folder, made, heads, [text])
    return str(key)
