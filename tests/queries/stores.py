"""Stores made through the gateway's own coder, and a slow second opinion of what they say."""

from array import array

import msgpack

from cloud_bridge.store import DAY_0_UTC, Store
from edge import energies
from edge.wire.batch import BatchEncoder

FIELDS = ("day", "second", "now_ms", "flags", "grid_w", "net_w", "lo_by", "import_kwh",
          "import_wh", "cost_units", "cost_e4", "soc_pm")
DAY_UTC = DAY_0_UTC + 9_500 * 86_400  # 2026-01-04
NAMES = ("demo", "hall")


def row(utc, flags=7, grid_w=1_000, lo_by=0, import_wh=0, cost_e4=0, soc_pm=500):
    """The values of a row."""
    day, second = divmod(utc - DAY_0_UTC, 86_400)
    return [day, second, 0, flags, grid_w, grid_w + 5, lo_by, *divmod(import_wh, 1_000),
            *divmod(cost_e4, 10_000), soc_pm]


def birth(period_s=15, beat_s=1, fields=FIELDS, rules=("device", "fresh", "demand"),
          energies=energies.FIELDS):
    return msgpack.packb({"v": "1", "fields": list(fields), "rules": list(rules), "site": "x",
                          "energies": list(energies), "beat_s": beat_s, "period_s": period_s})


def energy(utc, import_wh=0, cost_e4=0, carbon_mg=0):
    """The values of a quarter-hour's row."""
    told = dict.fromkeys(energies.FIELDS, 0)
    told["day"], told["second"] = divmod(utc - DAY_0_UTC, 86_400)
    told["import_kwh"], told["import_wh"] = divmod(import_wh, 1_000)
    told["cost_units"], told["cost_e4"] = divmod(cost_e4, 10_000)
    told["carbon_units"], told["carbon_e4"] = divmod(carbon_mg, 10_000)
    return [*told.values()]


def batch(rows):
    """The body of a telemetry message."""
    encoder = BatchEncoder(len(rows[0]), 60_000)
    for one in rows:
        assert encoder.add(array("i", one))
    return bytes(encoder.buffer[:encoder.finish()])


def message(seq, kind, body, epoch=9):
    return msgpack.packb([1, kind, epoch, seq, body])


def fill(path, messages, names=NAMES, received_utc=DAY_UTC):
    """Commit (seq, kind, body) or (seq, kind, body, epoch)."""
    topic = "parkedge/{}/{}/b".format(*names)
    with Store(path) as store:
        store.commit([(topic, message(*one)) for one in messages], received_utc)
