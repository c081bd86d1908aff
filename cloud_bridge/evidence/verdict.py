"""What an audit found."""

from dataclasses import dataclass, field

from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.evidence.accounts import Account
from cloud_bridge.evidence.terms import Terms
from cloud_bridge.merkle import Leaves
from cloud_bridge.notes import Key

MOST_FAULTS = 100  # told; one is enough


@dataclass(frozen=True)
class Missing:
    """Quarter-hours `first` .. `last` that were not measured whole, and why."""

    first: int
    last: int
    why: str


@dataclass
class Verdict:
    """`faults`: what is wrong, first found first; none: the books stand. `notes`: what a reader
    should know. `heads`: how many are good. `signed`: leaves under the largest of them, of all
    `leaves`. `witnessed`: of these under a head that enough witnesses signed. `signers`: of each
    key that signed good heads the smallest and the largest of them, and the latest time a witness
    vouches for, Unix s. `sets`: the factor sets there are documents of."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    accounts: list[tuple[Account, Account | None]] = field(default_factory=list)
    terms: dict[bytes, Terms] = field(default_factory=dict)
    tree: Leaves = field(default_factory=Leaves)
    places: list[int] = field(default_factory=list)  # of each account's site leaf, in the tree
    signers: dict[Key, tuple[int, int, int]] = field(default_factory=dict)
    sets: dict[bytes, FactorSet] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)  # files of documents that are not believed
    quorum: int = 0  # witnesses that were asked for
    heads: int = 0
    signed: int = 0
    witnessed: int = 0

    @property
    def leaves(self) -> int:
        return self.tree.size

    @property
    def proven(self) -> list[tuple[Account, Account | None]]:
        """The accounts under a good head: whatever lies behind it anybody may have written."""
        return [pair for pair, place in zip(self.accounts, self.places, strict=True)
                if place + (pair[1] is not None) < self.signed]

    def fault(self, text: str) -> None:
        """Keep one more, up to a limit."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)
