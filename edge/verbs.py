"""What a command may ask for (edge/command.py)."""

from edge import lease
from edge.compat import const

RELEASE = const(8)  # verbs
# What a verb takes a lease on, and the lowest and highest value of each argument; W, or per mille.
VERBS = {
    1: (lease.IMPORT, ((0, 8_000_000),)),
    2: (lease.EXPORT, ((0, 8_000_000),)),
    3: (lease.CHARGE, ((0, 8_000_000),)),
    4: (lease.DISCHARGE, ((0, 8_000_000),)),
    5: (lease.FLOOR, ((0, 1000),)),
    6: (lease.SETPOINT, ((-8_000_000, 8_000_000), (0, 1))),  # 1 = exactly, 0 = no more than
    7: (lease.STOP, ()),
    RELEASE: (-1, ()),
}
