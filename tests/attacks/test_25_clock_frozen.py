"""The wall clock stands still: leases end all the same, and it dates nothing."""

from tests.attacks.commanded import Gateway, command
from tests.core.park import DAY, Park, image


def frozen(gateway, seconds):
    for _ in range(seconds):
        gateway.live(1, wall_s=0)


def test_a_lease_ends_all_the_same():
    gateway = Gateway()
    assert gateway.hear(command(ttl_s=300)) == ""
    frozen(gateway, 299)
    assert gateway.held == 1
    frozen(gateway, 1)
    assert gateway.held == 0


def test_what_a_broker_held_back_stays_out():
    gateway = Gateway()
    frozen(gateway, 3600)
    assert gateway.hear(command(ttl_s=900)) == "clock"
    assert gateway.hear(command(nonce=gateway.results[-1].hint, ttl_s=900)) == ""


def test_before_it_is_seen_a_lease_is_only_so_much_longer():
    """Three seconds with beats of a second: what was written then is older than it seems."""
    gateway = Gateway()
    frozen(gateway, 3)
    assert gateway.hear(command(ttl_s=100)) == ""
    assert gateway.results[-1].held_s == 100
    frozen(gateway, 1)
    assert gateway.hear(command(ttl_s=100, counter=2)) == "clock"


def test_the_beat_goes_on():
    park = Park(image(rules={"ramp": {"ramp_w_per_s": 8_000_000}}))
    for beat in range(2000):
        now_ms = 1_000_000 + beat * 1000
        if beat == 100:
            park.site.leases.take(6, 0, now_ms + 1_800_000, now_ms)
        stamps = dict.fromkeys(("grid_ms", "store_ms", "soc_ms", "pv_ms"), now_ms)
        w = park.beat(now_ms=now_ms, day=DAY, second=36_000, grid_w=300_000, store_w=0, soc_pm=500,
                      pv_w=0, ready=1, charge_max_w=200_000, discharge_max_w=200_000, **stamps)
        assert park.site.fault is None
        bound = park.site.rule_names.index("command") in (park.row["lo_by"], park.row["hi_by"])
        assert bound == (100 <= beat < 1900)
        assert w == 0 or not bound
