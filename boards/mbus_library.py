"""pyMeterBus, imported here alone.

It is pinned: what this project asks of it are frames, the meaning of information blocks and the
tables of units, through names that version 2 will not have. Importing it gives the whole process
a logger to the console, which is taken back.
"""

import logging
from typing import Any

_root = logging.getLogger()
_handlers, _level = _root.handlers[:], _root.level

import meterbus as _meterbus  # noqa: E402

_root.handlers[:] = _handlers
_root.setLevel(_level)

meterbus: Any = _meterbus
