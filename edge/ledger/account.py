"""Energy, money and carbon of the site, each exact to the last unit.

Nothing is rounded, only carried: W*s become Wh when 3600 are full, Wh become kWh, micrograms
become grams and kilograms. Grid import and export, PV, charge and discharge are gross registers;
they are never netted against each other.
"""

from edge.compat import const

_WS_PER_WH = const(3600)


class Register:
    """An energy register: kwh + wh + ws/3600 of what was posted, W*s exact."""

    def __init__(self):
        self.kwh = 0
        self.wh = 0
        self._ws = 0

    def post(self, ws: int) -> int:
        """Add ws (>= 0, W*s); returns the whole Wh that became full with it."""
        ws += self._ws
        wh = ws // _WS_PER_WH
        self._ws = ws - wh * _WS_PER_WH
        self.wh += wh
        self.kwh += self.wh // 1000
        self.wh %= 1000
        return wh


class Cost:
    """What energy costs, in money or in carbon: nothing is rounded.

    Wh times 1e-4 currency a kWh is 1e-7 currency. Wh times mg of CO2 a kWh is micrograms; then
    `units` are 10 g and `e4` mg.
    """

    def __init__(self):
        self.units = 0  # whole currency units
        self.e4 = 0  # ten-thousandths
        self._e7 = 0

    def post(self, wh: int, price: int):
        """Add wh at price (below zero it is earned): at most 266,667 at up to +-4,000,000, which is
        a minute of 16 MW at 400 a kWh."""
        e7 = self._e7 + wh * (price % 1000)  # in two parts, to stay inside 31 bits
        self.e4 += wh * (price // 1000) + e7 // 1000
        self._e7 = e7 % 1000
        self.units += self.e4 // 10000
        self.e4 %= 10000


class Account:
    """All registers of one site, posted once a minute."""

    def __init__(self, factor: int):
        self.imported = Register()
        self.exported = Register()
        self.generated = Register()
        self.charged = Register()
        self.discharged = Register()
        self.cost = Cost()
        self.carbon = Cost()
        self._factor = factor  # mg CO2 a kWh imported
        self.gap_s = 0  # seconds in which nothing could be measured

    def post(self, flows, price: int, export_price: int):
        """Post a minute of flows (edge/ledger/flows.py); prices in 1e-4 currency per kWh."""
        self.gap_s += flows.gap_s
        self.charged.post(flows.charge_ws)
        self.discharged.post(flows.discharge_ws)
        self.generated.post(flows.pv_ws)
        wh = self.exported.post(flows.export_ws)
        if wh:
            self.cost.post(wh, -export_price)
        wh = self.imported.post(flows.import_ws)
        self.cost.post(wh, price)
        self.carbon.post(wh, self._factor)
