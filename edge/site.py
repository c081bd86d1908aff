"""The parts of one site, put together from its compiled image."""

from edge.clock import LocalTime
from edge.compat import const
from edge.devices.roles import GridMeter, Pv, Storage
from edge.dispatch import Dispatch
from edge.envelope import Envelope
from edge.gate import Gate
from edge.ledger.account import Account
from edge.ledger.demand import DemandWindow
from edge.ledger.flows import Flows
from edge.plan.planner import Planner
from edge.prices import Prices
from edge.recorder import Recorder
from edge.snapshot import Snapshot
from edge.telemetry import Telemetry

_CLOCK_BIT = const(7)  # places of edge.snapshot.CLOCK_OK and UNPRICED, folded into the bytecode
_PRICE_BIT = const(12)
_OTHERS = const(~(1 << _CLOCK_BIT | 1 << _PRICE_BIT))  # flags that are not told here
_GAP_MAX_S = const(300)  # of a quarter-hour may be without readings


class Site:
    """Everything a beat works on. Public attributes are the parts; rules read them by name."""

    def __init__(self, image: dict):
        self.hash = image["hash"]  # which site this is
        self.battery = battery = image["battery"]
        self.beat_s = image["site"]["beat_s"]
        self._turned = False  # whether this beat has closed a minute
        self._gap_s = 0  # seconds without readings, when the last quarter-hour ended
        self.fault = None  # what ended the last beat, if it could not be finished
        self.clock_set = False  # whether the wall clock was ever set from outside
        self.now = now = Snapshot(image["ages"], self.beat_s)
        self.grid_meter = GridMeter(now)
        self.storage = Storage(
            now, battery["charge_max_w"], battery["discharge_max_w"], battery["lease_ms"])
        self.fleet = [self.storage]  # every one that takes a setpoint
        self.pv = Pv(now)
        self.roles = [self.grid_meter, self.pv]  # and those that a rule adds
        self.envelope = Envelope()
        self.clock = LocalTime(image["offsets"])
        self.flows = Flows(now)
        self.window = DemandWindow(image["demand"]["sliding"], self.flows)
        self.account = Account(image["carbon"]["factor"])
        tariff = image["tariff"]
        self.export_e4 = tariff["export_e4"]  # what a kWh exported earns now
        self.prices = (__import__("edge.price_calendar").price_calendar.Prices(image, self)
                       if "days" in tariff else Prices(tariff["prices_e4"], tariff["valid"]))
        self.planner = self._planner(image)
        self.gate = Gate(image["gate"])
        self.dispatch = Dispatch(self.storage)
        self.journal = Recorder(now)
        self.telemetry = Telemetry(len(self.journal.row), image["telemetry"]["period_s"])
        self.rule_names = ["device"]
        self.rules = self._rules(image["rules"])
        if "fleet" in image:  # several batteries in the place of one
            __import__("edge.fleet", None, None, ("join",)).join(self, image)
        if "ledger" in image:
            __import__("edge.ledger.gather", None, None, ("join",)).join(self, image)
        self.meter = bind_meter(self)

    def _planner(self, image: dict):
        battery = self.battery
        rules: dict = dict(image["rules"])
        reserve = rules["reserve"]
        self._floor_pm = rules.get("bands", reserve)["floor_pm"]  # its last word is trade's
        planner = Planner(
            battery["capacity_wh"], battery["charge_max_w"], battery["discharge_max_w"],
            self._floor_pm, reserve["ceiling_pm"], battery["efficiency_pm"],
            image["tariff"]["demand_e4"], self.prices if "tariff" in rules else None)
        for name, keys in image.get("plan", ()):  # what a plain plan does not know
            planner = __import__("edge.plan." + name, None, None, name).plan(planner, keys, self)
        return planner

    def _rules(self, listed: list) -> list:
        """The `narrow` of each rule, in the image's order; a rule signs with its place in
        `rule_names`."""
        rules: list = []
        for name, keys in listed:
            self.rule_names.append(name)
            rules.append(__import__("edge.rules." + name, None, None, name).rule(
                len(rules) + 1, keys, self))
        return rules

    def close_minute(self, day: int, second: int, minutes: int):
        """`minutes` (1, unless the clock jumped) after the last call another minute begins, at
        `second` of the UTC `day`: feed window and accounts, then turn the clock."""
        now, window, flows = self.now, self.window, self.flows
        self.account.post(flows, now.price_e4, self.export_e4)
        if minutes == 1:
            window.close_minute(second)
        else:
            window.restart(second, flows.import_ws // flows.seconds if flows.seconds else 0)
        flows.clear()
        local_day, slot, month = now.local_day, now.local_second // 900, now.month
        now.day = day
        self.clock.tell(now)
        if now.month != month:
            window.new_month()
        if window.ended:
            gap_s = self.account.gap_s
            if gap_s - self._gap_s < _GAP_MAX_S:  # a guess must not be remembered as a load
                self.planner.slot(local_day, slot, window.net_mean_w, window.peak_w, now.month)
            self._gap_s = gap_s
        now.price_e4 = self.prices.price_e4(now.local_day, now.local_second // 900)
        now.flags = (now.flags & _OTHERS | self.clock_set << _CLOCK_BIT
                     | (not self.prices.covers(now.local_day)) << _PRICE_BIT)
        self.journal.note_minute(now, window, self.account)
        self._turned = self.beat_s < 60

    def think(self):
        """Let the planner work: one slice for every second of a beat, but none on top of a minute
        that has closed. The energy above the floor may be below 0, which the planner takes for
        nothing."""
        if self._turned:
            self._turned = False
            return
        planner, net_w = self.planner, self.now.net_w
        above_pm = self.now.soc_pm - self._floor_pm
        capacity_wh = self.battery["capacity_wh"]
        store_wh = capacity_wh // 1000 * above_pm + capacity_wh % 1000 * above_pm // 1000
        for _ in range(self.beat_s):
            if planner.busy:
                planner.step(net_w, store_wh)


def bind_meter(site):
    """Bind what the beat does to account the beat just ended, with its clock."""
    today = -2
    minute = 0
    last = 0

    def meter(day: int, second: int, now=site.now, post=site.flows.post, beat_s=site.beat_s,
              close_minute=site.close_minute):
        """Account the beat that ends now, at `second` of the UTC `day`. Two beats of 1 s
        may fall into one second and span 0 s; a span that cannot be (first beat, a stepped
        clock) counts as one nominal beat."""
        nonlocal today, minute, last
        span_s = second - last
        if span_s != beat_s:
            if span_s < 0:
                span_s += 86400
            if span_s > 60 or (span_s == 0 and beat_s > 1):
                span_s = beat_s
        last = second
        now.second = second
        now.span_s = span_s
        post(span_s)
        if second // 60 != minute or day != today:
            minutes = second // 60 - minute + (day - today) * 1440 if day - today < 2 else 0
            today = day
            minute = second // 60
            close_minute(day, second, minutes)

    return meter
