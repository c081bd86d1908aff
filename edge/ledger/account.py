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
        if wh:
            self.wh += wh
            if self.wh >= 1000:
                self.kwh += self.wh // 1000
                self.wh %= 1000
        return wh


class Carbon:
    """Emissions of imported energy. Wh times mg/kWh is micrograms, so nothing is rounded.

    `factor` in mg CO2 per kWh (0.8325 kg/kWh = 832500).
    """

    def __init__(self, factor: int):
        self._mg_per_wh = factor // 1000
        self._ug_per_wh = factor % 1000
        self.kg = 0
        self.g = 0
        self._mg = 0
        self._ug = 0

    def post(self, wh: int):
        """Add the emissions of wh imported."""
        ug = self._ug + wh * self._ug_per_wh
        mg = self._mg + wh * self._mg_per_wh + ug // 1000
        self._ug = ug % 1000
        self._mg = mg % 1000
        self.g += mg // 1000
        if self.g >= 1000:
            self.kg += self.g // 1000
            self.g %= 1000

    def ug(self) -> int:
        """All of it in micrograms (allocates on a gateway: not for the beat)."""
        return ((self.kg * 1000 + self.g) * 1000 + self._mg) * 1000 + self._ug


class Cost:
    """Energy cost: Wh times 1e-4 currency per kWh is 1e-7 currency, exact."""

    def __init__(self):
        self.units = 0  # whole currency units
        self.e4 = 0  # ten-thousandths
        self._e7 = 0

    def post(self, wh: int, price: int):
        """Add wh at price (1e-4 currency per kWh; below zero it is earned)."""
        e7 = self._e7 + wh * (price % 1000)  # in two parts, to stay inside 31 bits
        self.e4 += wh * (price // 1000) + e7 // 1000
        self._e7 = e7 % 1000
        if self.e4 >= 10000 or self.e4 < 0:
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
        self.carbon = Carbon(factor)
        self.gap_s = 0  # seconds in which nothing could be measured

    def post(self, flows, price: int, export_price: int):
        """Post a minute of flows (edge/ledger/flows.py); prices in 1e-4 currency per kWh."""
        self.gap_s += flows.gap_s
        if flows.charge_ws:
            self.charged.post(flows.charge_ws)
        if flows.discharge_ws:
            self.discharged.post(flows.discharge_ws)
        if flows.pv_ws:
            self.generated.post(flows.pv_ws)
        if flows.export_ws:
            wh = self.exported.post(flows.export_ws)
            if wh and export_price:
                self.cost.post(wh, -export_price)
        wh = self.imported.post(flows.import_ws)
        if wh:
            self.cost.post(wh, price)
            self.carbon.post(wh)
