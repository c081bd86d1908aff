"""Any JSON as an event of an OpenADR 3 server: refused in a line, or what every gateway can read,
the same each time."""

import json

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.deliver import fits
from cloud_bridge.response.openadr3.asks import Reading, announce, kinds_of
from edge.response.event import INTERVALS, LAST_ID
from tests.openadr3.events import START, event, interval, period

_READING = Reading({1: 50_000, 2: 80_000}, lambda start, end, w: [((end - start) // 60, 1, 7)])
_NOWS = (START - 3600, START + 450, START + 40 * 86_400)
SEEDS = [json.dumps(made).encode() for made in (
    event(300, 310), event(1, 0, 2, kind="SIMPLE"), event(-20, 5, kind="DISPATCH_SETPOINT"),
    event(-5, kind="DISPATCH_SETPOINT_RELATIVE"), event(0.17, kind="PRICE"),
    event(240, kind="IMPORT_CAPACITY_SUBSCRIPTION", intervalPeriod=period(duration="P9999Y")),
    event(*range(4), duration="P9999Y", priority=3),
    event(5, intervalPeriod=period("0001-01-01", "PT1H", randomizeStart="PT5M")),
    event(intervals=[interval(1, 2, 3, period=period(START + 3600, "PT3H")), interval(4)],
          payloadDescriptors=[{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "KW"}]))]


def one(data: bytes) -> None:
    """Before it begins, in the middle, and long after."""
    try:
        made = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(made, dict):
        return  # the client's list has nothing else
    kinds_of(made)
    for now in _NOWS:
        try:
            found = announce(made, [], START - 3600, now, _READING)
        except DocumentError as error:
            assert str(error).isprintable()
            continue
        assert found == announce(made, [], START - 3600, now, _READING)
        if found is not None:
            assert fits(found)
            assert 0 < len(found.intervals) <= INTERVALS
            assert 0 <= found.start_utc // 60 <= LAST_ID
