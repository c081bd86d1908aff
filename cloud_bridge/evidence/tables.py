"""The figures of an account as tables: every quarter-hour, and granular certificates by the hour.

Of certificates (EnergyTag, Granular Certificate Scheme Standard v2, and its API's GC Bundle and
Storage Record): intervals of at most an hour in UTC (`production_starting_interval` and `_ending_`,
`flow_start_datetime` and `_end_`), volumes in whole Wh (a face value of 1 Wh), `is_storage` where
the device is one, and a record for what was charged and one for what was discharged. What is
charged is in the generation of its hour already, and what is discharged is no new generation: the
two records say where it went. They are shaped like certificates and are none: an issuing body
issues those, and pairs charge with discharge by its own rule (here: one well-mixed pool, which is
what `energy_source` of a discharge tells).
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cloud_bridge.carbon.passport import time
from cloud_bridge.evidence.accounts import Account
from cloud_bridge.fields import DocumentError
from edge.ledger.leaf import origins
from edge.ledger.matrix import CHARGE, DIRECT, EXPORT, LOAD, PV, SOURCES, STORE

_HOUR = 4  # quarter-hours
_GREEN = (PV, DIRECT)  # whose generation a certificate tells of
_WHOLE = 15 * _HOUR  # minutes
CERTIFICATE = ("record", "start", "end", "energy_source", "is_storage", "volume_wh", "complete")
Pairs = Sequence[tuple[Account, Account | None]]


def write(form: str, folder: Path, accounts: Pairs) -> None:
    """One of the forms of `export --table`. DocumentError, OSError."""
    if form == "certificates":
        _csv(folder / "certificates.csv", CERTIFICATE, certificates(site for site, _ in accounts))
        return
    names, rows = quarter_rows(accounts)
    if form == "parquet":
        _parquet(folder / "quarters.parquet", names, rows)
    else:
        _csv(folder / "quarters.csv", names, rows)


def quarter_rows(accounts: Iterable[tuple[Account, Account | None]]
                 ) -> tuple[list[str], list[list[object]]]:
    """The numbers of every leaf by their own names; what a leaf does not have is empty."""
    merged = [{"end": time(site.quarter + 1), **site.values,
               **{name: value for name, value in (tenants.values if tenants else {}).items()
                  if name not in site.values}} for site, tenants in accounts]
    names = list(dict.fromkeys(name for one in merged for name in one))
    return names, [[one.get(name, "") for name in names] for one in merged]


def certificates(sites: Iterable[Account]) -> list[list[object]]:
    """Generation, and what the battery was charged and discharged with, by UTC hour and source. A
    gap that reaches over an hour's end is in none: nobody knows which hour its energy belongs to.
    `complete` is 1 where every minute of the hour was measured."""
    volumes: Counter[tuple[int, str, str]] = Counter()
    covered: Counter[int] = Counter()
    for one in sites:
        hour = one.quarter // _HOUR
        if (one.quarter - one.values["span"] + 1) // _HOUR != hour:
            continue
        covered[hour] += one.values["steps"]
        for source, name in enumerate(SOURCES):
            if source in _GREEN:
                volumes[hour, "generation", name] += sum(one.flows[3 * source:3 * source + 3])
            if source != STORE:
                volumes[hour, "charge", name] += one.flows[3 * source + CHARGE]
        for origin in origins(one.values["meters"]):
            name = "unknown" if origin == STORE else SOURCES[origin]
            volumes[hour, "discharge", name] += one.traced(origin, LOAD) + one.traced(origin,
                                                                                      EXPORT)
    return [[record, time(_HOUR * hour), time(_HOUR * (hour + 1)), source,
             int(record != "generation"), wh, int(covered[hour] == _WHOLE)]
            for (hour, record, source), wh in sorted(volumes.items()) if wh]


def _csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def _parquet(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Whole numbers stay whole: every column but the time is a 64-bit integer."""
    try:
        import duckdb
    except ImportError:
        raise DocumentError("--table parquet: needs duckdb: pip install 'parkedge[parquet]'") \
            from None
    kinds = {name: "VARCHAR" if name == "end" else "BIGINT" for name in names}
    with TemporaryDirectory() as folder, duckdb.connect() as db:
        source = Path(folder, "quarters.csv")
        _csv(source, names, rows)
        db.read_csv(str(source), header=True, columns=kinds).write_parquet(
            str(path), compression="zstd")
