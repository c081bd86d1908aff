"""Documents from files, with whose word each is."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cloud_bridge import keyfiles, source
from cloud_bridge.carbon import factors
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.documents import Document
from cloud_bridge.fields import DocumentError
from cloud_bridge.keyfiles import Trust


class Opened(NamedTuple):
    """`by`: the key that has signed, "unsigned", or "unchecked" when nobody is trusted."""

    document: Document
    by: str


def trust(keys: Iterable[Path], rotations: Iterable[Path]) -> Trust:
    """Whom to believe. DocumentError for a rotation that leads from none of them; OSError."""
    found = Trust(keyfiles.public(path) for path in keys)
    found.rotate([source.open_any(path) for path in rotations])
    return found


def open_document(path: Path, believed: Trust | None) -> Opened:
    """A document; with somebody to believe, only one that they have signed. DocumentError;
    OSError."""
    document = source.open_any(path)
    if believed is not None:
        try:
            believed.check(document)
        except DocumentError as error:
            raise DocumentError(f"{path.name}: {error}") from None
    by = document.issuer.hex() or "unsigned"
    return Opened(document, by if believed is not None or not document.issuer else
                  f"{by}, unchecked")


def open_factors(name: str, believed: Trust | None) -> tuple[FactorSet, str]:
    """A factor set and whose word it is: a shipped one by name, which nobody has signed, or a
    document. DocumentError; OSError."""
    if name in factors.shipped():
        return factors.read(source.load(factors.named(name))), "shipped, unsigned"
    if not Path(name).is_file():
        factors.named(name)  # says what there is
    opened = open_document(Path(name), believed)
    return factors.read(opened.document), opened.by
