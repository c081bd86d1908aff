"""A change against what is usual, from the load in the store to targets at the meter."""

import datetime

import pytest

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.openadr3.asks import Reading, announce
from cloud_bridge.response.openadr3.baseline import Baseline
from edge.response.event import IMPORT_MAX, IMPORT_MIN
from tests.openadr3.events import event, period
from tests.queries.stores import batch, birth, fill, row
from tests.response.loads import DAY, utc

NOON, ONE = 720, 780
LOAD_W = 600_000


@pytest.fixture
def baseline(tmp_path):
    """Of cn_jiangsu: eight days of 600 kW, told every minute, to ten o'clock of the day itself."""
    start = utc(DAY - datetime.timedelta(8), 0)
    rows = [row(at, import_wh=at_row * 10_000, grid_w=LOAD_W)
            for at_row, at in enumerate(range(start, utc(DAY, 600), 60))]
    messages = [(2 + at, 1, batch(rows[at * 200:at * 200 + 200]))
                for at in range((len(rows) + 199) // 200)]
    fill(tmp_path / "park.db", [(1, 2, birth(period_s=60)), *messages],
         received_utc=utc(DAY, 600))
    return Baseline("cn_jiangsu", "demo/hall", str(tmp_path / "park.db"), None,
                    lambda: utc(DAY, 600))


@pytest.mark.parametrize(("kw", "kind", "w"), [
    (-100, IMPORT_MAX, 498_000), (100, IMPORT_MIN, 702_000)])
def test_less_is_held_below_the_baseline_and_more_above_it(baseline, kw, kind, w):
    made = event(kw, kind="DISPATCH_SETPOINT_RELATIVE",
                 intervalPeriod=period(utc(DAY, NOON), "PT1H"))
    found = announce(made, [], utc(DAY, 600), utc(DAY, 600), Reading(relative=baseline))
    assert (found.reply_w, found.intervals) == (100_000, ((60, kind, w),))
    assert found.start_utc == utc(DAY, NOON)
    assert baseline(utc(DAY, NOON), utc(DAY, ONE), -100_000) is baseline(
        utc(DAY, NOON), utc(DAY, ONE), -100_000), "it is not worked out with every poll"


def test_where_no_point_is_judged_there_is_no_target(baseline):
    with pytest.raises(DocumentError):
        baseline(utc(DAY, NOON), utc(DAY, NOON + 67), -100_000)
