"""Any text as what is asked of the API: a problem of status 400 or 404 in one line, or a range of
whole intervals and numbers inside their limits."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

from cloud_bridge.queries import spans
from cloud_bridge.queries.messages import NAME, QueryError
from cloud_bridge.tokens import Grant
from cloud_bridge.web.problems import Problem
from cloud_bridge.web.routes import MOST, Ask, names_of

NOW = 1_780_000_000
_GRANT = Grant(bytes(32), "viewer", None, None, None, "x")  # type: ignore[arg-type]
SEEDS = [urlencode(query).encode() for query in (
    {"start": "2026-03-01", "end": "2026-03-29T06:00:00Z", "zone": "Europe/Berlin", "r": "1d"},
    {"start": "2026-03-01T00:00:00+05:45", "zone": "Asia/Kathmandu", "r": "1h", "limit": "5000"},
    {"end": "2099-12-31", "zone": "UTC", "r": "raw", "late": "00001"}, {"after": "demo/hall"},
    {"start": "2000-01-01", "end": "2000-01-02", "r": "15min"}, {"zone": "Africa/Monrovia"},
    {"r": 90 * "1h"})]


def one(data: bytes) -> None:
    """As a query, and as names in a path."""
    text = data.decode("utf-8", "replace")
    query = dict(parse_qsl(text, keep_blank_values=True))
    ask = Ask(_GRANT, "/v1/x", ("p", "g"), query, "", NOW)
    with suppress(Problem):
        for name in ("limit", "late"):
            assert 0 < ask.number(name, 7, MOST) <= MOST
    ask.link(start="x")
    with suppress(Problem):
        park, gateway = names_of({"park": text, "gateway": "hall"})
        assert NAME.fullmatch(park)
        assert gateway == "hall"
    try:
        span = ask.span(query.get("r", "15min"))
    except QueryError as error:
        assert len(str(error)) < 300
        assert "\n" not in str(error)
        return
    assert 0 < span.start < span.end < 4_200_000_000
    assert span.resolution in spans.RESOLUTIONS
    assert span.begin(span.start) == span.start
    assert span.start < span.next(span.start) <= span.start + 90_000
    if spans.is_told(span.start):  # a day may begin before the first that may be named
        assert spans.utc_of("start", spans.text(span.start, span.zone), span.zone) == span.start
