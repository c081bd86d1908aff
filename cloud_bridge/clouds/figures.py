"""What a journal row tells others: a few figures, under the names and in the units of the journal.

A reading that was not fresh is None. Energy, carbon and cost, which a row holds in two fields
each, are one number here; they begin at zero whenever the gateway does.
"""

from collections.abc import Sequence

from cloud_bridge.clouds import Told
from edge.snapshot import CLOCK_OK, FAULT, GRID_FRESH, PV_FRESH, SOC_FRESH, STORE_FRESH

DAY_0_UTC = 946_684_800  # 2000-01-01
_DAYS = 36_525  # until 2100
_NO_TARGET_W = 8_000_000  # edge/rules/demand.py holds no higher one
_READ = {"grid_w": GRID_FRESH, "pv_w": PV_FRESH, "store_w": STORE_FRESH, "soc_pm": SOC_FRESH}
_DECIDED = ("command_w", "demand_w", "peak_w", "price_e4")
_SUMS = {"import_wh": ("import_kwh", "import_wh", 1_000),
         "export_wh": ("export_kwh", "export_wh", 1_000),
         "carbon_g": ("carbon_kg", "carbon_g", 1_000),
         "cost_e4": ("cost_units", "cost_e4", 10_000)}
NAMES = (*_READ, "load_w", *_DECIDED, "target_w", *_SUMS, "fault")


def told(fields: Sequence[str], values: Sequence[int]) -> Told | None:
    """The figures of one row; None when its gateway did not know the time, or told one that is none
    (2000 to 2099 there are), or its fields are not those of a journal."""
    row = dict(zip(fields, values, strict=True))
    if not {"day", "second", "flags", "net_w", "target_w", *_READ, *_DECIDED} <= row.keys() \
            or not row["flags"] & CLOCK_OK \
            or not (0 <= row["day"] < _DAYS and 0 <= row["second"] < 86_400):
        return None
    flags = row["flags"]
    figures: dict[str, int | None] = {name: row[name] if flags & bit else None
                                      for name, bit in _READ.items()}
    paired = flags & (GRID_FRESH | STORE_FRESH) == GRID_FRESH | STORE_FRESH
    figures["load_w"] = row["net_w"] + (row["pv_w"] if flags & PV_FRESH else 0) if paired else None
    figures |= {name: row[name] for name in _DECIDED}
    figures["target_w"] = row["target_w"] if 0 < row["target_w"] < _NO_TARGET_W else None
    figures |= {name: row[units] * factor + row[rest] if units in row else None
                for name, (units, rest, factor) in _SUMS.items()}
    figures["fault"] = 1 if flags & FAULT else 0
    return Told(DAY_0_UTC + row["day"] * 86_400 + row["second"], figures)
