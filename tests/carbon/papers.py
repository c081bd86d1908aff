"""Quarter-hours, documents and statements for the tests of cloud_bridge/carbon."""

from __future__ import annotations

import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from cloud_bridge import source
from cloud_bridge.carbon import factors, statement
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.quarters import Quarter, index_of
from cloud_bridge.documents import Document
from hil import amend, emulation
from tests.conftest import ROOT

YEAR = 2026
FIRST = index_of(datetime.date(YEAR, 1, 1), 480)
ISSUED = "2026-11-28"

# What a stranger may put anywhere in a document.
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-10**20, 10**20) | st.floats() | st.text(max_size=12)
    | st.sampled_from(["", "0", "1.5", "-1", "1e9", "2026-02-30", "2026-01-31", "00" * 8]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=4), max_leaves=8)


def shipped(name: str = "cn_910_fossil") -> FactorSet:
    return factors.read(source.load(factors.named(name)))


def quarter(index: int, grid: int = 0, pv: int = 0, **more: Any) -> Quarter:
    """`grid` and `pv` Wh into the load, and nothing else."""
    flows = ((grid, 0, 0), (pv, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0))
    return Quarter(index, more.pop("flows", flows), more.pop("stored", (0,) * 5), **more)


def stated(subject: str, account: str = "a", first: str = "2026-01-01", last: str = "2026-01-31",
           **values: Any) -> statement.Statement:
    body = {"subject": subject, "account": account, "first": first, "last": last,
            "source": "invoice 1", **values}
    return statement.read(Document("statement", ISSUED, body))


def certificate(number: str, kwh: int | str, **more: Any) -> statement.Statement:
    return stated("certificate", registry="cn", certificates=[number], kwh=kwh, **more)


@st.composite
def quarters(draw: st.DrawFn, count: int = 12) -> list[Quarter]:
    """Any flows, some quarter-hours missing."""
    wh = st.integers(0, 10**7)
    found = []
    for index in range(FIRST, FIRST + count):
        if draw(st.integers(0, 9)) == 0:
            continue
        stored = tuple(draw(st.lists(wh, min_size=5, max_size=5)))
        rows = [tuple(draw(st.lists(wh, min_size=3, max_size=3))) for _ in range(4)]
        flows = (*rows, (sum(stored), draw(wh), 0))
        found.append(Quarter(index, flows, stored, draw(st.integers(0, 15))))
    return found


def places(raw: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value."""
    inside = raw.items() if isinstance(raw, dict) else enumerate(raw) \
        if isinstance(raw, list) else ()
    return [path, *(deeper for key, value in inside for deeper in places(value, (*path, key)))]


def change(draw: st.DrawFn, raw: Any) -> None:
    """Put anything anywhere in a body, or take something away."""
    path = draw(st.sampled_from(places(raw)[1:]))
    at = raw
    for key in path[:-1]:
        at = at[key]
    if draw(st.booleans()):
        at[path[-1]] = draw(JUNK)
    else:
        del at[path[-1]]


def tonnes(mg_per_kwh: int, wh: int) -> Fraction:
    """By the definition: kWh times kg per kWh, in t."""
    return Fraction(wh, 1000) * Fraction(mg_per_kwh, 10**6) / 1000


def emulated(folder: Path) -> Path:
    """The evidence of a day of the mill, 2026-06-30T16:00Z to 2026-07-01T16:00Z."""
    path = ROOT / "examples" / "mill" / "site.toml"
    order = emulation.Order(amend.site(amend.read(path), path), beat_s=60)
    run = emulation.emulate(order, emulation.feeds_of(order), folder, lambda passed: None)
    assert run.kept is not None
    return run.kept.folder
