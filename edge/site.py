"""The parts of one site, put together from its compiled image."""

from array import array

from edge import journal
from edge.clock import LocalTime
from edge.devices.roles import GridMeter, Pv, Storage
from edge.dispatch import Dispatch
from edge.envelope import Envelope
from edge.gate import Gate
from edge.ledger.account import Account
from edge.ledger.demand import DemandWindow
from edge.ledger.flows import Flows
from edge.plan.planner import Planner
from edge.snapshot import CLOCK_OK, Snapshot
from edge.telemetry import Telemetry

_DAY_S = 86400


class Site:
    """Everything a beat works on. Public attributes are the parts; rules read them by name."""

    def __init__(self, image: dict):
        self.image = image
        self.battery = battery = image["battery"]
        self.beat_s = image["site"]["beat_s"]
        self.fault = None  # what ended the last beat, if it could not be finished
        self.clock_set = False  # whether the wall clock was ever set from outside
        self.grid_meter = GridMeter()
        self.storage = Storage(
            battery["charge_max_w"], battery["discharge_max_w"], battery["lease_ms"])
        self.pv = Pv()
        self.shows = [self.grid_meter.show, self.storage.show, self.pv.show]
        self.now = Snapshot(
            image["ages"], self.beat_s, self.grid_meter.trail, self.storage.trail)
        self.envelope = Envelope()
        self.clock = LocalTime(image["offsets"])
        self.prices = array("i", image["tariff"]["prices_e4"])  # of each quarter-hour of a day
        self.export_price_e4 = image["tariff"]["export_e4"]
        self.flows = Flows()
        self.window = DemandWindow(image["demand"]["sliding"], self.flows)
        self.account = Account(image["carbon"]["factor"])
        self.planner = self._planner(image)
        self.gate = Gate(image["gate"])
        self.dispatch = Dispatch(self.storage)
        self.journal = journal.Journal()
        self.telemetry = Telemetry(len(journal.FIELDS), image["telemetry"])
        self.rule_names = ["device"] + [name for name, _ in image["rules"]]
        self.rules = self._rules(image["rules"])
        self._floor_pm = self._reserve(image, "floor_pm", 0)
        self._minute = -1  # of the UTC day
        self._post = self.flows.post

    def _planner(self, image: dict):
        battery = image["battery"]
        return Planner(
            battery["capacity_wh"], battery["charge_max_w"], battery["discharge_max_w"],
            self._reserve(image, "floor_pm", 0), self._reserve(image, "ceiling_pm", 1000),
            battery["efficiency_pm"], image["tariff"]["demand_e4"], self.prices)

    def _reserve(self, image: dict, key: str, default: int) -> int:
        for name, keys in image["rules"]:
            if name == "reserve":
                return keys[key]
        return default

    def _rules(self, listed: list) -> list:
        """The `narrow` of each rule, in the image's order; a rule signs with its place in
        `rule_names`. Bound once, because binding a method costs heap."""
        rules = []
        for name, keys in listed:
            module = __import__("edge.rules." + name, None, None, ("Rule",))
            rules.append(module.Rule(len(rules) + 1, keys, self).narrow)
        return rules

    def meter(self, day: int, second: int):
        """Account the beat that ends now, at `second` of the UTC `day`; a span that cannot be
        (first beat, a stepped clock) counts as one nominal beat."""
        now = self.now
        span_s = second - now.second
        if span_s < 0:
            span_s += _DAY_S
        if span_s == 0 or span_s > 60:
            span_s = self.beat_s
        now.span_s = span_s
        now.second = second
        self._post(now)
        if second // 60 != self._minute or day != now.day:
            self._close_minute(day, second)

    def _close_minute(self, day: int, second: int):
        """Feed window and accounts with the minute that is over, then turn the clock."""
        now, window, flows = self.now, self.window, self.flows
        self.account.post(flows, now.price_e4, self.export_price_e4)
        minutes = second // 60 - self._minute + (day - now.day) * 1440 if day - now.day < 2 else 0
        if minutes == 1:
            window.close_minute(second)
        else:
            window.restart(second, now.flow_w if now.flow_w > 0 else 0)
        flows.clear()
        if window.ended:
            self.planner.slot(now.local_day, now.local_second // 900, window.net_mean_w,
                              window.peak_w, now.month)
        month = now.month
        self._minute = second // 60
        now.day = day
        self.clock.tell(now)
        if now.month != month:
            window.new_month()
        now.price_e4 = self.prices[now.local_second // 900]
        now.flags = now.flags | CLOCK_OK if self.clock_set else now.flags & ~CLOCK_OK
        self.journal.note_minute(now, window, self.account)

    def think(self):
        """Let the planner work one slice."""
        self.planner.step(self.now.net_w, self.store_wh())

    def store_wh(self) -> int:
        """Energy above the floor, Wh."""
        above_pm = self.now.soc_pm - self._floor_pm
        if above_pm <= 0:
            return 0
        capacity_wh = self.battery["capacity_wh"]
        return capacity_wh // 1000 * above_pm + capacity_wh % 1000 * above_pm // 1000
