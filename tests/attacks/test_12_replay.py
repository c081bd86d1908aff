"""A command heard again: at once, after a restart, after a power cut, after the flash was put back.

What protects: the counter, which is stored before anything is done. Flash that is put back has
forgotten counters; then its age protects: what was recorded is good for no longer than its lease,
which it only takes up again (test_14).
"""

import pytest

from hil.nor import Nor
from tests.attacks.commanded import SECOND, Gateway, command
from tests.core.park import DAY

TTL_S = 900


def test_it_is_done_once_and_its_result_told_again():
    gateway = Gateway()
    assert gateway.hear(command()) == ""
    gateway.live(10)
    held = list(gateway.park.site.leases._ends_ms)
    gateway.hear(command())
    assert gateway.commands.accepted == 1
    assert list(gateway.park.site.leases._ends_ms) == held, "its lease is as it was"
    first, second = gateway.results
    assert first == second
    assert (first.done, first.counter, first.held_s, first.is_true) == (True, 1, 900, True)


def test_a_lower_counter_or_another_command_of_that_counter_is_refused():
    gateway = Gateway()
    assert gateway.hear(command(counter=7)) == ""
    for other in (command(counter=6), command(counter=7, ttl_s=901), command("stop", counter=1)):
        assert gateway.hear(other) == "counter"
    assert gateway.results[-1].hint == 7, "and where the counter stands is told"
    assert gateway.hear(command(counter=(1 << 32) - 1)) == ""
    assert gateway.hear(command(counter=1 << 32)) == "format"


def test_a_restart_remembers():
    gateway = Gateway()
    assert gateway.hear(command("limit-charge", 5, counter=5)) == ""
    again = Gateway(gateway.device)
    again.hear(command("limit-charge", 5, counter=5))
    assert again.commands.accepted == 0
    assert again.held == 0, "a restart ends every lease; the same command is not done twice"
    assert again.results == gateway.results
    assert again.hear(command(counter=4)) == "counter"


def test_the_next_key_retires_the_present_for_good():
    gateway = Gateway()
    assert gateway.hear(command(counter=9)) == ""
    assert gateway.hear(command(counter=1, key=2)) == ""
    for life in (gateway, Gateway(gateway.device)):
        assert life.hear(command(counter=99)) == "key"
        assert life.hear(command(counter=1, key=2, ttl_s=901)) == "counter"
    assert gateway.hear(command(counter=1, key=3)) == ""


def test_whatever_byte_the_power_fails_at_it_is_done_once_at_most():
    """Cut while the counter is stored: not done before the cut; the command may come again after
    it, and is done then exactly if its counter had not been stored."""
    device = Nor(sectors=3)
    gateway = Gateway(device)
    for counter in range(1, 8):
        assert gateway.hear(command(counter=counter)) == ""
    cuts = []
    device.on_event = lambda torn: cuts.extend(
        (bytes(image), gateway.commands.accepted) for image in torn())
    assert gateway.hear(command(counter=8)) == ""
    device.on_event = lambda torn: None
    assert len(cuts) > 200
    assert {accepted for _, accepted in cuts} == {7}, "nothing is done before it is stored"
    outcomes = set()
    for image, _ in cuts:
        after = Gateway(Nor(image, 3))
        after.hear(command(counter=8))
        outcomes.add(after.commands.accepted)
        assert after.hear(command(counter=7)) == "counter"
        after.hear(command(counter=8))
        assert after.commands.accepted <= 1
    assert outcomes == {1, 0} or outcomes == {1}


def test_storage_that_fails_is_no_licence():
    gateway = Gateway()
    program = gateway.device.program
    gateway.device.program = lambda *_: (_ for _ in ()).throw(OSError(5))
    assert gateway.hear(command()) == "storage"
    assert gateway.held == 0
    gateway.device.program = program
    assert gateway.hear(command(counter=2)) == ""


@pytest.mark.parametrize("later_s", [TTL_S, TTL_S + 1, 86_400])
def test_flash_that_is_put_back_takes_nothing_that_has_expired(later_s):
    old = Gateway()
    assert old.hear(command(counter=1)) == ""
    image = bytes(old.device.memory)
    assert old.hear(command("stop", counter=2)) == ""
    restored = Gateway(Nor(image, 4), second=SECOND + later_s)
    assert restored.hear(command("stop", counter=2)) == "expired"
    restored = Gateway(Nor(image, 4), clock_set=False)
    assert restored.hear(command("stop", counter=2)) == "clock"


def test_flash_that_is_put_back_in_time_takes_the_lease_up_no_longer_than_it_ran():
    old = Gateway()
    image = bytes(old.device.memory)
    assert old.hear(command("stop", counter=1)) == ""
    restored = Gateway(Nor(image, 4), second=SECOND + 600)
    assert restored.hear(command("stop", counter=1)) == ""
    restored.live(300)
    assert restored.held == 0
    assert restored.wall_s == DAY * 86_400 + SECOND + TTL_S
