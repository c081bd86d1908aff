"""A lease that is not renewed ends by itself: back to the local plan within ttl + 1 beat."""

import pytest

from edge.blocks import RamBlocks
from edge.command import _RECORD_BYTES, Commands
from edge.keep import Keep
from tests.attacks.commanded import KEYS, NAME, ROOT, Outbox, command
from tests.core.park import DAY, Park, image

FREE = {"ramp": {"ramp_w_per_s": 8_000_000}, "reserve": {"floor_pm": 0, "ceiling_pm": 1000}}
QUIET = {"grid_w": 300_000, "store_w": 0, "soc_pm": 500, "pv_w": 0,
         "charge_max_w": 200_000, "discharge_max_w": 200_000}
START = 36_000
ASKED = [("setpoint", (-120_000, 1)), ("setpoint", (60_000, 1)), ("stop", ()), ("floor", (990,)),
         ("limit-import", (150_000,)), ("limit-discharge", (1_000,)), ("limit-charge", (1_000,))]


def made(beat_s):
    park = Park(image(site={"beat_s": beat_s}, rules=FREE))
    return park, Commands(park.site, KEYS, NAME, ROOT,
                          Keep(RamBlocks(256, 4), _RECORD_BYTES), Outbox())


def hear(commands, message, now_ms):
    before = commands.accepted
    commands.receive(message, 0, len(message), now_ms)
    assert commands.accepted == before + 1, commands.reason


@pytest.mark.parametrize(("verb", "args"), ASKED)
@pytest.mark.parametrize(("beat_s", "ttl_s"), [(1, 30), (1, 61), (10, 95), (60, 600)])
def test_back_to_the_local_plan_in_time(beat_s, ttl_s, verb, args):
    """Beside a park that was never commanded and sees the same: alike before, and after."""
    park, commands = made(beat_s)
    plain, _ = made(beat_s)
    readings = {**QUIET, "grid_w": -50_000} if verb == "limit-charge" else QUIET  # what it acts on
    asked = START + 20 * beat_s
    apart = []
    for second in range(asked - 20 * beat_s, asked + ttl_s + 5 * beat_s, beat_s):
        ours, theirs = (one.fresh_beat(second, **readings) for one in (park, plain))
        name = park.site.rule_names.index("command")
        bound = name in (park.row["lo_by"], park.row["hi_by"])
        if ours != theirs or bound:
            apart.append(second)
        if second == asked:
            hear(commands, command(verb, *args, issued=DAY * 86_400 + second, ttl_s=ttl_s),
                 second * 1000)
    assert park.site.fault is None
    assert apart, "it never bound"
    assert asked < apart[0] <= asked + beat_s
    assert asked + ttl_s - 2 * beat_s <= apart[-1] < asked + ttl_s + beat_s


def test_who_renews_a_setpoint_keeps_it_and_a_new_one_takes_its_place():
    park, commands = made(1)
    seen = []
    for number, second in enumerate(range(START, START + 100)):
        seen.append(park.fresh_beat(second, **QUIET))
        if number in (20, 40):
            hear(commands, command("setpoint", -50_000, 1, issued=DAY * 86_400 + second, ttl_s=30,
                                   counter=number), second * 1000)
        if number == 60:
            hear(commands, command("setpoint", 20_000, 1, issued=DAY * 86_400 + second, ttl_s=20,
                                   counter=number), second * 1000)
    assert seen[21:61] == [-50_000] * 40
    assert seen[61:80] == [20_000] * 19
    assert seen[80] == seen[20]


def test_release_ends_all_at_once():
    park, commands = made(1)
    for second in range(START, START + 20):
        park.fresh_beat(second, **QUIET)
    plan_w = park.row["command_w"]
    for counter, (verb, args) in enumerate(ASKED, 1):
        hear(commands, command(verb, *args, counter=counter, issued=DAY * 86_400 + START),
             (START + 20) * 1000)
    assert park.fresh_beat(START + 20, **QUIET) == 0
    hear(commands, command("release", counter=50, issued=DAY * 86_400 + START),
         (START + 20) * 1000)
    assert park.fresh_beat(START + 21, **QUIET) == plan_w


def test_a_restart_ends_them():
    device = RamBlocks(256, 4)
    park = Park(image())
    commands = Commands(park.site, KEYS, NAME, ROOT, Keep(device, _RECORD_BYTES), Outbox())
    park.fresh_beat(START, **QUIET)
    hear(commands, command("stop", issued=DAY * 86_400 + START), START * 1000)
    assert park.site.leases.bounds[0] == 1
    again = Park(image())
    Commands(again.site, KEYS, NAME, ROOT, Keep(device, _RECORD_BYTES), Outbox())
    assert again.site.leases.bounds[0] == 0


def test_a_lease_runs_across_the_wrap_of_the_ticks():
    park, _ = made(1)
    leases = park.site.leases
    now_ms = (1 << 30) - 5_000
    leases.take(6, 0, (now_ms + 10_000) % (1 << 30), now_ms)
    for passed_ms in range(0, 10_000, 1000):
        leases.settle((now_ms + passed_ms) % (1 << 30))
        assert leases.bounds[0] == 1
    leases.settle((now_ms + 10_000) % (1 << 30))
    assert leases.bounds[0] == 0
