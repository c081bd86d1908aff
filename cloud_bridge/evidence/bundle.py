"""The evidence of one gateway as files, complete in one folder and readable without the gateway:

    leaves.bin            every leaf: its length in two bytes, most significant first, and itself
    heads/<size>.note     signed tree heads (c2sp.org/signed-note)
    terms/<id>.json       the terms that leaves name (cloud_bridge/evidence/terms.py)
    documents/*.json      factor sets, statements, rotations of keys: signed documents
    key.txt               the public key as the gateway told it; take yours from elsewhere
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cloud_bridge import documents
from cloud_bridge.documents import Document
from cloud_bridge.evidence import terms
from cloud_bridge.evidence.terms import Terms
from cloud_bridge.fields import DocumentError

LEAVES, HEADS, TERMS, DOCUMENTS, KEY = "leaves.bin", "heads", "terms", "documents", "key.txt"


@dataclass
class Bundle:
    """`leaves` in order, as they came; `heads`: (file, note); `damaged`: what could not be read at
    all, a line each."""

    leaves: list[bytes] = field(default_factory=list)
    heads: list[tuple[str, bytes]] = field(default_factory=list)
    terms: dict[bytes, Terms] = field(default_factory=dict)
    documents: list[tuple[str, Document]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def read(folder: Path) -> Bundle:
    """All of it. OSError; whatever the bytes are, nothing else."""
    found = Bundle()
    if (folder / LEAVES).exists() and not (folder / LEAVES).is_file():
        found.damaged.append(f"{LEAVES}: is no plain file")
    else:
        _split((folder / LEAVES).read_bytes(), found)
    for path in _files(folder / HEADS, "*.note", found):
        found.heads.append((f"{HEADS}/{path.name}", path.read_bytes()))
    for path in _files(folder / TERMS, "*.json", found):
        try:
            one = terms.parse(path.read_bytes())
            found.terms[one.id] = one
        except DocumentError as error:
            found.damaged.append(f"{TERMS}/{path.name}: {error}")
    for path in _files(folder / DOCUMENTS, "*.json", found):
        try:
            found.documents.append((f"{DOCUMENTS}/{path.name}", documents.parse(path.read_bytes())))
        except DocumentError as error:
            found.damaged.append(f"{DOCUMENTS}/{path.name}: {error}")
    return found


def write(folder: Path, leaves: Iterable[bytes], heads: Mapping[int, bytes],
          texts: Iterable[bytes], key: str = "") -> None:
    """Make such a folder, or bring one up to date; documents and cosignatures in it are left
    alone. OSError."""
    for part in (HEADS, TERMS, DOCUMENTS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / LEAVES).write_bytes(b"".join(
        len(leaf).to_bytes(2, "big") + leaf for leaf in leaves))
    for size, note in heads.items():
        path = folder / HEADS / f"{size:010d}.note"
        if not (path.exists() and path.read_bytes().startswith(note)):  # cosigned meanwhile
            path.write_bytes(note)
    for text in texts:
        (folder / TERMS / f"{terms.id_of(text).hex()}.json").write_bytes(text)
    if key:
        (folder / KEY).write_text(key + "\n", encoding="ascii")


def _files(folder: Path, pattern: str, found: Bundle) -> list[Path]:
    """Plain files alone: a pipe or a device in their place would never end."""
    paths = sorted(folder.glob(pattern))
    found.damaged += [f"{folder.name}/{path.name}: is no plain file" for path in paths
                      if not path.is_file()]
    return [path for path in paths if path.is_file()]


def _split(data: bytes, found: Bundle) -> None:
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at:at + 2], "big")
        if end > len(data):
            found.damaged.append(f"{LEAVES}: ends within leaf {len(found.leaves)}")
            return
        found.leaves.append(data[at + 2:end])
        at = end
