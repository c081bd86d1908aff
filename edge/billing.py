"""What a bill asks beyond the price of import: a billing month that begins on another day than the
1st, demand billed by the year, demand that is paid for anyway, charges for the demand of some hours
alone, and an export price by the hour. Loaded when the tariff has any of it (edge/price_calendar).
"""

from array import array

from edge.clock import LocalTime, month_of
from edge.compat import const
from edge.ledger.demand import DemandWindow
from edge.price_calendar import unroll

_SLOT_S = const(900)
_MINUTES = const(15)


def bind(billing: dict, prices, site):
    """Exchange clock and demand window of a site for such that know its bill. `billing` of the
    image: `day` of the month on which it begins (1 .. 28), `months` it has (1 or 12), `paid_w`;
    `charges_e4` a kW of demand, of all hours (0: none) and of some, and of each profile runs
    [end, which] `charges`; `exports_e4` a kWh, and of each profile runs `exports`."""
    site.window = BilledWindow(site.window.sliding, site.flows, billing["paid_w"],
                               billing["charges_e4"])
    site.clock = BillingClock(site.clock.changes, billing, prices, site)


class BilledWindow(DemandWindow):
    """`peaks_w[0]` is the period's highest demand of all hours, the others those of the hours of
    each charge, none below what is paid for anyway. `peak_w` is what may be imported now without
    paying more: the lowest that applies; when none does, that of the dearest charge, for which the
    battery is to be ready."""

    def __init__(self, sliding: int, flows, paid_w: int, charges_e4: list):
        DemandWindow.__init__(self, sliding, flows)
        self.paid_w = paid_w
        self.peaks_w = array("i", [paid_w] * len(charges_e4))
        self.charge = 0  # that of the running minute beside all hours; 0: none
        self._all_hours = charges_e4[0] > 0
        self._dearest = charges_e4.index(max(charges_e4))
        self._show()

    def new_month(self):
        """The billing period is over: its peaks no longer count."""
        for charge in range(len(self.peaks_w)):
            self.peaks_w[charge] = self.paid_w
        self._show()

    def turn(self, charge: int):
        """Another minute begins, in which this charge applies."""
        self.charge = charge
        self._show()

    def _close_window(self, import_wmin: int):
        self.demand_w = demand_w = import_wmin // _MINUTES
        peaks_w, charge = self.peaks_w, self.charge
        if demand_w > peaks_w[0]:
            peaks_w[0] = demand_w
        if demand_w > peaks_w[charge]:
            peaks_w[charge] = demand_w
        self._show()

    def _show(self):
        charge = self.charge
        if not charge and not self._all_hours:
            charge = self._dearest
        peak_w = self.peaks_w[charge]
        if self._all_hours and peak_w > self.peaks_w[0]:
            peak_w = self.peaks_w[0]
        self.peak_w = peak_w


class BillingClock(LocalTime):
    """Local time whose `now.month` is the billing period, named by the month it begins in."""

    def __init__(self, changes: list, billing: dict, prices, site):
        LocalTime.__init__(self, changes)
        self._later = billing["day"] - 1
        self._months = billing["months"]
        self._charges = [unroll(runs) for runs in billing["charges"]]
        self._exports_e4 = array("i", billing["exports_e4"])
        self._exports = [unroll(runs) for runs in billing["exports"]]
        self._prices = prices
        self._site = site
        self._period_day = -(1 << 20)  # no day yet
        self._period = 0

    def tell(self, now):
        """As LocalTime.tell; and tell the site what export earns and which charge applies."""
        LocalTime.tell(self, now)
        day = now.local_day
        if day != self._period_day:
            self._period_day = day
            self._period = month_of(day - self._later) // self._months * self._months
        now.month = self._period
        profile = self._prices.profile(day)
        if profile >= self._prices.standing:  # pushed prices are of import alone
            profile = self._prices.standing_profile(day)
        slot = now.local_second // _SLOT_S
        self._site.export_e4 = self._exports_e4[self._exports[profile][slot]]
        self._site.window.turn(self._charges[profile][slot])
