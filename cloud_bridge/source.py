"""The form of a document that people write: TOML.

`kind` and `issued` stand at the top, all else is the body. Decimals and dates become the texts
they were written as, exactly; a key that ends in `_file` is replaced by the lines of that file,
which lies beside. What each kind must hold is read by `cloud_bridge/carbon/<kind>.py`.
"""

import datetime
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from cloud_bridge import documents, fields
from cloud_bridge.documents import Document
from cloud_bridge.fields import DocumentError

KINDS = ("factors", "statement")  # what people write; programs write the others
_HEAD = {"kind": fields.one_of(KINDS), "issued": fields.DATE}


def toml(path: Path) -> dict[str, Any]:
    """A TOML file as texts, whole numbers, lists and tables. DocumentError; OSError."""
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8-sig"), parse_float=str)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path.name}: is not TOML: {error}") from None
    plain: dict[str, Any] = _plain(raw, path.parent)
    return plain


def load(path: Path) -> Document:
    """A document from its source, not signed yet. DocumentError names file and key; OSError."""
    raw = toml(path)
    try:
        head = {name: raw.pop(name, None) for name in _HEAD}
        fields.read("document", {name: one for name, one in head.items() if one is not None},
                    _HEAD)
        document = Document(head["kind"], head["issued"], raw)
        documents.canonical(raw)
        check(document)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from None
    return document


def check(document: Document) -> None:
    """DocumentError when the body is not what its kind must hold."""
    if document.kind in KINDS:
        import_module(f"cloud_bridge.carbon.{document.kind}").read(document)


def open_any(path: Path) -> Document:
    """A document from its file, or from its source (`.toml`, not signed). DocumentError; OSError"""
    if path.suffix == ".toml":
        return load(path)
    try:
        return documents.parse(path.read_bytes())
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from None


def _plain(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        found = {}
        for name, inner in value.items():
            if name.endswith("_file") and isinstance(inner, str):
                found[name.removesuffix("_file")] = _lines(folder / inner)
            else:
                found[name] = _plain(inner, folder)
        return found
    if isinstance(value, list):
        return [_plain(inner, folder) for inner in value]
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="minutes")
    return value


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except ValueError:
        raise DocumentError(f"{path.name}: is not UTF-8 text") from None


