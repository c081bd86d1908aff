"""What the coder of a row (edge/wire/row_encoder.py) calls its kinds and limits, for those who read
it: there the names are private, because a gateway folds them into its bytecode."""

from edge.wire import quanta, row_encoder

ABSOLUTE = row_encoder._ABSOLUTE
ALIKE = row_encoder._ALIKE
CARRY = row_encoder._CARRY
DAY_S = row_encoder._DAY_S
EARLY = row_encoder._EARLY
EDGE = row_encoder._EDGE
EXPORT = row_encoder._EXPORT
FAR = row_encoder._FAR
JOINED = row_encoder._JOINED
LEVEL_MAX = row_encoder._LEVEL_MAX
LINKED = row_encoder._LINKED
LINK_MAX = row_encoder._LINK_MAX
MORE_MAX = row_encoder._MORE_MAX
POWER_MAX_W = row_encoder._POWER_MAX_W
RATIO = row_encoder._RATIO
REACH = row_encoder._REACH
TICKS = row_encoder._TICKS
TIME = row_encoder._TIME
UNIT = row_encoder._UNIT
WAKE = row_encoder._WAKE
WOKEN = row_encoder._WOKEN


def in_steps(level: int, first: int, quantum: int) -> tuple[int, int]:
    """What a schema says of a field, when its surprises are told in steps of a quantum."""
    octaves = quantum.bit_length() - 1
    return max(level - octaves * quanta._OCTAVE, 1), max(first - octaves, 1)
