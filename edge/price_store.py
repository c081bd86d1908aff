"""Pushed prices of the running day and the next one, kept over a restart as one record.

JSON [[day, what], ...] (edge/price_push.py) in edge/keep.py: a power cut leaves the old record or
the new one. What is torn all the same, or no longer fits the tariff, counts as no push: the day has
the profile that the calendar names then, and where a push is expected every row says that it did
not come.
"""

import json

from edge.compat import TYPE_CHECKING, const
from edge.keep import Keep
from edge.price_push import take

if TYPE_CHECKING:
    from edge.blocks import Blocks

_BYTES = const(2000)  # two days of 96 prices of at most eight characters, and what is between


def restore(site, device: "Blocks") -> None:
    """Take the prices that the device holds, and keep there what is pushed from now on."""
    calendar, store, kept = site.prices, Keep(device, _BYTES), []
    record = store.load()
    for day, what in json.loads(record) if record else ():
        if not take(calendar, day, what):
            kept.append([day, what])

    def keep(day: int, what):
        """Keep a push in place of the one two days before it; OSError when the flash refuses."""
        kept[:] = [one for one in kept if one[0] & 1 != day & 1] + [[day, what]]
        body = json.dumps(kept).encode()
        store.store(body, len(body))

    calendar.keep = keep
