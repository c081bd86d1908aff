"""Runs on both interpreters: three gateways trade their messages as bytes; it prints a digest.

On MicroPython the heap is locked while the beat asks for its allowance.
"""

from edge.compat import heap_lock, heap_unlock
from edge.share import Share
from edge.share_link import ShareLink

KEYS = {"limit_w": 900_000, "safe_w": 300_000, "keep_w": 20_000, "margin_w": 3000,
        "period_ms": 2000, "lease_ms": 10_000, "settle_ms": 8000, "size": 3, "group": 77}
LATE_MS = (0, 40, 300, 1700, 6000, 21_000)


class Part:
    """What a link reads of a site."""

    def __init__(self):
        self.flags = 16  # trusted
        self.net_w = self.grid_w = self.grid_ms = self.recharge_w = self.wish_w = 0
        self.now = self.planner = self


def client(box, at):
    """A client whose messages end in a box."""
    class Client:
        def subscribe(self, topic, receiver):
            assert topic == b"parkedge/p/limit"

        def publish(self, topic, payload):
            box.append((at, payload))

    return Client()


def main():
    seed = 12345
    box, waiting, sites, links = [], [], [], []
    for at in range(3):
        keys = dict(KEYS)
        keys["at"] = at
        share = Share(keys, 1000, 1000 * at)
        share.room_w = 80_000
        sites.append(Part())
        links.append(ShareLink(share, sites[at]))
        links[at].join(client(box, at), "p")
    digest = lent = 0
    for step in range(1500):
        now_ms = (1_073_000_000 + 500 * step) & 1_073_741_823  # the ticks come round
        for at in range(3):
            seed = seed * 75 % 65_537
            site, share = sites[at], links[at].share
            if seed % 97 == 0:
                site.net_w = seed * 14
            site.recharge_w = 50_000 if seed % 3 else 0
            if step & 1:
                heap_lock()
                w = share.allowance_w(now_ms)
                heap_unlock()
                digest = (digest * 31 + w) % 1_000_003
                lent += w > 300_000
                site.grid_w, site.grid_ms = min(site.net_w, w), now_ms
            links[at].step(now_ms)
        assert sum([link.share.used_w for link in links]) <= 900_000
        for at, payload in box:
            digest = (digest * 31 + sum(payload)) % 1_000_003
            seed = seed * 75 % 65_537
            waiting.append((step + LATE_MS[seed % 6] // 500, at, payload))
        box.clear()
        for due in [one for one in waiting if one[0] <= step]:
            waiting.remove(due)
            for at in range(3):
                if seed % 11 or at != due[1]:
                    links[at].receive(bytearray(due[2]), 0, len(due[2]), now_ms)
    print(digest, lent, [link.strange for link in links])


main()
