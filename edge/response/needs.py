"""What an event needs of the battery, and what the battery can give. Not for the beat."""

from edge.compat import const
from edge.response.event import IMPORT_MAX, SETPOINT, Event

_SHARE_PM = const(1020)  # of what was promised: the errors of meter and converter are in it
_LEAST_PM = const(800)  # less is worth nothing where a programme knows no part of it


class Needs:
    """Of one battery (the section of the image), above `floor_pm` and up to `ceiling_pm`."""

    def __init__(self, battery: dict, floor_pm: int, ceiling_pm: int):
        self.floor_pm = floor_pm
        self._ceiling_pm = ceiling_pm
        self._power_w = battery["discharge_max_w"]
        # What discharging loses is not known apart, so all of a cycle's losses are taken for it.
        self._mwh_per_pm = battery["capacity_wh"] * battery["efficiency_pm"] // 1000

    def keep_pm(self, event: Event, minute: int) -> int:
        """The state of charge that it takes from a minute on."""
        needed_mwh = self._energy_wh(event, minute) * 1000
        pm = self.floor_pm + (needed_mwh + self._mwh_per_pm - 1) // self._mwh_per_pm
        return pm if pm < self._ceiling_pm else self._ceiling_pm

    def given_wh(self, soc_pm: int) -> int:
        """What the battery can give."""
        return (soc_pm - self.floor_pm) * self._mwh_per_pm // 1000 if soc_pm > self.floor_pm else 0

    def minutes(self, power_w: int, soc_pm: int) -> int:
        """For how long it can give so much; 0 where it never can."""
        if not 0 < power_w <= self._power_w:
            return 0
        return self.given_wh(soc_pm) * 60 // power_w

    def short(self, event: Event, minute: int, soc_pm: int) -> str:
        """What is missing for a delivery that counts, "" when nothing is."""
        if self._asked_w(event) * _LEAST_PM > self._power_w * 1000:
            return "power"
        needed_wh = self._energy_wh(event, minute)
        return "energy" if self.given_wh(soc_pm) * 1000 < needed_wh * _LEAST_PM else ""

    def _asked_w(self, event: Event) -> int:
        most_w = 0
        for _, kind, value in event.parts(event.start):
            w = event.reply_w if kind == IMPORT_MAX else value if kind == SETPOINT else 0
            most_w = w if w > most_w else most_w
        return most_w

    def _energy_wh(self, event: Event, minute: int) -> int:
        asked_wmin = 0
        for minutes, kind, value in event.parts(minute):
            w = event.reply_w if kind == IMPORT_MAX else value if kind == SETPOINT else 0
            asked_wmin += minutes * w if w > 0 else 0
        return asked_wmin * _SHARE_PM // 60_000
