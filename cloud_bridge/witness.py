"""`witness`: somebody outside vouches for a log's heads: each extends the last one it has seen.

A gateway can be put back to last week, and its owner can show one history to the auditor and
another to the buyer. Neither gets past a witness that remembers: it signs a head only when the
leaves prove that it begins with the head it signed before (c2sp.org/tlog-witness, by files).
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from cloud_bridge import keyfiles, notes
from cloud_bridge.evidence import bundle
from cloud_bridge.fields import DocumentError, hexadecimal, read, whole
from cloud_bridge.merkle import Leaves
from cloud_bridge.notes import Checkpoint, Key, NoteError
from cloud_bridge.said import FILE, refusing
from edge.evidence.note import COSIGNATURE
from edge.evidence.tree import leaf_hash

_SEEN = {"size": whole(0, 2**53 - 1), "root": hexadecimal(32)}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--log", "log", required=True, metavar="KEY", help="The log's public key, or a file.")
@click.option("--key", type=FILE, required=True, help="The witness's secret key (`keys new`).")
@click.option("--name", required=True, help="The witness's name, e.g. auditor.example/park.")
@click.option("--memory", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="Where it remembers the last head of each log; never delete it.")
@click.option("--json", "as_json", is_flag=True, help="Say so as JSON.")
def main(folder: Path, log: str, key: Path, name: str, memory: Path, as_json: bool) -> None:
    """Cosign the newest head in FOLDER, if it extends what was cosigned before. The key that others
    are to be given is printed.

    \b
    Example:
      python -m cloud_bridge witness evidence --log evidence/key.txt --key witness.pem --name auditor.example/park --memory seen.json
    """  # noqa: E501  # a command is one line
    with refusing():
        try:
            said = _witness(folder, notes.key_from(log), key, name, memory)
        except NoteError as error:
            raise DocumentError(str(error)) from None
    click.echo(json.dumps(said) if as_json else
               f"{said['origin']}: head of {said['size']} leaves cosigned"
               f"{' already' if said['already'] else ''}, {said['before']} seen before\n"
               f"witness  {said['witness']}")


def _witness(folder: Path, log: Key, key: Path, name: str, memory: Path) -> dict[str, Any]:
    secret = keyfiles.secret(key)
    witness = Key(name, secret.public_key().public_bytes_raw(), COSIGNATURE)
    found = bundle.read(folder)
    if found.damaged:
        raise DocumentError(found.damaged[0])
    tree = Leaves(leaf_hash(leaf) for leaf in found.leaves)
    file, note, head = _newest(found.heads, log, tree)
    seen = _recall(memory)
    size, root = seen.get(log.name, (0, b""))
    if head.size < size:
        raise DocumentError(f"{file}: is of {head.size} leaves, and {size} were cosigned before: "
                            "the log was put back")
    if size and tree.root(size) != root:
        raise DocumentError(f"{file}: does not begin with the {size} leaves that were cosigned "
                            "before: the log was forked")
    _, signers = notes.head(note, log, [witness])
    if witness not in signers:  # once is enough: a note holds only so many signatures
        seen[log.name] = head.size, head.root
        _remember(memory, seen)  # before anybody hears of it
        (folder / file).write_bytes(notes.cosigned(note, name, secret, int(time.time())))
    return {"origin": log.name, "size": head.size, "before": size, "witness": str(witness),
            "already": witness in signers}


def _newest(heads: list[tuple[str, bytes]], log: Key, tree: Leaves
            ) -> tuple[str, bytes, Checkpoint]:
    """The largest head; each of them must be of these leaves."""
    best: tuple[str, bytes, Checkpoint] | None = None
    for file, note in heads:
        head, _ = notes.head(note, log)
        if head.size > tree.size or tree.root(head.size) != head.root:
            raise DocumentError(f"{file}: is not the head of the leaves here")
        if best is None or head.size > best[2].size:
            best = file, note, head
    if best is None:
        raise DocumentError("heads: found none, expected a signed head")
    return best


def _recall(memory: Path) -> dict[str, tuple[int, bytes]]:
    if not memory.exists():
        return {}
    try:
        raw = json.loads(memory.read_text(encoding="utf-8"))
        return {str(name): (got["size"], got["root"]) for name, one in raw.items()
                if (got := read(f"{memory}: {name}", one, _SEEN))}
    except (ValueError, AttributeError, RecursionError) as error:
        raise DocumentError(f"{memory}: is no memory of a witness: {error}") from None


def _remember(memory: Path, seen: dict[str, tuple[int, bytes]]) -> None:
    """Whole or not at all, and durably."""
    fresh = memory.with_name(memory.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({name: {"size": size, "root": root.hex()}
                   for name, (size, root) in sorted(seen.items())}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(memory)
