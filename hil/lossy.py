"""A network for datagrams that drops, doubles and reorders them, and is dead for a while now and
then: the same for the same seed."""

import random


class Lossy:
    """Probabilities in per mille of datagrams. In a burst, which begins with `burst_pm` and lasts
    `burst` datagrams, all are lost."""

    def __init__(self, seed: int, drop_pm: int = 0, double_pm: int = 0, late_pm: int = 0,
                 burst_pm: int = 0, burst: int = 50) -> None:
        self.passed = self.dropped = 0
        self._random = random.Random(seed)
        self._pm = (drop_pm, double_pm, late_pm, burst_pm)
        self._burst = burst
        self._dead = 0  # datagrams of the burst to come
        self._late: list[tuple[int, bytes]] = []  # how many others go first

    def take(self, datagram: bytes) -> list[bytes]:
        """What comes out when this one goes in."""
        drop, double, late, burst = (self._random.randrange(1000) < pm for pm in self._pm)
        if burst and not self._dead:
            self._dead = self._burst
        out = []
        if self._dead or drop:
            self._dead = max(self._dead - 1, 0)
            self.dropped += 1
        elif late:
            self._late.append((self._random.randrange(1, 30), datagram))
        else:
            out = [datagram] * (1 + double)
        out += [one for wait, one in self._late if wait <= 0]
        self._late = [(wait - 1, one) for wait, one in self._late if wait > 0]
        self.passed += len(out)
        return out

    def rest(self) -> list[bytes]:
        """What is still on its way."""
        out, self._late = [one for _, one in self._late], []
        self.passed += len(out)
        return out
