"""Lists of events as revisions: what is new, changed or gone is told once; silence is nothing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.announced import Announced
from cloud_bridge.response.feed import Feed
from edge.response.event import IMPORT_MAX

NOW = 1_784_000_000


def wish(start_utc=NOW + 3600, w=300_000, **more):
    return Announced("", 0, start_utc, NOW, 100_000, intervals=((60, IMPORT_MAX, w),), **more)


def said(told):
    return [(one.name, one.rev, bool(one.intervals)) for one in told]


@pytest.fixture
def feed(tmp_path):
    return Feed(tmp_path / "feed.json")


def test_an_event_is_told_until_it_is_answered(feed):
    listed = {"a": wish()}
    assert said(feed.take(listed, NOW)) == [("a", 0, True)]
    assert said(feed.take(listed, NOW)) == [("a", 0, True)]
    feed.answered("a", 0)
    assert said(feed.take(listed, NOW)) == []


def test_what_the_gateway_said_is_kept_with_its_revision(feed, tmp_path):
    feed.take({"a": wish()}, NOW)
    assert feed.judged("a") is None
    feed.answered("a", 0, "past")
    assert Feed(tmp_path / "feed.json").judged("a") == feed.judged("a") == (0, "past")
    feed.take({"a": wish(w=250_000)}, NOW)
    assert feed.judged("a") is None


def test_another_content_is_another_revision(feed):
    feed.take({"a": wish()}, NOW)
    feed.answered("a", 0)
    assert said(feed.take({"a": wish(w=250_000)}, NOW)) == [("a", 1, True)]
    feed.answered("a", 0)
    assert said(feed.take({"a": wish(w=250_000)}, NOW)) == [("a", 1, True)], "another one's answer"


def test_gone_from_a_whole_list_is_called_off_and_may_come_back(feed):
    feed.take({"a": wish()}, NOW)
    feed.answered("a", 0)
    assert said(feed.take({}, NOW)) == [("a", 1, False)]
    feed.answered("a", 1)
    assert said(feed.take({}, NOW)) == []
    assert said(feed.take({"a": wish()}, NOW)) == [("a", 2, True)]


def test_a_list_that_did_not_come_calls_nothing_off(feed):
    feed.take({"a": wish()}, NOW)
    feed.answered("a", 0)
    assert said(feed.take(None, NOW)) == []


def test_gone_after_its_end_is_nothing(feed):
    feed.take({"a": wish()}, NOW)
    feed.answered("a", 0)
    assert said(feed.take({}, NOW + 3 * 3600)) == []


@pytest.mark.parametrize("left_s", [119, 1])
def test_gone_as_it_ends_is_its_end(feed, left_s):
    """By another clock; the gateway still holds it for its last point."""
    feed.take({"a": wish()}, NOW)
    feed.answered("a", 0)
    assert said(feed.take({}, NOW + 2 * 3600 - left_s)) == []


def test_calling_off_comes_first_then_the_most_important(feed):
    feed.take({"a": wish()}, NOW)
    assert said(feed.take({"b": wish(priority=9), "c": wish(priority=1)}, NOW)) == [
        ("a", 1, False), ("c", 0, True), ("b", 0, True)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.dictionaries(
    st.sampled_from("abc"), st.integers(1, 3)), st.booleans(), st.booleans()), max_size=12))
def test_no_revision_has_two_contents_and_none_goes_back(tmp_path_factory, steps):
    """Lists, answers and restarts in any order."""
    path = tmp_path_factory.mktemp("feed") / "feed.json"
    feed, seen, last = Feed(path), {}, {}
    for listed, answer, restart in steps:
        if restart:
            feed = Feed(path)
        wishes = None if listed is None else {name: wish(w=w) for name, w in listed.items()}
        for one in feed.take(wishes, NOW):
            content = tuple(one.intervals)
            assert seen.setdefault((one.name, one.rev), content) == content
            assert one.rev >= last.get(one.name, 0)
            last[one.name] = one.rev
            if answer:
                feed.answered(one.name, one.rev)
        if listed is not None:  # what the gateway has been told last is what the list says
            for name in last:
                wanted = ((60, IMPORT_MAX, listed[name]),) if name in listed else ()
                newest = max(rev for told, rev in seen if told == name)
                assert seen[name, newest] == wanted


@pytest.mark.parametrize("text", ["", "{}", '{"events": 3}', '{"events": {"a": {"rev": 1}}}'])
def test_a_file_of_somebody_elses(tmp_path, text):
    path = tmp_path / "feed.json"
    path.write_text(text)
    with pytest.raises(DocumentError, match="is no list of events told"):
        Feed(path)


def test_the_file_is_plain_json(feed, tmp_path):
    feed.take({"a": wish()}, NOW)
    assert json.loads((tmp_path / "feed.json").read_text())["events"]["a"]["rev"] == 0
