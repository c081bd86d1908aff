"""Prints what a kept ledger tells of the present: after each minute, and in the middle of the
book's work; runs on both interpreters."""

from edge.ledger.intensity import Intensity
from tests.ledger.kept import Park, keys_of


class Windy(Park):
    """A park with a steady wind on its line, of which some leaves the site again."""

    def start(self):
        super().start()
        self.intensity = Intensity(self.site, self.keeper.book)

    def minute(self):
        self.tell()
        super().minute()
        self.ws[3] += 60 * 40_000
        self.site.flows.export_ws += 60 * 10_000
        self.ws[6] += 60 * 10_000
        self.site.ledger.lines["direct"].take("grid_w", 40_000, 0)

    def tell(self):
        told = {}
        self.intensity.tell(lambda name, value: told.update({name: value}))
        print([told[name + "_mg_per_kwh"] for name in ("load", "export", "battery")])


park = Windy(keys_of([]))
for _ in range(6):
    park.quarter()
    park.tell()
    while park.work(37):
        park.tell()
