"""What people are told of each charger: its offer, and why it is so."""

from edge.charging.offers import WORDS


class Shown:
    """Part of `site.live`: of the chargers with these names, by edge/charging/offers.py."""

    def __init__(self, names: list, offers):
        self._whys = ["charger_" + name for name in names]
        self._limits = ["charger_" + name + "_ma" for name in names]
        self._offers = offers

    def tell(self, put) -> None:
        """Tell by `put`, as edge/now.py does."""
        offers = self._offers
        for k in range(len(self._whys)):
            put(self._whys[k], WORDS[offers.why[k]])
            put(self._limits[k], offers.ma[k])
