"""The recorder writes as many fields as the journal names, each where its name says."""

import pkgutil

from hypothesis import given
from hypothesis import strategies as st

import edge.rules
from edge.envelope import Envelope
from edge.gate import WORDS
from edge.journal import FIELDS
from edge.recorder import Recorder
from tests.core.park import snapshot

RULES_MAX = 63
NUMBERS = st.integers(0, RULES_MAX)
VERDICTS = st.integers(0, len(WORDS) - 1)
FLAGS = st.integers(0, (1 << 14) - 1)


def test_every_field_has_its_name():
    assert len(Recorder(snapshot()).row) == len(FIELDS) == len(set(FIELDS))


@given(st.tuples(NUMBERS, NUMBERS, VERDICTS, FLAGS), st.tuples(NUMBERS, NUMBERS, VERDICTS, FLAGS))
def test_whatever_changes_is_news(before, after):
    """A site may have all rules there are at once, and each change of who bound is told."""
    assert (news(*before) == news(*after)) == (before == after)
    assert 0 <= news(*after) < 1 << 30


def news(lo_by, hi_by, verdict, flags):
    now, envelope = snapshot(), Envelope()
    envelope.lo_by, envelope.hi_by, now.verdict, now.flags = lo_by, hi_by, verdict, flags
    return Recorder(now).note(now, envelope, 0)


def test_all_rules_together_have_numbers():
    files = list(pkgutil.iter_modules(edge.rules.__path__))
    assert len(files) + 2 <= RULES_MAX, "bands speak three times"
