"""Attack 17: a broker that drops, doubles and reorders every kind of packet, both ways.

Every frame is in the store once it lets go, each with its own bytes, and at no moment is anything
freed that was not there. The client, the rings, the sync and the store are the real ones.
"""

import pytest

from tests.attacks.hostile import (
    CONNACK,
    CONNECT,
    DELAY,
    DOUBLE,
    DROP,
    KINDS,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    Gateway,
    Hostile,
)


def harm(folder, seed, mischief, turns=25):
    """A gateway that lives through it, restarts included; then all is well again."""
    hostile = Hostile(folder, seed)
    hostile.mischief = mischief
    gateway = Gateway(hostile, sectors=64)
    for turn in range(turns):
        gateway.append(1, 2)
        gateway.append(3)
        gateway.run(120_000 if turn % 8 == 3 else 4_000)  # so long that the client asks
        if turn % 5 == 4:
            gateway.boot()
    hostile.mischief = {}
    gateway.run(400_000)
    assert gateway.rings.backlog() == gateway.rings.lost() == 0
    assert gateway.stored() == gateway.bodies
    hostile.store.close()
    return hostile


@pytest.mark.parametrize("seed", range(6))
def test_every_kind_at_once(tmp_path, seed):
    hostile = harm(tmp_path, seed, dict.fromkeys(KINDS, 150))
    assert sum(n for (_, deed), n in hostile.done.items() if deed) > 20


@pytest.mark.parametrize("kind", [CONNECT, CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP])
def test_one_kind_most_of_the_time(tmp_path, kind):
    hostile = harm(tmp_path, kind, {kind: 600})
    assert sum(hostile.done.get((kind, deed), 0) for deed in (DROP, DOUBLE, DELAY)) > 0
