"""The parts of one site, put together from its compiled image."""

from array import array

from edge.clock import LocalTime
from edge.devices.roles import GridMeter, Pv, Storage
from edge.dispatch import Dispatch
from edge.envelope import Envelope
from edge.gate import Gate
from edge.ledger.account import Account
from edge.ledger.demand import DemandWindow
from edge.ledger.flows import Flows
from edge.plan.planner import Planner
from edge.recorder import Recorder
from edge.snapshot import CLOCK_OK, Snapshot
from edge.telemetry import Telemetry

_DAY_S = 86400


class Site:
    """Everything a beat works on. Public attributes are the parts; rules read them by name."""

    def __init__(self, image: dict):
        self.hash = image["hash"]  # which site this is
        self.battery = battery = image["battery"]
        self.beat_s = image["site"]["beat_s"]
        self.fault = None  # what ended the last beat, if it could not be finished
        self.clock_set = False  # whether the wall clock was ever set from outside
        self.now = now = Snapshot(image["ages"], self.beat_s)
        self.grid_meter = GridMeter(now)
        self.storage = Storage(
            now, battery["charge_max_w"], battery["discharge_max_w"], battery["lease_ms"])
        self.pv = Pv(now)
        self.roles = [self.grid_meter, self.storage, self.pv]  # rules may add their own
        self.envelope = Envelope()
        self.clock = LocalTime(image["offsets"])
        self.prices = array("i", image["tariff"]["prices_e4"])  # of each quarter-hour of a day
        self.export_price_e4 = image["tariff"]["export_e4"]
        self.flows = Flows(now)
        self.window = DemandWindow(image["demand"]["sliding"], self.flows)
        self.account = Account(image["carbon"]["factor"])
        self.planner = self._planner(image)
        self.gate = Gate(image["gate"])
        self.dispatch = Dispatch(self.storage)
        self.journal = Recorder(now)
        self.telemetry = Telemetry(len(self.journal.row), image["telemetry"])
        self.rule_names = ["device"] + [name for name, _ in image["rules"]]
        self.rules = self._rules(image["rules"])
        self._floor_pm = self._reserve(image, "floor_pm", 0)
        self.meter = bind_meter(self)

    def _planner(self, image: dict):
        battery = image["battery"]
        followed = any(name == "tariff" for name, _ in image["rules"])
        return Planner(
            battery["capacity_wh"], battery["charge_max_w"], battery["discharge_max_w"],
            self._reserve(image, "floor_pm", 0), self._reserve(image, "ceiling_pm", 1000),
            battery["efficiency_pm"], image["tariff"]["demand_e4"],
            self.prices if followed else None)

    def _reserve(self, image: dict, key: str, default: int) -> int:
        for name, keys in image["rules"]:
            if name == "reserve":
                return keys[key]
        return default

    def _rules(self, listed: list) -> list:
        """The `narrow` of each rule, in the image's order; a rule signs with its place in
        `rule_names`."""
        rules: list = []
        for name, keys in listed:
            module = __import__("edge.rules." + name, None, None, ("rule",))
            rules.append(module.rule(len(rules) + 1, keys, self))
        return rules

    def close_minute(self, day: int, second: int, minutes: int):
        """`minutes` (1, unless the clock jumped) after the last call another minute begins, at
        `second` of the UTC `day`: feed window and accounts, then turn the clock."""
        now, window, flows = self.now, self.window, self.flows
        self.account.post(flows, now.price_e4, self.export_price_e4)
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
            self.planner.slot(local_day, slot, window.net_mean_w, window.peak_w, now.month)
        now.price_e4 = self.prices[now.local_second // 900]
        now.flags = now.flags | CLOCK_OK if self.clock_set else now.flags & ~CLOCK_OK
        self.journal.note_minute(now, window, self.account)

    def think(self):
        """Let the planner work: one slice for every second of a beat."""
        planner, net_w, store_wh = self.planner, self.now.net_w, self.store_wh()
        for _ in range(self.beat_s):
            if planner.busy:
                planner.step(net_w, store_wh)

    def store_wh(self) -> int:
        """Energy above the floor, Wh."""
        above_pm = self.now.soc_pm - self._floor_pm
        if above_pm <= 0:
            return 0
        capacity_wh = self.battery["capacity_wh"]
        return capacity_wh // 1000 * above_pm + capacity_wh % 1000 * above_pm // 1000


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
                span_s += _DAY_S
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
