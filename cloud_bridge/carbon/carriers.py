"""Fuels and heat: how much energy a unit holds, and what it emits when it is used."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import edge
from cloud_bridge import fields, source
from cloud_bridge.fields import AMOUNT, NAME, TEXT, DocumentError

FOLDER = Path(edge.__file__).parent / "carbon" / "carriers"
_CO2_PER_C = Fraction(44, 12)  # by mass
_FILE = {"name": NAME, "title": TEXT, "source": TEXT, "gj_per_tce": AMOUNT,
         "carriers": fields.TABLES}
_CARRIER = {
    "name": NAME, "unit": fields.one_of(["t", "m3", "GJ"]), "gj_per_unit": AMOUNT,
    "carbon_t_per_gj": AMOUNT.or_else(None), "oxidation": AMOUNT.or_else(None),
    "co2_t_per_gj": AMOUNT.or_else(None), "clean": fields.one_of(["yes", "no"]).or_else("no"),
}


@dataclass(frozen=True)
class Carrier:
    """Of one `unit`: t of standard coal and t of CO2. `clean`: counts as clean energy."""

    name: str
    unit: str
    tce: Fraction
    co2_t: Fraction
    clean: bool


def load(path: Path = FOLDER / "cn_mee.toml") -> dict[str, Carrier]:
    """Every carrier of a file by name. DocumentError; OSError."""
    got = fields.read(path.name, source.toml(path), _FILE)
    if not got["gj_per_tce"]:
        raise fields.mistake(f"{path.name}: gj_per_tce", 0, "more than 0")
    found = [_carrier(f"{path.name}: carriers[{number}]", one, got["gj_per_tce"])
             for number, one in enumerate(got["carriers"])]
    if len({one.name for one in found}) < len(found):
        raise DocumentError(f"{path.name}: carriers: two have the same name")
    return {one.name: one for one in found}


def _carrier(where: str, raw: object, gj_per_tce: Fraction) -> Carrier:
    got = fields.read(where, raw, _CARRIER)
    parts = got["carbon_t_per_gj"], got["oxidation"]
    if (got["co2_t_per_gj"] is None) == (None in parts) or parts.count(None) == 1:
        raise fields.mistake(where, got["name"], "either co2_t_per_gj, or carbon_t_per_gj with "
                             "oxidation")
    co2_t_per_gj = got["co2_t_per_gj"]
    if co2_t_per_gj is None:
        co2_t_per_gj = parts[0] * parts[1] * _CO2_PER_C
    gj = got["gj_per_unit"]
    return Carrier(got["name"], got["unit"], gj / gj_per_tce, gj * co2_t_per_gj,
                   got["clean"] == "yes")
