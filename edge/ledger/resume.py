"""A book goes on after a restart where its last leaves left it.

They hold all of its state but how far powers led a register that was not read. If it turns out to
be behind them, it is taken for a replaced one, which the next leaf tells.
"""

from edge.ledger.leaf import METERS, origins
from edge.ledger.matrix import STORE
from edge.ledger.registers import READ


def resume(book, site: list, tenants: list, digest: bytes):
    """Set a new `book` to the state after its last quarter-hour: the numbers of that leaf, of the
    tenants' leaf behind it ([] without tenants), and the hash of the last of the two. ValueError
    when they are of other meters, views or tenants.

    What ended in between is a gap, like any time without readings.
    """
    known = origins(book.mask)
    own = [i for i in range(len(METERS)) if book.registers[i]]
    n, n_views = book.tenants.n, len(book.views)
    owed = 7 + len(own)  # where each part begins
    store = owed + 2 + 3 * len(known) - 3
    views = store + (3 * len(known) + 3 if book.mask >> STORE & 1 else 0)
    told = [n, n_views] if n else []
    if (len(site) != views + 5 * n_views or site[6] != book.mask or tenants[1:3] != told
            or len(tenants) != (3 + (4 + n_views) * n + 1 + n_views if n else 0)):
        raise ValueError("the last leaf is of other meters, views or tenants")
    book.quarter = site[0]
    for at, i in enumerate(own):
        book.registers[i].resume(site[7 + at], site[5] >> i & 1)
    book.matrix.owed[:] = site[owed:owed + 2]
    if views > store:
        at = store + 2 * len(known) + 1
        for i in known:
            book.pool.origin[i] = site[at]
            at += 1
        book.pool.wh = sum(book.pool.origin)
    for at, view in enumerate(book.views):
        view.inventory = site[views + 5 * at + 3]
    for i in range(n):
        at = 3 + (4 + n_views) * i
        book.registers[len(METERS) + i].resume(tenants[at], tenants[at + 1] != READ)
        book.tenants.owed[i] = tenants[at + 2]
    book.before = digest
