"""What an event needs of the battery, and what the battery can give. Not for the beat."""

from edge.compat import const
from edge.response.event import IMPORT_MAX, SETPOINT, Event

_SHARE_PM = const(1020)  # of what was promised: the errors of meter and converter are in it
_LEAST_PM = const(800)  # less is worth nothing where a programme knows no part of it


class Needs:
    """Of one battery (the section of the image), above `floor_pm` and up to `ceiling_pm`. Power is
    there `around_s` longer than an event lasts: it comes before it and stays behind it."""

    def __init__(self, battery: dict, floor_pm: int, ceiling_pm: int, around_s: int):
        self.floor_pm = floor_pm
        self._ceiling_pm = ceiling_pm
        self._around_s = around_s
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
        """How long an event may last for which it gives so much; 0 where it never can."""
        if not 0 < power_w <= self._power_w:
            return 0
        left_s = self.given_wh(soc_pm) * 3600 // power_w - self._around_s
        return left_s // 60 if left_s > 0 else 0

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
        asked_ws = self._asked_w(event) * self._around_s
        for minutes, kind, value in event.parts(minute):
            w = event.reply_w if kind == IMPORT_MAX else value if kind == SETPOINT else 0
            asked_ws += 60 * minutes * w if w > 0 else 0
        return asked_ws * _SHARE_PM // 3_600_000
