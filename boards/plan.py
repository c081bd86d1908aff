"""What the planner is told beyond the tariff: whose saving it seeks, and what is announced.

Made here, on the host, as [module of edge/plan, its keys] in the order in which each wraps the one
before (edge/site.py): a gateway gets nothing for what its site does not ask for.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards import carbon, schedule, tariff_image
from boards.shapes import Findings
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site

SECTIONS = ("plan", "announced")  # of a site file, that are read here and not by a gateway
_LEVELS = 3  # of the shadow price in mode cap
_BY_PRICE = ("price_carbon", "cap")  # modes that plan by the tariff's prices
_BY_MONEY = ("cost", *_BY_PRICE)  # modes in which the wear of the battery counts
_E4_PER_FACTOR = 100  # mg/kWh in 1e-4 kg/kWh
_MG_PER_T = 10**9
_HIGHEST_E4 = 10_000_000  # a price that the planner can compute with


@dataclass(frozen=True)
class Carbon:
    """What mode and budget need: mg/kWh of each quarter-hour, and g a day (0: no cap)."""

    factors: tuple[int, ...]
    cap_g: int


def read(findings: Findings, site: "Site", beside: Path) -> Carbon | None:
    """Read the files that [plan] names, and hold its keys against each other."""
    keys = site.sections["plan"]
    if None in keys.values() or site.sections["carbon"]["factor"] is None:
        return None
    before = len(findings.lines)
    factors = (site.sections["carbon"]["factor"],) * 96
    if keys["profile"]:
        found = _file(findings, "plan.profile", keys["profile"], beside, carbon.profile)
        factors = found.factors if found else factors
    mode = keys["mode"]
    if mode != "cost" and "tariff" not in site.rules:
        say(findings, "plan.mode", f'found "{mode}", expected a table [rules.tariff], which does '
            "what such a plan wishes")
    tariff = site.tariff
    if mode in _BY_PRICE and tariff is not None and (len(tariff.days) > 1 or tariff.push):
        say(findings, "plan.mode", f'found "{mode}", expected a tariff whose days are all alike: '
            "it adds carbon to the price of each quarter-hour of a day")
    if mode == "price_carbon" and not keys["carbon_price"]:
        say(findings, "plan.carbon_price", "found 0, expected a price of a tonne for "
            'mode = "price_carbon"')
    _check_announced(findings, site)
    cap_g = _cap_g(findings, keys, beside) if mode == "cap" else 0
    return Carbon(factors, cap_g) if len(findings.lines) == before else None


def _check_announced(findings: Findings, site: "Site") -> None:
    keys = site.sections["announced"]
    if keys["schedule"]:
        schedule.check(findings, "announced.schedule", keys["schedule"])
    if keys["topic"] and not site.sections["broker"]["host"] and "oneway" not in site.sections:
        say(findings, "announced.topic", "found 1, expected a broker.host that it comes from")


def _cap_g(findings: Findings, keys: Any, beside: Path) -> int:
    """The day's budget: as given, or what a standard allows for the energy the site uses."""
    if keys["cap_kg"]:
        return int(keys["cap_kg"]) * 1000
    if not keys["standard"]:
        say(findings, "plan.cap_kg", 'found 0, expected a budget for mode = "cap", or a standard')
        return 0
    found = _file(findings, "plan.standard", keys["standard"], beside, carbon.standard)
    if found is None:
        return 0
    for key in ("park_tce", "day_kwh"):
        if not keys[key]:
            say(findings, f"plan.{key}", "found 0, expected what the standard is applied to")
    limit = found.limit(keys["park_tce"])
    if keys["park_tce"] and limit is None:
        say(findings, "plan.park_tce", f"found {keys['park_tce']} tce, for which {found.name} has "
            "no limit; give cap_kg")
    g = keys["day_kwh"] * found.kgce_per_kwh * (limit or 0) * 1000
    return int(Decimal(g).to_integral_value())


def _file(findings: Findings, key: str, file: str, beside: Path, read_one: Any) -> Any:
    path = carbon.find(file, beside)
    if path is None:
        findings.add(key, file, "a file beside the site file, or one of "
                     + " ".join(carbon.shipped()))
        return None
    inside = Findings(path.name)
    found = read_one(path, inside)
    findings.lines += inside.lines
    return found


def image(site: "Site") -> list[list[Any]]:
    """The modules that wrap the planner, with their keys."""
    keys, found = site.sections["plan"], _of(site)
    mode, demand_e4 = keys["mode"], site.tariff.demand_e4
    prices = [_clipped(price) for price in priced(site)]
    modules: list[list[Any]] = []
    if mode == "cap":
        modules.append(["cap", {"cap_g": found.cap_g, "demand_e4": demand_e4, **_valid(site),
                                "prices_e4": shadowed(site, prices)}])
    elif mode != "cost":
        valid = _valid(site) if mode in _BY_PRICE else {}
        modules.append(["priced", {"prices_e4": prices, **valid,
                                   "demand_e4": 0 if mode == "carbon" else demand_e4}])
    wear_e4 = site.sections["battery"]["wear_e4"]
    if wear_e4 and mode in _BY_MONEY:
        modules.append(["wear", {"wear_e4": wear_e4}])
    said = site.sections["announced"]
    if said["schedule"] or said["local"] or said["topic"]:
        modules.append(["foresight", {
            "schedule": schedule.image(said["schedule"], said["extra"], said["confidence_pm"]),
            "raise_w": said["raise_w"], "topic": said["topic"]}])
    if mode != "cost" or keys["tally"]:
        modules.append(["tally", {"carbon_e4": [
            factor // _E4_PER_FACTOR for factor in found.factors]}])
    return modules


def _valid(site: "Site") -> dict[str, list[int]]:
    """The days of prices that are made of the tariff's: carbon and the sun have none."""
    return {"valid": tariff_image.valid(site.tariff)}


def _of(site: "Site") -> Carbon:
    assert site.carbon is not None, "a checked site knows its carbon"
    return site.carbon


def priced(site: "Site") -> list[int]:
    """The planning price of each quarter-hour by mode, 1e-4 a kWh imported: of the currency; of
    kg CO2 in mode carbon."""
    mode, factors = site.sections["plan"]["mode"], _of(site).factors
    prices = next(iter(site.tariff.days.values())).prices_e4  # in the other modes the only day
    if mode == "carbon":
        return [factor // _E4_PER_FACTOR for factor in factors]
    if mode == "green_first":  # no hour is worth waiting for
        return [max(1, sum(prices) // len(prices))] * len(prices)
    by_e4 = site.sections["plan"]["carbon_price"] * 10_000  # a tonne
    return [price + by_e4 * factor // _MG_PER_T
            for price, factor in zip(prices, factors, strict=True)]


def shadowed(site: "Site", prices: list[int]) -> list[list[int]]:
    """The prices of mode cap by level. First the bill's; last carbon alone, as if a tonne had any
    price; between them by steps up to where a kWh bought at the lowest price and used at the
    highest just pays for its losses."""
    factors = _of(site).factors
    kept_pm = site.sections["battery"]["efficiency_pm"]
    least = min(factors)
    spread = max(max(prices) * kept_pm - min(prices) * 1000, 0) if least else 0
    divisor = (_LEVELS - 1) * max(1000 - kept_pm, 1) * max(least, 1)
    levels = [[_clipped(price + spread * factor * level // divisor)
               for price, factor in zip(prices, factors, strict=True)]
              for level in range(_LEVELS - 1)]
    return [*levels, [factor // _E4_PER_FACTOR for factor in factors]]


def _clipped(price_e4: int) -> int:
    return max(-_HIGHEST_E4, min(price_e4, _HIGHEST_E4))
