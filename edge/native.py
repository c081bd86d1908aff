"""Figures in a cloud's own JSON, where there is no bridge to take our messages ([broker] json_s).

One message at QoS 1 at a time, of what is so when it is made; the broker's PUBACK ends it. That is
the weaker level: nothing is told again that the cloud forgets, and while the line is down only one
message waits. Energies, carbon and cost are cumulative since the gateway's start, so what is lost
is resolution.
"""

from edge.compat import const
from edge.journal import FIELDS
from edge.snapshot import GRID_FRESH, PV_FRESH, SOC_FRESH, STORE_FRESH
from edge.ticks import ticks_add, ticks_diff

_BYTES = const(1_536)  # the longest payload and topic: 13 figures, each with a time of its own

_NOW_MS = const(2)  # of edge.journal.FIELDS: 0 before the first beat
_READ = (("grid_w", GRID_FRESH), ("pv_w", PV_FRESH), ("store_w", STORE_FRESH),
         ("soc_pm", SOC_FRESH))
_DECIDED = ("command_w", "demand_w", "peak_w", "price_e4")
_SUMS = (("import_wh", "import_kwh", "import_wh", 1_000),
         ("export_wh", "export_kwh", "export_wh", 1_000),
         ("carbon_g", "carbon_kg", "carbon_g", 1_000),
         ("cost_e4", "cost_units", "cost_e4", 10_000))


def figures(site) -> str:
    """Pairs as of the last beat: "grid_w":1,...; what is not fresh is left out."""
    row, flags = site.now.row, site.now.flags
    pairs = []
    for name, bit in _READ:
        if flags & bit:
            pairs.append((name, row[FIELDS.index(name)]))
    for name in _DECIDED:
        pairs.append((name, row[FIELDS.index(name)]))
    for name, units, rest, factor in _SUMS:
        pairs.append((name, row[FIELDS.index(units)] * factor + row[FIELDS.index(rest)]))
    return ",".join(['"%s":%d' % pair for pair in pairs])


class Native:
    """Stands in the place of edge/sync.py, and steps the client as that does."""

    def __init__(self, client, site, account, period_s: int) -> None:
        self.told = 0  # messages handed to the client
        self._client = client
        self._site = site
        self._account = account
        self._period_ms = period_s * 1_000
        self._due_ms = -1
        if len(client.slot) < _BYTES:
            raise ValueError("the figures do not fit a packet")

    def mend(self, now_ms: int) -> None:
        """After an internal fault: another connection, and the next figures."""
        self._client.mend(now_ms)

    def step(self, now_ms: int) -> int:
        """Tell when it is due; ms until the next call."""
        wait_ms = self._client.step(now_ms)
        if not self._client.is_up() or not self._site.now.row[_NOW_MS] or (
                self._due_ms >= 0 and 0 < ticks_diff(self._due_ms, now_ms) <= self._period_ms):
            return wait_ms
        topic, payload = self._account.profile.native(
            self._account.secrets, self._account.utc_s(), self.told + 1, figures(self._site))
        at = self._client.begin(topic)
        if at < 0:
            return wait_ms
        self._client.slot[at:at + len(payload)] = payload
        self._client.commit(at + len(payload), now_ms)
        self.told += 1
        self._due_ms = ticks_add(now_ms, self._period_ms)
        return self._client.step(now_ms)
