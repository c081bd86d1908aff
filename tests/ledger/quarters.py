"""Quarter-hours of a made-up park through the whole ledger: a line for each leaf.

Runs on both interpreters. Arguments: seed, quarter-hours. Meters go missing, turn over and are
replaced, minutes and whole quarters are lost, tenants count too much.
"""

import sys
from binascii import hexlify

from edge.compat import heap_lock, heap_unlock
from edge.ledger.book import Book
from edge.ledger.leaf import fields, unpack
from edge.ledger.registers import MeterRegister

FIRST = 942_000
SUB_METERS = 10
MODULUS = 100_000_000
SITE_NAMES = fields(0b1111111, 2)
FACTORS = ((832_500, 791_300, 832_500, 0, 0), (530_600, 791_300, 827_300, 12_100, 41_700))


def told(leaf, names=SITE_NAMES):
    """A leaf by name, from its bytes, and the hash of the one before."""
    _, found, _, before = unpack(bytes(leaf.buffer[:leaf.n]))
    assert len(found) == len(names)
    return {name: found[i] for i, name in enumerate(names)}, before


class Random:
    """The same numbers everywhere, all within 31 bits."""

    def __init__(self, seed):
        self._seed = seed

    def below(self, n):
        """0 .. n - 1, n up to 2^13."""
        self._seed = (self._seed * 1109 + 12345) % 65536
        return self._seed * n >> 16

    def w(self, most_kw):
        """A power, W; often none."""
        return self.below(most_kw) * 1000 + self.below(1000) if self.below(4) else 0


def new_book(tenants=SUB_METERS):
    """A book with every kind of meter."""
    meters = [MeterRegister(count_wh, MODULUS, 2_000_000)
              for count_wh in (10, 1000, 1, 100, 10, 1, 10)]
    return Book(meters, [MeterRegister(1000, MODULUS, 2_000_000) for _ in range(tenants)],
                FACTORS, 2000)


class Park:
    """What the meters of a book count."""

    def __init__(self, book, seed):
        self.book = book
        self.random = random = Random(seed)
        n = len(book.registers)
        self.counts = [MODULUS - 1 - random.below(2000) for _ in range(n)]
        self.rests = [0] * n
        self.store_wh = 100_000

    def minute(self):
        """The mean power at each meter in a minute, W; the registers move with it."""
        random, w = self.random, [0] * len(self.counts)
        for i in (0, 1, 3, 4):
            w[i] = random.w(800)
        battery = random.w(300)
        w[2 if random.below(2) else 5] = battery
        w[6] = random.w(200)
        for i in range(7, len(w)):
            w[i] = random.w(120)
        for i in range(len(w)):
            self.rests[i] += w[i]
            count = 60 * self.book.registers[i].count_wh
            self.counts[i] = (self.counts[i] + self.rests[i] // count) % MODULUS
            self.rests[i] %= count
        self.store_wh += (w[5] - w[2]) // 66 + random.below(500) - 250
        if self.store_wh < 0:
            self.store_wh = 0
        return w

    def quarter(self, quarter):
        """Live through one, close it if its registers can be read, and work it through."""
        random, book = self.random, self.book
        lost = random.below(12)  # 0: no minutes at all, 1: some, 2: some meters, 3: no closing
        for minute in range(15):
            w = self.minute()
            if lost == 0 or (lost == 1 and random.below(3) == 0):
                continue
            heap_lock()  # as on the beat
            book.minutes.begin(quarter, minute)
            for i in range(len(w)):
                book.minutes.put(i, w[i])
            heap_unlock()
        if random.below(20) == 0:
            self.counts[random.below(len(self.counts))] = random.below(5000)
        readings = list(self.counts)
        if lost == 2:
            for i in range(len(readings)):
                if random.below(3) == 0:
                    readings[i] = -1
        if lost == 3:
            return False
        book.close(quarter, readings, -1 if random.below(5) == 0 else self.store_wh,
                   random.below(3))
        while book.busy:
            book.step()
        return True


def main(seed, quarters):
    """Print kind, bytes and hash of each leaf, and the last one whole."""
    book = new_book()
    park = Park(book, seed)
    book.open(FIRST, park.counts)
    for quarter in range(FIRST + 1, FIRST + 1 + quarters):
        if park.quarter(quarter):
            for leaf in book.leaves:
                print(leaf.n, hexlify(leaf.digest).decode())
    for leaf in book.leaves:
        print(hexlify(leaf.buffer[:leaf.n]).decode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
