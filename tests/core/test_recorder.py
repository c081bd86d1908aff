"""The recorder writes as many fields as the journal names, each where its name says."""

from edge.journal import FIELDS
from edge.recorder import Recorder
from tests.core.park import snapshot


def test_every_field_has_its_name():
    assert len(Recorder(snapshot()).row) == len(FIELDS) == len(set(FIELDS))
