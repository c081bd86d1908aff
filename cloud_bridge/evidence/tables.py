"""The figures of an account as tables: every quarter-hour, and granular certificates by the hour.

Of certificates (EnergyTag, Granular Certificate Scheme Standard v2; storage as Granular Energy's
Storage Charge and Discharge Records): intervals of an hour, volumes in whole Wh rounded down,
whether the energy comes from storage, and one record for what was charged and one for what was
discharged. They are shaped like certificates and are none: an issuing body issues those.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from cloud_bridge.carbon.passport import time
from cloud_bridge.carbon.quarters import BATTERY, CHARGE, EXPORT, LOAD, ORIGINS, SOURCES, Quarter
from cloud_bridge.evidence.accounts import Account

_HOUR = 4  # quarter-hours
_KINDS = {"PV": 1, "direct": 2}  # whose generation a certificate tells of, as places of SOURCES
CERTIFICATE = ("record", "start", "end", "energy_source", "storage", "volume_wh", "complete")


def write(form: str, folder: Path, accounts: Sequence[tuple[Account, Account | None]],
          quarters: Sequence[Quarter]) -> None:
    """One of the forms of `export --table`. OSError."""
    if form == "certificates":
        _csv(folder / "certificates.csv", CERTIFICATE, certificates(quarters))
        return
    names, rows = quarter_rows(accounts)
    _csv(folder / "quarters.csv", names, rows)
    if form == "parquet":
        _parquet(folder / "quarters.csv", folder / "quarters.parquet", names)


def quarter_rows(accounts: Iterable[tuple[Account, Account | None]]
                 ) -> tuple[list[str], list[list[object]]]:
    """The numbers of every leaf by their own names; what a leaf does not have is empty."""
    merged = [{"end": time(site.quarter + 1), **site.values,
               **{name: value for name, value in (tenants.values if tenants else {}).items()
                  if name not in site.values}} for site, tenants in accounts]
    names = list(dict.fromkeys(name for one in merged for name in one))
    return names, [[one.get(name, "") for name in names] for one in merged]


def certificates(quarters: Iterable[Quarter]) -> list[list[object]]:
    """Generation, and what the battery was charged and discharged with, by UTC hour and source. A
    gap of more than an hour is in none: nobody knows which hour its energy belongs to."""
    volumes: Counter[tuple[int, str, int]] = Counter()
    covered: Counter[int] = Counter()
    for one in quarters:
        hour = one.index // _HOUR
        if one.span > 1 and (one.index - one.span + 1) // _HOUR != hour:
            continue
        covered[hour] += one.minutes
        for place in _KINDS.values():
            volumes[hour, "generation", place] += one.taken(place)
        for place in range(BATTERY):
            volumes[hour, "charge", place] += one.flows[place][CHARGE]
        for place, wh in enumerate(one.stored):
            volumes[hour, "discharge", place] += wh
        exported = one.flows[BATTERY][EXPORT]
        given = one.flows[BATTERY][LOAD] + exported
        if exported and given > exported:  # in the mix of what went to the load
            for place, wh in enumerate(one.stored):
                volumes[hour, "discharge", place] += wh * exported // (given - exported)
    return [[record, time(_HOUR * hour), time(_HOUR * (hour + 1)),
             ORIGINS[place] if record == "discharge" else SOURCES[place],
             int(record != "generation"), wh, int(covered[hour] == 60)]
            for (hour, record, place), wh in sorted(volumes.items()) if wh]


def _csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


def _parquet(source: Path, path: Path, names: Sequence[str]) -> None:
    """Whole numbers stay whole: every column but the time is a 64-bit integer."""
    import duckdb

    kinds = {name: "VARCHAR" if name == "end" else "BIGINT" for name in names}
    with duckdb.connect() as db:
        db.read_csv(str(source), header=True, columns=kinds).write_parquet(
            str(path), compression="zstd")
