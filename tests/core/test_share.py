"""A shared limit is never allowed twice, whatever becomes of the messages, and it is shared."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.share_law import Law, fill
from tests.core.share_world import KEYS, World

LIMIT_W = KEYS["limit_w"]
LEASE_S, SETTLE_S = KEYS["lease_ms"] // 1000, KEYS["settle_ms"] // 1000
sizes = st.integers(2, 8)


@given(st.integers(0, 40_000), st.lists(st.integers(0, 16_384), min_size=1, max_size=8))
def test_water_fills_exactly_and_fairly(total, wants):
    parts = array("i", [7] * len(wants))
    fill(total, wants, parts)
    assert sum(parts) == min(total, sum(wants))
    assert all(0 <= part <= want for part, want in zip(parts, wants, strict=True))
    short = [part for part, want in zip(parts, wants, strict=True) if part < want]
    if short:
        assert max(short) - min(short) <= 1
        assert all(part <= min(short) + 1 for part in parts), "nobody is served before the short"


@st.composite
def needs(draw):
    """What some gateways have to spare and want, and their limit."""
    size = draw(sizes)
    watts = st.one_of(st.integers(-300_000, 300_000), st.integers(-16_000_000, 16_000_000))
    return (draw(st.integers(1, 8_000_000)), draw(st.lists(watts, min_size=size, max_size=size)),
            draw(st.lists(st.integers(0, 8_000_000), min_size=size, max_size=size)))


@settings(max_examples=100)
@given(needs())
def test_who_hears_the_same_lends_what_adds_up(need):
    """No gateway is lent more than it lacks, none lends what its load needs, loads come first."""
    limit_w, spares, wants = need
    size = len(spares)
    laws = [Law(size, at, limit_w) for at in range(size)]
    for law in laws:
        law.divide(array("i", spares), array("i", wants))
    unit_w = limit_w // 8192 + 1
    for at, law in enumerate(laws):
        assert law.loans_w[at] == 0
        assert min(law.loans_w) >= 0
        assert sum(law.loans_w) <= max(spares[at], 0), "only what its own load leaves"
    for k in range(size):
        got_w = sum(law.loans_w[k] for law in laws)
        lacks_w = max(-spares[k], 0) + wants[k]
        assert got_w <= lacks_w + 2 * unit_w
        assert got_w == 0 or not any(laws[k].loans_w), "nobody lends and borrows"
    if all(abs(spare) <= limit_w for spare in spares):
        lack_w = sum(max(-spare, 0) for spare in spares)
        over_w = sum(max(spare, 0) for spare in spares)
        lent_w = sum(sum(law.loans_w) for law in laws)
        assert lent_w >= min(lack_w, over_w) - (size * size + size) * unit_w, "and all that helps"


@st.composite
def worlds(draw):
    """Two to four gateways whose safe shares add up to the limit; one has much to lend."""
    size = draw(st.integers(2, 4))
    parts = draw(st.lists(st.integers(1, 20), min_size=size, max_size=size))
    safes = [LIMIT_W * part // sum(parts) for part in parts]
    keeps = [safe * draw(st.sampled_from([0, 0, 1, 5, 10])) // 10 for safe in safes]
    beats = draw(st.lists(st.sampled_from([1000, 1000, 5000]), min_size=size, max_size=size))
    world = World(safes, keeps, draw(st.integers(0, 2**32)), beats)
    for site in world.sites[1:]:
        site.load_w = LIMIT_W
    return world


@st.composite
def troubles(draw):
    """What happens next: to the link, to a load, to a gateway."""
    what = draw(st.sampled_from(["load", "load", "load", "want", "link", "deaf", "deaf", "cut",
                                 "restart", "late"]))
    return (what, draw(st.integers(0, 3)),
            draw(st.sampled_from([-100_000, 0, 0, 300_000, 900_000, 1_200_000])),
            draw(st.sampled_from([50, 3000, 12_000, 25_000, 60_000])),
            draw(st.sampled_from([500, 2500, 8000, 12_000, 30_000])))


@settings(max_examples=120, deadline=None)
@given(worlds(), st.lists(troubles(), min_size=4, max_size=10))
def test_the_sum_of_all_allowances_never_exceeds_the_limit(world, events):
    world.check = lambda: _held(world)
    world.run(35_000)
    link = world.link
    for what, number, w, delay_ms, for_ms in events:
        who = number % len(world.sites)
        if what == "load":
            world.sites[who].load_w = w
        elif what == "want":
            world.sites[who].want_w = max(w, 0)
        elif what == "link":
            link.lost_pm, link.doubled_pm, link.delay_ms = number * 150, number * 300, delay_ms
        elif what == "deaf":
            link.deaf ^= {who}
        elif what == "cut":
            link.cut = not link.cut
        elif what == "restart":
            world.restart(who)
        else:
            world.late_ms = min(delay_ms, 4000)
        world.run(for_ms)


def _held(world: World) -> None:
    assert world.allowed_w() <= LIMIT_W
    for site in world.sites:
        assert site.keys["keep_w"] <= site.in_force_w <= LIMIT_W
        assert 0 <= site.share.given_w <= site.share.safe_w - site.keys["keep_w"]


def settled(loads: list[int], wants: list[int], keeps: tuple[int, int] = (0, 0)) -> World:
    """A calm world of two equal shares, after a while."""
    world = World([LIMIT_W // 2] * 2, keeps, seed=3)
    world.check = lambda: _held(world)
    for site, load_w, want_w in zip(world.sites, loads, wants, strict=True):
        site.load_w, site.want_w, site.battery_w = load_w, want_w, 800_000
    world.run(120_000)
    return world


def test_what_one_does_not_need_another_one_uses():
    world = settled([100_000, 800_000], [0, 0])
    assert world.sites[1].in_force_w >= 799_000
    assert world.sites[1].store_w < 1000, "no battery is needed for what there is room for"
    assert world.allowed_w() >= LIMIT_W - 1000


def test_a_load_comes_before_another_ones_charging():
    world = settled([100_000, 800_000], [400_000, 0])
    assert world.sites[1].in_force_w >= 799_000, "its load is within the common limit"
    assert world.sites[0].store_w == pytest.approx(-100_000, abs=1000), "the rest may be charged"
    alone = settled([100_000, 100_000], [200_000, 700_000])
    assert alone.sites[0].store_w == -200_000, "the owner's charging comes before another one's"
    assert alone.sites[1].in_force_w == pytest.approx(700_000, abs=1000)


@given(st.integers(0, 2**32), st.integers(0, 400))
@settings(max_examples=30, deadline=None)
def test_it_is_shared_on_a_poor_link_too(seed, lost_pm):
    world = World([LIMIT_W // 2] * 2, [0, 0], seed)
    world.check = lambda: _held(world)
    world.link.lost_pm, world.link.doubled_pm, world.link.delay_ms = lost_pm, 200, 1500
    world.sites[1].load_w = 700_000
    world.run(240_000)
    allowed = 0
    for _ in range(60):
        world.run(1000)
        allowed += world.sites[1].in_force_w >= 690_000
    assert allowed >= (55 if lost_pm < 100 else 20)


@given(st.integers(0, 2**32), st.integers(0, 4000))
@settings(max_examples=40, deadline=None)
def test_without_a_link_everybody_is_back_at_its_safe_share_in_time(seed, late_ms):
    world = World([LIMIT_W // 4] * 4, [50_000] * 4, seed)
    world.check = lambda: _held(world)
    world.late_ms = late_ms
    for k, site in enumerate(world.sites):
        site.load_w = 30_000 + 180_000 * k
    world.run(120_000)
    assert world.sites[3].in_force_w > LIMIT_W // 4, "it had borrowed"
    world.link.cut = True
    world.run(50)  # what was under way has come
    world.run((LEASE_S + 1) * 1000 + late_ms)
    for site in world.sites:
        assert site.in_force_w <= LIMIT_W // 4, "a loan outlives the link by its lease"
    world.run((LEASE_S + SETTLE_S + 3 * 2 + 1) * 1000 + 3 * late_ms)
    assert [site.in_force_w for site in world.sites] == [LIMIT_W // 4] * 4, "and lenders are whole"


def test_a_lender_whose_load_comes_back_has_its_share_again_in_time():
    world = settled([100_000, 800_000], [0, 0])
    world.sites[0].load_w = 500_000
    world.run((2 + LEASE_S + SETTLE_S + 2 * 2 + 2) * 1000)
    assert world.sites[0].in_force_w >= 499_000
    assert world.sites[1].store_w >= 290_000, "the other one's battery has taken over"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4000))
def test_a_borrower_that_has_gone_deaf_is_given_the_time_it_was_promised(seed, wait_ms):
    """The lender hears that all is well and wants its share back; the borrower knows nothing."""
    world = World([LIMIT_W // 2] * 2, [0, 0], seed)
    world.check = lambda: _held(world)
    world.sites[1].load_w = LIMIT_W
    world.run(60_000 + wait_ms)
    assert world.sites[1].in_force_w >= 999_000
    world.link.deaf = {1}
    world.sites[0].load_w = LIMIT_W // 2
    world.run(40_000)
    assert [site.in_force_w for site in world.sites] == [LIMIT_W // 2] * 2


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([15_000, 20_000]))
def test_words_that_come_late_are_never_taken_for_new(seed, delay_ms):
    """Longer under way than a lease lasts: hardly anything is lent, and nothing twice."""
    world = World([LIMIT_W // 2] * 2, [0, 0], seed)
    world.check = lambda: _held(world)
    world.link.delay_ms = delay_ms
    for k in range(6):
        world.sites[k % 2].load_w = 0
        world.sites[1 - k % 2].load_w = LIMIT_W
        world.run(45_000)


def test_whoever_starts_does_not_know_what_it_has_lent():
    world = settled([100_000, 800_000], [0, 0])
    world.restart(0)
    world.run(3500)
    assert world.sites[0].in_force_w == 0, "keep_w, until all it may have lent is over"
    world.run((LEASE_S + SETTLE_S + 2) * 1000)
    assert world.sites[0].in_force_w >= 100_000


def test_a_loan_of_an_earlier_life_is_worth_nothing():
    world = settled([100_000, 800_000], [0, 0], keeps=(0, LIMIT_W // 2))
    borrower = world.sites[1]
    old = borrower.share.number
    world.restart(1)
    world.link.cut = True
    borrower.share.number = (old + 500) % (1 << 30)
    borrower.share.hear(0, 5, 400_000, 0, old, 400_000, borrower.clock(world.true_ms))
    world.run(4000)
    assert borrower.in_force_w == LIMIT_W // 2


def test_a_beat_that_may_outlast_a_loan_does_not_count_it():
    world = World([LIMIT_W // 2] * 2, [0, 0], 1, beats_ms=[1000, 60_000])
    world.check = lambda: _held(world)
    world.sites[1].load_w = 900_000
    world.run(400_000)
    assert world.sites[1].in_force_w == LIMIT_W // 2
