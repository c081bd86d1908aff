"""What the numbers of a leaf imply: flags and small numbers that an account cannot choose freely.

A gap is one step, so of a gap everything follows from what its meters counted; it is worked out
again whole. Of fifteen minutes only the sums are in the leaf.
"""

from collections.abc import Iterator

from cloud_bridge.evidence.accounts import Account
from cloud_bridge.evidence.terms import Terms
from edge.ledger.apportion import serve
from edge.ledger.leaf import (
    EXCHANGED,
    GAIN,
    GAP,
    IMBALANCE,
    METERS,
    OPENED,
    OVERCOUNT,
    TIME_SYNCED,
)
from edge.ledger.matrix import Matrix
from edge.ledger.registers import REPLACED

_STEPS_MIN = 10  # minutes measured, or it is a gap; as in edge/ledger/book.py
_FLAGS = IMBALANCE | OVERCOUNT | GAIN | GAP | OPENED | EXCHANGED


def site(account: Account, terms: Terms, owed_before: list[int]) -> Iterator[str]:
    """A site's leaf by itself, and after what was owed [charge, export] before it."""
    values, flags = account.values, account.values["flags"]
    gap = values["span"] > 1 or values["steps"] < _STEPS_MIN
    owed = account.owed
    if values["steps"] > 15 or values["time"] > TIME_SYNCED or flags & ~_FLAGS:
        yield f"has {values['steps']} minutes, a clock of quality {values['time']} and flags " \
              f"{flags}, which no account has"
    if gap != bool(flags & GAP):
        yield f"is {'no' if gap else 'a'} gap by its flags, with {values['span']} quarter-hours " \
              f"and {values['steps']} minutes"
    if bool(flags & GAIN) != bool(values.get("gain_wh", 0)):
        yield f"flags and the gain of {values.get('gain_wh', 0)} Wh contradict each other"
    if not _agree(bool(flags & IMBALANCE), any(owed), gap):
        yield f"flags and the {sum(owed)} Wh owed to charge and export contradict each other"
    if flags & OVERCOUNT and not terms.tenants:
        yield "has tenants that count too much, and no tenants"
    if values["unread"] & ~values["meters"] or (flags & EXCHANGED and not values["unread"]):
        yield f"tells of unread meters {values['unread']:#x} of {values['meters']:#x}" \
              f"{', one of them exchanged' if flags & EXCHANGED else ''}"
    for meter, limits in enumerate(terms.meters):
        if limits is not None and account.register_wh(meter) >= limits[0]:
            yield f"register {METERS[meter]} shows {account.register_wh(meter)} Wh, and turns " \
                  f"over at {limits[0]}"
    asked = [account.counted_wh(METERS.index(name), owed_before) for name in ("charge", "export")]
    if min(asked) < 0:
        yield f"owed {owed} Wh to charge and export, after {owed_before}: more was paid than flowed"
    elif gap:
        matrix = Matrix()
        matrix.owed[:] = owed_before
        matrix.step([sum(account.flows[at:at + 3]) for at in range(0, 15, 3)], asked, False)
        if matrix.flows != account.flows or matrix.owed != owed:
            yield "is a gap, and not poured as one: the first source to the load first"


def tenants(account: Account, one: Account, terms: Terms, before: Account | None) -> Iterator[str]:
    """The leaf of the tenants, `one`, behind their site's; `before`: the one of the quarter-hour
    before, None where the account was opened since."""
    values, site_flags, n = one.values, account.values["flags"], len(terms.tenants)
    if values["tenants"] != n or values["views"] != len(terms.factors):
        yield f"is of {values['tenants']} tenants and {values['views']} views, expected {n} and " \
              f"{len(terms.factors)}"
    asked, owed, owed_before = [], [], []
    for number, (name, limits) in enumerate(terms.tenants):
        key = f"tenant_{number}_"
        owed.append(values[key + "owed_wh"])
        owed_before.append(before.values[key + "owed_wh"] if before else 0)
        asked.append(values[key + "wh"] + owed[-1] - owed_before[-1])
        state, register_wh = values[key + "state"], values[key + "register_wh"]
        if state > REPLACED or register_wh >= limits[0] or asked[-1] < 0:
            yield f"{name}: state {state}, register {register_wh} Wh, {owed[-1]} Wh owed after " \
                  f"{owed_before[-1]}: no account has these"
        elif before is not None and state != REPLACED:
            moved = (register_wh - before.values[key + "register_wh"]) % limits[0]
            if moved != asked[-1] % limits[0]:
                yield f"register of {name} moved by {moved} Wh, and {asked[-1]} Wh were counted"
    gap = bool(site_flags & GAP)
    if not _agree(bool(site_flags & OVERCOUNT), any(owed), gap):
        yield f"flags and the {sum(owed)} Wh owed to tenants contradict each other"
    if gap and min(asked) >= 0:
        given = [0] * n
        common = serve(account.load_wh, asked, owed_before, given)
        told = [values[f"tenant_{number}_wh"] for number in range(n)]
        if (told, values["common_wh"], owed) != (given, max(common, 0), owed_before):
            yield f"is a gap in which tenants have {told} Wh, expected {given}"


def _agree(short: bool, owed: bool, gap: bool) -> bool:
    """Whether an account in which more was asked than flowed may be left owing that: whoever owes
    at the end was short in the last minute; in a gap there is but one step."""
    return short == owed if gap else short or not owed
