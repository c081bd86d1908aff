"""What the ledger is told: on the beat each minute's powers, and the registers that end a quarter.

A meter of a line or a tenant is a role of its own (`SubMeter`), beside those the beat works with.
"""

from edge.compat import const
from edge.devices.roles import plausible_w
from edge.ledger.minutes import Minutes

TIME_UNKNOWN = const(0)  # as in edge/ledger/leaf.py
TIME_SYNCED = const(2)
_MINUTES = const(15)
_DAY_MINUTES = const(1440)
_IMPORT, _GENERATOR, _DISCHARGE, _DIRECT, _PV, _CHARGE, _EXPORT = 0, 1, 2, 3, 4, 5, 6


class SubMeter:
    """A meter whose power says in which minutes its register has moved. Energy counts whichever
    way the meter calls import; what it may have exported is not asked for."""

    SIGNALS = ("grid_w", "import_wh", "export_wh")
    NEEDS = ("grid_w",)

    def __init__(self):
        self.wh = -1  # its register; -1: not read since it was asked for last
        self.heard = False  # whether it had a power to tell when it was asked last
        self._sum_w = self._count = 0

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal == "grid_w":
            if not plausible_w(value):
                return False
            if value > 0 and self._count < 100:  # 31 bits
                self._sum_w += value
            self._count += 1
        elif signal == "import_wh" and value >= 0:
            self.wh = value
        else:
            return False
        return True

    def mean_w(self) -> int:
        """The mean of the powers read since the last call, at most a hundred of them."""
        count, sum_w = self._count if self._count < 100 else 100, self._sum_w
        self._count = self._sum_w = 0
        self.heard = count > 0
        return sum_w // count if count else 0


class Gather:
    """Of a site whose image has a ledger of these `keys`. `lines`: the SubMeter of each line or
    tenant, by name. `ended`: the quarter-hour that waits to be booked, -1: none; then `readings`
    and what else it is closed with stand until `held` is False again (edge/ledger/closing.py)."""

    def __init__(self, site, keys: dict):
        self._site = site
        names = [name for name, _ in keys["tenants"]]
        self.lines = {name: SubMeter() for name in keys["lines"] + names}
        self._generator = self.lines.get("generator")
        self._direct = self.lines.get("direct")
        self._tenants = [self.lines[name] for name in names]
        self.minutes = Minutes(7 + len(names))
        self.readings = [-1] * (7 + len(names))
        self.counted = [-1] * (2 * keys["batteries"])  # charge and discharge of each battery
        self.ended = -1
        self.held = False
        self.store_wh = -1
        self.time = TIME_UNKNOWN
        self.passed = 0  # minutes since the last quarter-hour was booked, whatever the clock did

    def minute(self, day: int, second: int, minutes: int):
        """A minute has ended, `second` of `day` begins; on the beat, before its flows are gone."""
        self.passed += 1
        number = day * _DAY_MINUTES + second // 60 - 1
        quarter, minute = number // _MINUTES, number % _MINUTES
        if minutes == 1:
            self._note(quarter, minute)
        if minute == _MINUTES - 1:
            self._end(quarter)

    def _note(self, quarter: int, minute: int):
        flows, mine = self._site.flows, self.minutes
        seconds = flows.seconds
        if seconds == 0:
            return
        mine.begin(quarter, minute)
        mine.put(_IMPORT, flows.import_ws // seconds)
        mine.put(_DISCHARGE, flows.discharge_ws // seconds)
        mine.put(_PV, flows.pv_ws // seconds)
        mine.put(_CHARGE, flows.charge_ws // seconds)
        mine.put(_EXPORT, flows.export_ws // seconds)
        if self._generator:
            mine.put(_GENERATOR, self._generator.mean_w())
        if self._direct:
            mine.put(_DIRECT, self._direct.mean_w())
        meter = 7
        for tenant in self._tenants:
            mine.put(meter, tenant.mean_w())
            meter += 1

    def _end(self, quarter: int):
        """Take every register as it was read last; one that is not read again until the next
        quarter-hour ends counts as silent then."""
        if self.held:
            return  # what was not booked in time goes with the next
        site, readings, grid = self._site, self.readings, self._site.grid_meter
        readings[_IMPORT], readings[_EXPORT] = grid.import_wh, grid.export_wh
        grid.import_wh = grid.export_wh = -1
        readings[_PV] = site.pv.pv_wh
        site.pv.pv_wh = -1
        at = 0
        for one in site.fleet:  # added up later: a sum beyond 31 bits takes heap
            self.counted[at], self.counted[at + 1] = one.charge_wh, one.discharge_wh
            one.charge_wh = one.discharge_wh = -1
            at += 2
        at = 7
        for meter in self._tenants:
            readings[at] = meter.wh
            meter.wh = -1
            at += 1
        if self._generator:
            readings[_GENERATOR] = self._generator.wh
            self._generator.wh = -1
        if self._direct:
            readings[_DIRECT] = self._direct.wh
            self._direct.wh = -1
        now = site.now
        self.store_wh = -1
        if now.soc_age_ms <= 900_000:
            capacity_wh, soc_pm = site.battery["capacity_wh"], now.soc_pm
            self.store_wh = capacity_wh // 1000 * soc_pm + capacity_wh % 1000 * soc_pm // 1000
        self.time = TIME_SYNCED if site.clock_set else TIME_UNKNOWN
        self.ended = quarter


def join(site, image: dict):
    """Give the site its ledger; before the beat's parts are bound (edge/site.py)."""
    ledger = site.ledger = Gather(site, image["ledger"])
    close_minute = site.close_minute

    def both(day: int, second: int, minutes: int):
        ledger.minute(day, second, minutes)
        close_minute(day, second, minutes)

    site.close_minute = both
