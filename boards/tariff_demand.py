"""What a tariff asks for demand: by the highest that was, by contract, or by capacity.

The rules of China's two-part tariff are data here, because they changed and will change; their
source, as quoted second-hand: 发改价格〔2023〕526号 (260 kWh/kVA: the demand price at 90 %) and
国家电网财〔2016〕633号 (contract: what exceeds 105 % is billed double; at least 40 % of capacity).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boards.shapes import TABLE, Findings, choice, table, whole
from boards.tariff_days import ALL_HOURS, money

PRICE_MAX = 10_000  # what a kW more may cost: a gateway computes in 31 bits
BY = ("maximum", "contract", "capacity")
_W_PER_KW = 1000
_PRICE = money(0, PRICE_MAX)


@dataclass(frozen=True)
class Demand:
    """How demand is billed. `price_e4`: 1e-4 currency a kW (by capacity: a kVA) and billing period
    of `months` (1, or 12: by the year, a twelfth of it a month), which begins on `day` of a month.

    by maximum   the period's highest 15-minute mean import, but no less than `least_pm` per mille
                 of `capacity_kva` (taken for as many kW)
    by contract  `contract_kw`; and what exceeds `over_pm` per mille of it, `over_times` as dear
    by capacity  `capacity_kva`, whatever the import is

    A month of `use_kwh_per_kva` kWh or more a kVA has the price at `use_price_pm` per mille (0: no
    such rule). `charges_e4`: prices of further charges, each for the demand of its own hours."""

    price_e4: int
    by: str = "maximum"
    contract_kw: int = 0
    over_pm: int = 1050
    over_times: int = 2
    capacity_kva: int = 0
    least_pm: int = 0
    use_kwh_per_kva: int = 0
    use_price_pm: int = 1000
    day: int = 1
    months: int = 1
    charges_e4: Mapping[str, int] = field(default_factory=dict)

    @property
    def least_kw(self) -> float:
        """What is billed at least."""
        return self.capacity_kva * self.least_pm / 1000

    @property
    def paid_w(self) -> int:
        """The import that is paid for anyway: shaving below it earns nothing."""
        if self.by == "contract":
            return self.contract_kw * self.over_pm * _W_PER_KW // 1000
        if self.by == "maximum":
            return self.capacity_kva * self.least_pm * _W_PER_KW // 1000
        return 0

    @property
    def rising_e4(self) -> int:
        """What a kW more of the period's demand costs, above what is paid for anyway."""
        if self.by == "capacity":
            return 0
        if self.by == "contract":
            return self.price_e4 * self.over_times
        return self.price_e4

    @property
    def plain(self) -> bool:
        """Whether a calendar month's highest demand is all that is billed."""
        return self.by != "contract" and not self.paid_w and not self.charges_e4 \
            and (self.day, self.months) == (1, 1)


def read_demand(findings: Findings, raw: Any) -> Demand:
    """Read the table [demand]."""
    shapes = {
        "price": _PRICE, "by": choice(BY), "contract_kw": whole(1, 8000, 0),
        "over_pm": whole(1000, 2000, 1050), "over_times": whole(1, 10, 2),
        "capacity_kva": whole(1, 100_000, 0), "least_pm": whole(0, 1000, 0),
        "use_kwh_per_kva": whole(1, 744, 0), "use_price_pm": whole(0, 1000, 1000),
        "day": whole(1, 28, 1), "months": choice((1, 12)), "charges": TABLE}
    if not isinstance(raw, dict):
        findings.add("demand", raw, "a table [demand]")
        return Demand(0)
    before = len(findings.lines)
    got = table(findings, "demand", {"by": "maximum", "months": 1, **raw}, shapes)
    charges = {name: _PRICE.read(price) for name, price in got["charges"].items()}
    for name, price in charges.items():
        if price is None or name == ALL_HOURS:
            findings.add(f"demand.charges.{name}", got["charges"][name], _PRICE.expected)
    price_e4 = got.pop("price")
    del got["charges"]
    demand = Demand(price_e4, charges_e4={name: price or 0 for name, price in charges.items()},
                    **got)
    if len(findings.lines) == before:
        _fit(findings, demand, raw)
    return demand


def _fit(findings: Findings, demand: Demand, raw: Mapping[str, Any]) -> None:
    """What must hold between the keys."""
    needed = {"contract": "contract_kw", "capacity": "capacity_kva"}.get(demand.by, "")
    if needed and not getattr(demand, needed):
        findings.add(f"demand.{needed}", None, f'a whole number, as by = "{demand.by}"')
    for key in ("least_pm", "use_kwh_per_kva"):
        if getattr(demand, key) and not demand.capacity_kva:
            findings.add("demand.capacity_kva", None, f"a whole number, as {key} is given")
    for key in ("contract_kw", "over_pm", "over_times"):
        if key in raw and demand.by != "contract":
            findings.add(f"demand.{key}", raw[key], f'by = "contract", found "{demand.by}"')
    for key in ("least_pm", "use_kwh_per_kva"):
        if key in raw and demand.by == "capacity":
            findings.add(f"demand.{key}", raw[key], 'no such rule where by = "capacity"')
    if bool(demand.use_kwh_per_kva) != ("use_price_pm" in raw):
        findings.add("demand.use_price_pm", raw.get("use_price_pm"),
                     "it and use_kwh_per_kva, or neither")
    if demand.charges_e4 and demand.by != "maximum":
        findings.add("demand.charges", demand.by, 'none unless by = "maximum"')
    if demand.by == "contract" and demand.contract_kw < demand.least_kw:
        findings.add("demand.contract_kw", demand.contract_kw, f"at least {demand.least_kw:g}: "
                     f"{demand.least_pm} per mille of {demand.capacity_kva} kVA")
    if demand.paid_w > 8_000_000:
        findings.add("demand.least_pm", demand.least_pm, "at most 8000 kW paid for anyway")
    if demand.months == 12 and (demand.by != "maximum" or demand.charges_e4
                                or demand.use_kwh_per_kva):
        findings.add("demand.months", 12, 'by = "maximum" and no further rule')
