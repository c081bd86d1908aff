"""Attack 19: whoever may publish on the topic of acknowledgements says what is not so.

Frames that were never sent are not freed by anything he says, and what he says is counted. That he
frees what was sent and is not in the database yet cannot be told from the bridge's own word: the
topic is the bridge's, by the broker's access list.
"""

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.hostile import Gateway, Hostile

numbers = st.one_of(st.integers(-3, 40), st.integers(-2**63, 2**64 - 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("forged")


@settings(max_examples=150)
@given(st.lists(st.tuples(st.booleans(), numbers, st.lists(numbers, max_size=9)), max_size=5))
def test_what_was_never_sent_is_never_freed(folder, forged):
    hostile = Hostile(folder)
    hostile.acknowledges = False
    gateway = Gateway(hostile)
    gateway.append(1, 20)
    gateway.append(3, 20)
    gateway.run(2_000)  # the windows are full
    tops = {ring.epoch: max(hostile.messages[ring.epoch]) for ring in gateway.rings.by_rank}
    assert set(tops.values()) == {8}
    for bulk, cum, above in forged:
        ring = gateway.rings.bulk if bulk else gateway.rings.vital
        gateway.hostile.say(msgpack.packb([1, ring.epoch, cum, *above]))
        gateway.sync._client.step(gateway.now_ms)
        for one in gateway.rings.by_rank:
            assert one.acked <= tops[one.epoch]
            assert one.backlog() >= 20 - tops[one.epoch]
    for ring in gateway.rings.by_rank:
        ring.resend()
        unsent = set()
        while (seq := ring.next_unsent()) > 0:
            unsent.add(seq)
            ring.sent(seq)
        assert unsent.issuperset(range(tops[ring.epoch] + 1, 21))
    hostile.store.close()


def test_another_epoch_of_the_same_gateway_frees_nothing(tmp_path):
    hostile = Hostile(tmp_path)
    hostile.acknowledges = False
    gateway = Gateway(hostile)
    gateway.append(1, 3)
    gateway.append(3, 8)
    gateway.run(2_000)
    bulk, vital = gateway.rings.bulk, gateway.rings.vital
    for epoch in (0, bulk.epoch ^ 7, (bulk.epoch + 1) & 0xFFFFFFFF):
        hostile.say(msgpack.packb([1, epoch, 1]))
    hostile.say(msgpack.packb([1, bulk.epoch, 8]))  # that is the other ring's number
    gateway.run(500)
    assert gateway.sync.strange_acks == 4
    assert (bulk.backlog(), vital.backlog()) == (3, 8)
    hostile.store.close()
