"""What questions to a store cost: a year of one gateway at 15 s, and 200 gateways with a day each.

The rows have the journal's fields, and are coded by the gateway's own coder. Times are the
processor time of this process, of one question; `first` is the one that works the sums out.
"""

import os
import random
import time
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgpack

from cloud_bridge.queries import answers, files, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.store import DAY_0_UTC, Store
from edge import journal
from edge.batching import BATCH_BYTES
from edge.wire.batch import BatchEncoder

_PERIOD_S, _ROWS = 15, 60  # of a row, in a batch
_DAY_S = 86_400
_FIRST = 9_862  # 2027-01-01, in days since 2000
_FLEET = 200
_BIRTH = msgpack.packb({"v": "0", "fields": list(journal.FIELDS), "rules": ["device", "demand"],
                        "site": "-", "beat_s": 1, "period_s": _PERIOD_S})


def measure(days: int = 365, fleet: int = _FLEET) -> dict[str, float]:
    """The figures; with fewer days or gateways they are not those of the names."""
    found: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder, "year.db")
        _fill(path, ["hall"], days)
        found.update(_year(path, days))
        path = Path(folder, "fleet.db")
        _fill(path, [f"g{i}" for i in range(fleet)], 1)
        found.update(_fleet(path))
    return found


def _year(path: Path, days: int) -> dict[str, float]:
    now = DAY_0_UTC + (_FIRST + days) * _DAY_S
    name = ("park", "hall")
    first = spans.text(now - days * _DAY_S)
    whole = spans.span(first, spans.text(now), "1d", "UTC", now)
    day = spans.span(None, spans.text(now), "15min", "UTC", now)
    hour = spans.span(spans.text(now - 3_600), spans.text(now), "raw", "UTC", now)
    found: dict[str, float] = {"query.year.store_bytes": path.stat().st_size}
    with Archive.open(path) as archive:
        found["query.year.last_first_ms"] = _ms(lambda: answers.last(archive, *name, now))
        found["query.year.read_in_s"] = _ms(lambda: archive.refresh(*name)) / 1_000
        for key, span in (("days", whole), ("day", day), ("hour", hour)):
            for which in ("first", "again"):
                found[f"query.year.{key}_{which}_ms"] = _ms(
                    partial(answers.page, archive, *name, span, 5_000))
        found["query.year.refresh_ms"] = _ms(lambda: archive.refresh(*name))
        found["query.year.csv_s"] = _ms(lambda: files.write(
            path.with_suffix(".csv"), names := answers.columns(archive, *name, "raw"),
            _all(archive, whole._replace(resolution="raw"), names))) / 1_000
    found["query.year.index_bytes"] = os.path.getsize(f"{path}.index")
    return found


def _fleet(path: Path) -> dict[str, float]:
    now = DAY_0_UTC + (_FIRST + 1) * _DAY_S
    with Archive.open(path) as archive:
        names = archive.messages.names()
        return {"query.fleet.gateways_ms": _ms(archive.messages.names),
                "query.fleet.lag_ms": _ms(
                    lambda: [answers.lag(archive, *one, now) for one in names]),
                "query.fleet.last_ms": _ms(lambda: answers.last(archive, *names[-1], now)),
                "query.fleet.read_in_s": _ms(
                    lambda: [archive.refresh(*one) for one in names]) / 1_000}


def _fill(path: Path, gateways: list[str], days: int) -> None:
    with Store(path) as store:
        for day in range(days):
            bodies = [(2 + day * 96 + i, 1, body) for i, body in enumerate(_day(_FIRST + day))]
            told = [(1, 2, _BIRTH), *bodies] if day == 0 else bodies
            for gateway in gateways:
                store.commit([(f"parkedge/park/{gateway}/b", msgpack.packb([1, kind, 1, seq, body]))
                              for seq, kind, body in told],
                             DAY_0_UTC + (_FIRST + day + 1) * _DAY_S)


def _day(day: int) -> Iterator[bytes]:
    """The batches of a day: a load that wanders, a battery that answers, registers that run."""
    place = {name: i for i, name in enumerate(journal.FIELDS)}
    values = array("i", [0] * len(journal.FIELDS))
    wander = random.Random(day)
    grid_w, ws = 200_000, day * 5_000_000 * 3_600
    encoder = BatchEncoder(len(values), 4 * BATCH_BYTES)
    for i in range(_DAY_S // _PERIOD_S):
        grid_w = max(20_000, min(400_000, grid_w + wander.randrange(-9_000, 9_001)))
        ws += grid_w * _PERIOD_S
        for name, value in (
                ("day", day), ("second", i * _PERIOD_S), ("flags", 191), ("grid_w", grid_w),
                ("now_ms", i * _PERIOD_S * 1_000), ("grid_age_ms", wander.randrange(200, 900)),
                ("store_w", wander.randrange(-500, 500)), ("net_w", grid_w), ("soc_pm", 500),
                ("hi_by", int(grid_w > 300_000)), ("import_kwh", ws // 3_600_000),
                ("import_wh", ws // 3_600 % 1_000)):
            values[place[name]] = value
        encoder.add(values)
        if encoder.rows == _ROWS:
            yield bytes(encoder.buffer[:encoder.finish()])
            encoder.reset()


def _all(archive: Archive, asked: spans.Span, names: list[str]) -> Iterator[list[Any]]:
    while True:
        page = answers.table(archive, "park", "hall", asked, names, 2_000)
        yield from page.found
        if page.next is None:
            return
        asked = asked._replace(start=page.next)


def _ms(task: Callable[[], object]) -> float:
    began = time.process_time()
    task()
    return round(1_000 * (time.process_time() - began), 1)
