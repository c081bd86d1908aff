"""A simulated server, and a client of it."""

import pytest

from hil.openadr3_vtn import Vtn as Server
from tests.openadr3.site import World


@pytest.fixture
def world(tmp_path):
    with Server() as server:
        yield World(server, tmp_path)
