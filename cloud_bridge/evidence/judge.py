"""The audit: everything that can be wrong with the evidence of one gateway, found or ruled out.

It takes the files, the public key, and nobody's word. What it cannot know is said in its report: a
wrong ratio of a current transformer, a bypassed meter, or a key in somebody else's hands leave
books that are consistent; only the utility's meter and a witness of the heads tell.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cloud_bridge import notes
from cloud_bridge.carbon import factors as factor_sets
from cloud_bridge.evidence.accounts import Account, LeafError, open_leaf
from cloud_bridge.evidence.bundle import Bundle
from cloud_bridge.evidence.replay import Replay
from cloud_bridge.evidence.terms import Terms
from cloud_bridge.fields import DocumentError
from cloud_bridge.keyfiles import Trust
from cloud_bridge.merkle import Leaves
from cloud_bridge.notes import Key, NoteError
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import GAP, OPENED, SITE, TIME_SYNCED

_MOST_FAULTS = 100  # told; one is enough


@dataclass(frozen=True)
class Missing:
    """Quarter-hours `first` .. `last` that were not measured whole, and why."""

    first: int
    last: int
    why: str


@dataclass
class Verdict:
    """`faults`: what is wrong, first found first; none: the books stand. `notes`: what a reader
    should know. `signed`: leaves under the largest good head, of all `leaves`. `witnessed`: of
    these under a head that enough witnesses signed."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    accounts: list[tuple[Account, Account | None]] = field(default_factory=list)
    terms: dict[bytes, Terms] = field(default_factory=dict)
    tree: Leaves = field(default_factory=Leaves)
    places: list[int] = field(default_factory=list)  # of each account's site leaf, in the tree
    quorum: int = 0  # witnesses that were asked for
    heads: int = 0
    signed: int = 0
    witnessed: int = 0
    minutes: int = 0  # measured
    unsynced: int = 0  # quarter-hours in which the clock was not set from outside

    @property
    def leaves(self) -> int:
        return self.tree.size

    @property
    def quarters(self) -> int:
        """From the first to the last, measured or not."""
        return sum(site.values["span"] for site, _ in self.accounts)

    def fault(self, text: str) -> None:
        """Keep one more, up to a limit."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(text)


def judge(bundle: Bundle, keys: Sequence[Key], witnesses: Sequence[Key] = (), quorum: int = 0,
          trust: Trust | None = None) -> Verdict:
    """Audit a bundle with the log's key, and those that followed it. `trust`: whose documents are
    believed, None: documents are only compared."""
    found = Verdict(faults=list(bundle.damaged), terms=bundle.terms, quorum=quorum)
    _chain(bundle, found)
    _heads(bundle, keys, witnesses, quorum, found)
    _factors(bundle, trust, found)
    return found


def read_accounts(bundle: Bundle) -> Verdict:
    """The accounts of a bundle, judged by themselves alone."""
    found = Verdict(terms=bundle.terms)
    _chain(bundle, found)
    return found


def _chain(bundle: Bundle, found: Verdict) -> None:
    """Every leaf: of one chain, in order, without holes, and following from the one before."""
    before = bytes(32)
    replay = Replay()
    site: Account | None = None
    for number, leaf in enumerate(bundle.leaves):
        digest = leaf_hash(leaf)
        found.tree.append(digest)
        try:
            account = open_leaf(leaf, bundle.terms)
        except LeafError as error:
            found.fault(f"leaf {number}: {error}")
            before = digest
            continue
        where = f"leaf {number} (quarter-hour {account.quarter})"
        if account.kind == SITE and account.values["flags"] & OPENED and number:
            found.notes.append(f"{where}: a new account is opened; what flowed since the one "
                               "before is in none")
        if account.before != before:
            found.fault(f"{where}: does not follow the leaf before: one was altered, dropped, "
                        "moved, doubled or put in")
        before = digest
        terms = bundle.terms[account.terms_id]
        if account.kind != SITE:
            if site is None or found.accounts[-1][1] is not None:
                found.fault(f"{where}: tenants without their site")
                continue
            found.accounts[-1] = (site, account)
            wrong: Iterable[str] = replay.tenants(account, terms)
        else:
            _time(found, where, site, account)
            site = account
            found.accounts.append((account, None))
            found.places.append(number)
            wrong = replay.site(account, terms)
        for text in wrong:
            found.fault(f"{where}: {text}")
    for number, (one, tenants) in enumerate(found.accounts):
        if tenants is None and bundle.terms[one.terms_id].tenants:
            found.fault(f"leaf {found.places[number]} (quarter-hour {one.quarter}): its tenants' "
                        "leaf is missing")
    if not bundle.leaves:
        found.fault("there are no leaves")


def _time(found: Verdict, where: str, before: Account | None, account: Account) -> None:
    """Quarter-hours lie close together, and what is missing is told."""
    values = account.values
    first = account.quarter - values["span"] + 1
    if not (0 < values["span"] <= account.quarter and values["steps"] <= 15 * values["span"]):
        found.fault(f"{where}: spans {values['span']} quarter-hours with {values['steps']} minutes")
    if before is not None and first != before.quarter + 1:
        if not values["flags"] & OPENED or first <= before.quarter:
            found.fault(f"{where}: begins at {first}, expected {before.quarter + 1}")
        else:
            found.missing.append(Missing(before.quarter + 1, first - 1, "no account was kept"))
    if values["flags"] & GAP:
        found.missing.append(Missing(first, account.quarter, "gap: registers alone tell of it"))
    elif values["steps"] < 15:
        found.missing.append(Missing(first, account.quarter,
                                     f"{15 - values['steps']} of 15 minutes not measured"))
    found.minutes += values["steps"]
    found.unsynced += values["span"] if values["time"] != TIME_SYNCED else 0


def _heads(bundle: Bundle, keys: Sequence[Key], witnesses: Sequence[Key], quorum: int,
           found: Verdict) -> None:
    """Every head is the log's own, of these leaves, and no two of one size differ."""
    roots: dict[int, bytes] = {}
    for file, note in bundle.heads:
        try:
            told, signers = _head(note, keys, witnesses)
        except NoteError as error:
            found.fault(f"{file}: {error}")
            continue
        found.heads += 1
        if roots.setdefault(told.size, told.root) != told.root:
            found.fault(f"{file}: two heads of {told.size} leaves: the log was forked")
        if told.size > found.leaves:
            found.fault(f"{file}: is of {told.size} leaves, found {found.leaves}: "
                        f"{told.size - found.leaves} are missing at the end")
        elif told.root != found.tree.root(told.size):
            found.fault(f"{file}: its root is not that of the first {told.size} leaves")
        else:
            found.signed = max(found.signed, told.size)
            if quorum and signers - 1 >= quorum:
                found.witnessed = max(found.witnessed, told.size)
    if not found.signed and bundle.leaves:
        found.fault("no leaf is under a good head: nothing is proven")
    elif found.signed < found.leaves:
        found.notes.append(f"the last {found.leaves - found.signed} of {found.leaves} leaves are "
                           "under no head yet: chained, but not signed")
    if quorum and found.witnessed < found.signed:
        found.fault(f"{found.signed - found.witnessed} leaves are under no head of {quorum} "
                    "witnesses")


def _head(note: bytes, keys: Sequence[Key], witnesses: Sequence[Key]
          ) -> tuple[notes.Checkpoint, int]:
    """The head in a note and how many have signed it. NoteError when no key of the log has."""
    *others, last = keys
    for key in others:
        with suppress(NoteError):
            told, signers = notes.head(note, key, witnesses)
            return told, len(signers)
    told, signers = notes.head(note, last, witnesses)
    return told, len(signers)


def _factors(bundle: Bundle, trust: Trust | None, found: Verdict) -> None:
    """Whose word the factors are, and that the account used what the document says."""
    sets = {}
    for file, document in bundle.documents:
        if document.kind != "factors":
            continue
        try:
            if trust is not None:
                trust.check(document)
            sets[document.id] = factor_sets.read(document)
        except DocumentError as error:
            found.fault(f"{file}: {error}")
    for terms, first, last in _used(found):
        for row, name, number in zip(terms.factors, terms.names, terms.sets, strict=True):
            known = sets.get(number) or factor_sets.by_id(number)
            if known is None:
                found.notes.append(f"factors {name} {number.hex()}: no such document here; they "
                                   "are the gateway's word: " + " ".join(map(str, row)))
                continue
            told = [[known.mg_per_kwh(energy, quarter) for energy in
                     ("grid", "gen", "residual", "direct", "pv")] for quarter in (first, last)]
            if list(row) not in told:
                found.fault(f"factors {name} {number.hex()}: the account used {list(row)}, the "
                            f"document says {told[0]}")


def _used(found: Verdict) -> list[tuple[Terms, int, int]]:
    """The terms that leaves name, with the first and last quarter-hour of each."""
    spans: dict[bytes, tuple[int, int]] = {}
    for site, _ in found.accounts:
        first, last = spans.get(site.terms_id, (site.quarter, site.quarter))
        spans[site.terms_id] = (min(first, site.quarter), max(last, site.quarter))
    return [(found.terms[number], *span) for number, span in spans.items()]
