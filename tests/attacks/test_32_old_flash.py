"""Attack 32: the flash of a gateway is put back as it was a week ago.

The gateway cannot know: it goes on with numbers it has used before. What the bridge can tell, it
tells: another message under a known number is put aside, and the stored one stays as it was. What
it cannot tell, and this holds it to: which of two messages is the true one; that a frame is
missing when the old gateway writes the very same bytes again; that a gateway whose flash was put
back stays silent. Leaves of a ledger are told apart by their chain and their heads (tests/audit),
commands by their counters and their age (attack 12).
"""

import msgpack
import pytest

from edge.rings import Rings
from tests.attacks.hostile import TOPIC, Gateway, Hostile


def weeks(folder):
    """A gateway a week ago, and today: its flash of then, what it has done since."""
    hostile = Hostile(folder)
    gateway = Gateway(hostile, sectors=32)
    gateway.append(1, 10)
    gateway.append(3, 10)
    gateway.run(5_000)
    then = [bytes(device.memory) for device in gateway.devices]
    gateway.append(1, 10)
    gateway.append(3, 10)
    gateway.run(5_000)
    assert gateway.rings.backlog() == 0
    for device, memory in zip(gateway.devices, then, strict=True):
        device.memory[:] = memory
    return hostile, gateway


def reasons(hostile):
    return [reason for (reason,) in hostile.store._db.execute("SELECT reason FROM quarantine")]


def test_what_was_stored_stays_and_another_message_is_put_aside(tmp_path):
    hostile, gateway = weeks(tmp_path)
    before = gateway.stored()
    gateway.boot()
    bulk = gateway.rings.bulk
    body = b"another history"
    seq = bulk.append(1, body, len(body))
    assert (bulk.epoch, seq) in before, "the number had been used"
    payload = msgpack.packb([1, 1, bulk.epoch, seq, body])
    receipt = hostile.store.commit([(TOPIC, payload)], 1_800_000_000)
    assert receipt.tally["quarantined"] == 1
    assert "another message has the number" in reasons(hostile)[0]
    assert gateway.stored() == before
    hostile.store.close()


def test_the_cloud_is_ahead_of_it_and_says_so_without_harm(tmp_path):
    """Its first word, RESUME, is below what the cloud has: the answer frees what it holds, which
    the cloud has from the first time, and no frame that it has not stored."""
    hostile, gateway = weeks(tmp_path)
    before = gateway.stored()
    gateway.boot()
    assert [ring._next for ring in gateway.rings.by_rank] == [11, 11]
    gateway.run(5_000)
    assert gateway.stored() == before
    for ring in gateway.rings.by_rank:
        assert ring.acked <= 10
    hostile.store.close()


@pytest.mark.parametrize("which", [0, 1])
def test_a_blank_flash_begins_another_epoch(tmp_path, which):
    """A new gateway under the old name: nothing of it is taken for the old one's."""
    hostile, gateway = weeks(tmp_path)
    before, epochs = gateway.stored(), {ring.epoch for ring in gateway.rings.by_rank}
    gateway.devices[which].memory[:] = b"\xff" * len(gateway.devices[which].memory)
    gateway.boot()
    fresh = (gateway.rings.bulk, gateway.rings.vital)[which]
    assert fresh.epoch not in epochs
    gateway.append(1 if which == 0 else 3, 5)
    gateway.run(5_000)
    assert before.items() <= gateway.stored().items()
    assert len(gateway.stored()) == len(before) + 5
    hostile.store.close()


def test_one_flash_put_back_without_the_other(tmp_path):
    """The rings know nothing of each other: one of last week beside one of today."""
    hostile, gateway = weeks(tmp_path)
    today = Rings(*gateway.devices, 400)
    today.mount()
    assert today.bulk.epoch != today.vital.epoch
    hostile.store.close()
