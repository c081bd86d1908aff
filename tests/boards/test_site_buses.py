"""The buses of a site: one connection to a host, and a rest after connecting."""

from __future__ import annotations

import pytest

from tests.boards.sites import changed, judge


def test_one_connection_to_a_host():
    """Two buses to one address: whoever takes one connection would hang up on the other."""
    same = judge(changed(('host = "192.168.10.12"', 'host = "192.168.10.11"'))).errors
    assert len(same) == 1
    assert same[0].startswith("site.toml: bus: found 2 with place 192.168.10.11:502, expected one: "
                              "a device that takes one connection hangs up on the other")
    named = judge(changed(('host = "192.168.10.11"', 'host = "PCS.plant."'),
                          ('host = "192.168.10.12"', 'host = "pcs.plant"'))).errors
    assert [line for line in named if "with place pcs.plant:502" in line]
    other = changed(('host = "192.168.10.12"', 'host = "192.168.10.11"\nport = 1502'))
    assert judge(other).errors == ()


@pytest.mark.parametrize(("said", "held"), [("", None), ("\nsettle_ms = 0", None),
                                            ("\nsettle_ms = 1000", 1000)])
def test_a_rest_after_connecting_is_in_the_image_where_it_is_asked_for(said: str,
                                                                       held: int | None):
    site = judge(changed(('host = "192.168.10.11"', f'host = "192.168.10.11"{said}'))).site
    assert site is not None
    assert site.buses[2].image.get("settle_ms") == held
