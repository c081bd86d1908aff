"""A command for another gateway, by somebody who holds this one's keys as well."""

import pytest

from tests.attacks.commanded import Gateway, command


@pytest.mark.parametrize("name", ["p/h", "q/g", "p/gg", "p/", "", "P/G", "p/g\0"])
def test_it_is_refused(name):
    gateway = Gateway()
    assert gateway.hear(command(gateway=name)) == "gateway"
    assert gateway.held == 0


def test_what_is_refused_costs_no_counter():
    gateway = Gateway()
    assert gateway.hear(command(gateway="p/h")) == "gateway"
    assert gateway.hear(command()) == ""
