"""A book goes on after a restart where its last leaves left it: they hold all of its state."""

from edge.ledger.leaf import origins
from edge.ledger.matrix import STORE
from edge.ledger.registers import READ


def resume(book, site: list, tenants: list, digest: bytes):
    """Set a new `book` to the state after its last quarter-hour: the numbers of that leaf, of the
    tenants' leaf behind it ([] without tenants), and the hash of the last of the two. ValueError
    when they are of other meters, views or tenants.

    What ended in between is a gap, like any time without readings.
    """
    mask = site[6]
    known = origins(mask)
    registers = [register for register in book.registers if register]
    n = book.tenants.n
    own = len(registers) - n
    flows = 3 * len(known) - 3
    store = 3 * len(known) + 3 if mask >> STORE & 1 else 0
    views = 7 + own + 2 + flows + store
    if (mask != book.mask or len(site) != views + 5 * len(book.views)
            or (tenants[1:3] != [n, len(book.views)] if n else tenants != [])):
        raise ValueError("the last leaf is of other meters, views or tenants")
    book.quarter = site[0]
    own_registers = [i for i in range(7) if mask >> i & 1]
    for i in range(own):
        registers[i].resume(site[7 + i], site[5] >> own_registers[i] & 1 == 1)
    book.matrix.owed[:] = site[7 + own:9 + own]
    if store:
        at = 9 + own + flows + 2 * len(known) + 1
        for i in known:
            book.pool.origin[i] = site[at]
            book.pool.wh += site[at]
            at += 1
    for view in book.views:
        view.inventory = site[views + 3]
        views += 5
    for i in range(n):
        at = 3 + (4 + len(book.views)) * i
        registers[own + i].resume(tenants[at], tenants[at + 1] != READ)
        book.tenants.owed[i] = tenants[at + 2]
    book.before = digest
