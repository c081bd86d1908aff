"""The lease of one connector in virtual time: whatever is written, plugged, refused or cut off, no
limit above the failsafe current outlives the gateway's last write by more than it may."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from boards.ocpp_connector import NEVER_S, Connector
from tests.ocpp.bench import wiring

FALLBACK_S, SAFE_MA = 60, 6000
WIRING = wiring(fallback_s=FALLBACK_S, failsafe_ma=SAFE_MA)

EVENTS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 40_000)),
    st.tuples(st.just("wait"), st.integers(1, 90)),
    st.tuples(st.just("transaction"), st.sampled_from([None, 7, 8])),
    st.tuples(st.just("status"), st.sampled_from(["Available", "Charging", "SuspendedEV"])),
    st.tuples(st.just("refuses"), st.booleans()),
    st.tuples(st.just("mute"), st.booleans()),
    st.tuples(st.just("cut"), st.just(0)),
)


class Held:
    """The profiles of a charge point, as orders left them there: it goes by the rules of 3.13."""

    def __init__(self, connector):
        self.connector, self.refuses, self.transaction = connector, False, None
        self.mute = False  # its answers are lost
        self.profiles = {}

    def obey(self, now_s):
        """Take what is due; how many orders that were."""
        count = 0
        while self.connector.due_in(now_s) <= 0:
            order = self.connector.order()
            refused = self.refuses or (order.transaction not in (None, self.transaction))
            if not refused:
                self.profiles[order.purpose, order.until_s is not None] = order
            self.connector.took(order, None if self.mute else not refused, now_s)
            count += 1
            assert count < 6, "it comes to rest"
        return count

    def begin(self, transaction):
        """A transaction, or none; with the one before its profiles go."""
        if transaction != self.transaction:
            self.transaction = transaction
            self.profiles = {key: one for key, one in self.profiles.items()
                             if key[0] != "TxProfile"}

    def limit_ma(self, now_s):
        for purpose in ("TxProfile", "TxDefaultProfile"):
            for lease in (True, False):
                order = self.profiles.get((purpose, lease))
                if order and (order.until_s is None or now_s < order.until_s):
                    return order.ma
        return WIRING.rating.max_ma


@settings(max_examples=300)
@given(st.lists(EVENTS, max_size=40))
def test_no_limit_outlives_the_gateway(events):
    connector = Connector(WIRING)
    held, now_s, written_s = Held(connector), 0.0, -NEVER_S
    connector.connected()
    held.obey(now_s)
    for what, value in events:
        if what == "write":
            connector.on_write("limit", Fraction(value, 1000), now_s)
            written_s = now_s
        elif what == "transaction":
            held.begin(value)
            connector.charges(value)
        elif what == "status":
            if value == "Available":
                held.begin(None)
            connector.says(value, now_s)
        elif what == "refuses":
            held.refuses = value
        elif what == "mute":
            held.mute = value
        elif what == "cut":
            connector.connected()
        for _ in range(value if what == "wait" else 1):
            now_s += 1
            held.obey(now_s)
            limit_ma = held.limit_ma(now_s)
            if held.profiles and now_s >= written_s + FALLBACK_S:
                assert limit_ma == SAFE_MA
            last = 0 <= written_s + FALLBACK_S - now_s <= 1  # too little left to be told anew
            if not held.refuses and connector.obeys and not last:
                assert connector.limit_ma(now_s) == limit_ma, "what the gateway is told"


@given(st.integers(0, 80_000))
def test_a_limit_is_never_above_what_was_written(ma):
    connector = Connector(WIRING)
    held = Held(connector)
    connector.on_write("limit", Fraction(ma, 1000), 0.0)
    held.obey(1.0)
    limit_ma = held.limit_ma(1.0)
    assert limit_ma <= ma
    assert limit_ma == 0 or WIRING.min_ma <= limit_ma <= WIRING.rating.max_ma


def test_while_it_is_renewed_it_is_never_lost():
    connector = Connector(WIRING)
    held, orders = Held(connector), 0
    for second in range(3600):
        connector.on_write("limit", Fraction(10), second)
        orders += held.obey(second)
        assert held.limit_ma(second) == 10_000
    assert orders <= 2 + 3600 / (FALLBACK_S / 2), "a profile may be kept in a memory that wears"


def test_a_lower_limit_does_not_wait_and_a_higher_one_is_told_seldom():
    connector = Connector(WIRING)
    held = Held(connector)
    connector.on_write("limit", Fraction(10), 0.0)
    held.obey(0.0)
    connector.on_write("limit", Fraction(8), 1.0)
    assert held.obey(1.0) == 1
    orders = 0
    for second in range(2, 62):
        connector.on_write("limit", Fraction(8) + Fraction(second, 10), second)
        orders += held.obey(second)
    assert orders <= 12


def test_who_refuses_is_left_alone_for_longer_and_longer():
    connector = Connector(WIRING)
    held, orders = Held(connector), 0
    held.refuses = True
    for second in range(3600):
        taken = connector.on_write("limit", Fraction(10), second)
        assert taken == (second == 0), "the gateway hears of it"
        orders += held.obey(second)
    assert orders < 20
    held.refuses = False
    for second in range(3600, 3902):
        connector.on_write("limit", Fraction(10), second)
        held.obey(second)
    assert held.limit_ma(3902) == 10_000
    assert connector.on_write("limit", Fraction(10), 3902)


def test_a_charge_point_without_profiles_of_a_transaction_gets_those_of_all():
    connector = Connector(WIRING)
    held = Held(connector)
    connector.charges(7)  # nothing that it knows of
    connector.on_write("limit", Fraction(10), 0.0)
    held.obey(0.0)
    assert held.limit_ma(0.0) == 10_000
    assert {purpose for purpose, _ in held.profiles} == {"TxDefaultProfile"}


def test_a_transaction_that_is_not_known_yet_is_asked_for_once_more():
    """The profile may overtake what the charge point makes of the answer that began it."""
    connector = Connector(WIRING)
    held = Held(connector)
    connector.charges(7)
    for second in range(6):
        connector.on_write("limit", Fraction(10), float(second))
        held.obey(float(second))
        assert held.limit_ma(second) == connector.limit_ma(second) == 10_000
        held.begin(7)
    assert {purpose for purpose, _ in held.profiles} == {"TxDefaultProfile", "TxProfile"}


def test_where_the_lease_of_a_transaction_is_refused_the_gateway_hears_of_it():
    connector = Connector(WIRING)
    connector.charges(7)
    connector.on_write("limit", Fraction(0), 0.0)
    assert connector.due_in(0.0) <= 0
    connector.took(connector.order(), True, 0.0)
    lease = connector.order()
    assert lease.until_s is not None
    connector.took(lease, False, 0.0)  # no room for two, say
    assert connector.limit_ma(0.0) == SAFE_MA
    assert not connector.on_write("limit", Fraction(0), 1.0)


@given(st.integers(0, 40_000))
def test_the_lower_failsafe_current_holds(ma):
    connector = Connector(WIRING)
    held = Held(connector)
    held.obey(0.0)
    connector.on_write("failsafe", Fraction(ma, 1000), 1.0)
    held.obey(1.0)
    assert held.limit_ma(1.0) == (min(ma, SAFE_MA) if ma >= WIRING.min_ma else 0)
    assert connector.limit_ma(1.0) == held.limit_ma(1.0)


def test_who_took_a_profile_of_the_transaction_is_not_told_another_kind():
    """That would lie below the one it has, and change nothing."""
    connector = Connector(WIRING)
    held = Held(connector)
    held.begin(7)
    connector.charges(7)
    connector.on_write("limit", Fraction(0), 0.0)
    held.obey(0.0)
    connector.connected()
    held.refuses = True
    held.obey(1.0)
    assert not connector.on_write("limit", Fraction(0), 1.0)
    held.refuses = False
    for second in range(2, 200):
        connector.on_write("limit", Fraction(0), second)
        held.obey(second)
    assert held.limit_ma(199) == connector.limit_ma(199) == 0
