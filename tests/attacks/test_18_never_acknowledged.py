"""Attack 18: a bridge that never acknowledges, for twelve days and through restarts.

The outbox takes no more flash than it has, sends no more than its window and its patience allow,
and the gap it reports in the end is exact to the frame.
"""

from tests.attacks.hostile import Gateway, Hostile

DAY_MS = 86_400_000
MOST_MS = 1_200_000  # between two rounds, in the end


def test_twelve_days_without_an_acknowledgement(tmp_path):
    hostile = Hostile(tmp_path)
    hostile.acknowledges = False
    gateway = Gateway(hostile, sectors=8)
    sizes = [len(device.memory) for device in gateway.devices]
    rings, sent, rounds = gateway.rings, 0, 0
    for day in range(12):
        gateway.sync.patience_max_ms = MOST_MS
        for _ in range(24):
            gateway.append(1, 2)
            gateway.append(8)
            gateway.run(3_600_000, late=300)
        if day % 4 == 3:
            sent, rounds = sent + gateway.sync.frames_sent, rounds + gateway.sync.rounds
            gateway.boot()
            rings = gateway.rings
    assert [len(device.memory) for device in gateway.devices] == sizes
    assert [ring.acked for ring in rings.by_rank] == [0, 0]
    sent, rounds = sent + gateway.sync.frames_sent, rounds + gateway.sync.rounds
    assert sent <= rounds * gateway.sync.window
    assert rounds < 2 * 3 * (10 + 4 * DAY_MS / MOST_MS)  # two rings, three lives
    lost = {ring.epoch: ring.lost() for ring in rings.by_rank}
    assert all(lost.values())
    hostile.acknowledges = True
    gateway.run(2_000_000, late=5)
    assert rings.backlog() == 0
    assert {ring.epoch: ring.lost() for ring in rings.by_rank} == lost
    assert {first for _, first, _ in hostile.gaps} == {1}
    assert {epoch: max(last for one, _, last in hostile.gaps if one == epoch)
            for epoch in lost} == lost
    had = {key for key in gateway.bodies if key[1] > lost[key[0]]}
    assert had <= gateway.stored().keys()
    assert all(gateway.bodies[key] == body for key, body in gateway.stored().items())
    hostile.store.close()
