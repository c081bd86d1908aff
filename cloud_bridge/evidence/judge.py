"""The audit: everything that can be wrong with the evidence of one gateway, found or ruled out.

It takes the files, the public key, and nobody's word. What it cannot know is said in its report: a
wrong ratio of a current transformer, a bypassed meter, or a key in somebody else's hands leave
books that are consistent; only the utility's meter and a witness of the heads tell.
"""

from collections.abc import Iterable, Sequence

from cloud_bridge import notes
from cloud_bridge.carbon.passport import time
from cloud_bridge.evidence import believed
from cloud_bridge.evidence.accounts import Account, LeafError, open_leaf
from cloud_bridge.evidence.bundle import Bundle
from cloud_bridge.evidence.replay import Replay
from cloud_bridge.evidence.verdict import Missing, Verdict
from cloud_bridge.keyfiles import Trust
from cloud_bridge.notes import Key, NoteError
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import EXCHANGED, GAP, METERS, OPENED, SITE
from edge.ledger.matrix import GRID

__all__ = ["Verdict", "judge", "read_accounts"]


def judge(bundle: Bundle, keys: Sequence[Key], witnesses: Sequence[Key] = (), quorum: int = 0,
          trust: Trust | None = None) -> Verdict:
    """Audit a bundle with the log's key, and those that followed it. `trust`: whose documents are
    believed, None: documents are only compared."""
    found = Verdict(faults=list(bundle.damaged), terms=bundle.terms, quorum=quorum)
    _chain(bundle, found)
    _heads(bundle, keys, witnesses, quorum, found)
    believed.documents(bundle, trust, found)
    believed.factors(trust, found)
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
        where = f"leaf {number} ({time(account.quarter)})"
        if account.kind == SITE and account.values["flags"] & OPENED and number:
            found.notes.append(f"{where}: a new account is opened; {_between(site, account)} since "
                               "the one before is in none")
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
    _remarks(found)
    for number, (one, tenants) in enumerate(found.accounts):
        if tenants is None and bundle.terms[one.terms_id].tenants:
            found.fault(f"leaf {found.places[number]} ({time(one.quarter)}): its tenants' leaf is "
                        "missing")
    if not bundle.leaves:
        found.fault("there are no leaves")


def _between(before: Account | None, after: Account) -> str:
    """What flowed between two accounts, as far as the grid's register tells."""
    if before is None or not before.values["meters"] & after.values["meters"] & 1:
        return "what flowed"
    moved = after.register_wh(GRID) - before.register_wh(GRID)
    return f"{moved - after.counted_wh(GRID, (0, 0))} Wh of import"


def _time(found: Verdict, where: str, before: Account | None, account: Account) -> None:
    """Quarter-hours lie close together, and what is missing is told."""
    values = account.values
    first = account.quarter - values["span"] + 1
    if values["span"] == 0:
        found.fault(f"{where}: spans no quarter-hour")
    if before is not None and first != before.quarter + 1:
        if not values["flags"] & OPENED or first <= before.quarter:
            found.fault(f"{where}: begins at {time(first)}, expected {time(before.quarter + 1)}")
        else:
            found.missing.append(Missing(before.quarter + 1, first - 1, "no account was kept"))
    if values["flags"] & GAP:
        found.missing.append(Missing(first, account.quarter, "gap: registers alone tell of it"))
    elif values["steps"] < 15:
        found.missing.append(Missing(first, account.quarter,
                                     f"{15 - values['steps']} of 15 minutes not measured"))


def _remarks(found: Verdict) -> None:
    """What is no fault, and what somebody who reads the figures must know."""
    silent: dict[tuple[int, ...], list[str]] = {}
    for meter, name in enumerate(METERS):
        unread = tuple(site.quarter for site, _ in found.accounts
                       if site.values["unread"] >> meter & 1)
        silent.setdefault(unread, []).append(name)
    for quarters, names in silent.items():
        if quarters:
            found.notes.append(f"registers not read in {len(quarters)} of {len(found.accounts)} "
                               f"accounts, first {time(quarters[0])}: {', '.join(names)}; powers "
                               "stand in for them")
    for site, _ in found.accounts:
        if site.values["flags"] & EXCHANGED:
            found.notes.append(f"{time(site.quarter)}: a register leapt, of a meter replaced or "
                               "read for the first time; powers stand in for what it counted")
    for (one, _), (other, _) in zip(found.accounts, found.accounts[1:], strict=False):
        if one.terms_id != other.terms_id:
            found.notes.append(f"{time(other.quarter)}: other factors, limits or tenants from here "
                               "on")


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
        if roots.setdefault(told.size, told.root) != told.root:
            found.fault(f"{file}: two heads of {told.size} leaves: the log was forked")
        if told.size > found.leaves:
            found.fault(f"{file}: is of {told.size} leaves, found {found.leaves}: "
                        f"{told.size - found.leaves} are missing at the end")
        elif told.root != found.tree.root(told.size):
            found.fault(f"{file}: its root is not that of the first {told.size} leaves")
        else:
            found.heads += 1
            found.signed = max(found.signed, told.size)
            for key, time_s in signers.items():
                low, high, latest = found.signers.get(key, (told.size, told.size, 0))
                found.signers[key] = (min(low, told.size), max(high, told.size),
                                      max(latest, time_s or 0))
            if quorum and sum(key in witnesses for key in signers) >= quorum:
                found.witnessed = max(found.witnessed, told.size)
    if not found.signed and bundle.leaves:
        found.fault("no leaf is under a good head: nothing is proven")
    elif found.signed < found.leaves:
        found.notes.append(f"the last {found.leaves - found.signed} of {found.leaves} leaves are "
                           "under no head yet: chained, but not signed, and in no figure")
    if quorum and found.witnessed < found.signed:
        found.fault(f"{found.signed - found.witnessed} leaves are under no head of {quorum} "
                    "witnesses")


def _head(note: bytes, keys: Sequence[Key], witnesses: Sequence[Key]
          ) -> tuple[notes.Checkpoint, dict[Key, int | None]]:
    """The head in a note and who signed it. NoteError when no key of the log has."""
    reason = NoteError("head: no key of the log was given")
    for key in keys:
        try:
            return notes.head(note, key, witnesses)
        except NoteError as error:
            reason = error
    raise reason
