"""The recorder writes as many fields as the journal names, each where its name says."""

from edge.journal import FIELDS
from edge.recorder import Recorder


def test_every_field_has_its_name():
    assert len(Recorder().row) == len(FIELDS) == len(set(FIELDS))
