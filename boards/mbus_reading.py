"""What is known of one M-Bus meter: its newest reading as values of the profile `mbus_medium`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import floor

from boards.mbus_file import MEDIA, POINTS, MeterFile
from boards.mbus_frame import Telegram
from boards.mbus_records import Record, TelegramError

_DAY_S = 86_400
_APPLICATION = {1: "busy", 2: "wrong"}  # bits 0 and 1 of the status: its values are none


def totals(meter: MeterFile, records: Iterable[Record]) -> dict[str, int]:
    """Points of the profile, in its units, rounded down. A point is left out where no record is
    it, where its record shows an error, and where several say different things."""
    found: dict[str, set[Fraction | None]] = {}
    for record in records:
        for point in POINTS:
            if is_meant(meter, point, record):
                found.setdefault(point, set()).add(record.value())
    alone = {point: values.pop() for point, values in found.items() if len(values) == 1}
    return {point: floor(value) for point, value in alone.items() if value is not None}


def is_meant(meter: MeterFile, point: str, record: Record) -> bool:
    """Whether a point is made of this record: the one that the file names, or a plain total."""
    if point in meter.records:
        return record.name == meter.records[point]
    usual = point in (meter.energy, "volume_l", "mass_kg")
    return usual and record.is_plain and record.quantity == POINTS[point]


def judged(meter: MeterFile, telegrams: Sequence[Telegram]) -> dict[str, int]:
    """The totals of a reading. Raises TelegramError when it is not of such a meter, or not fit."""
    first = telegrams[0]
    kinds = MEDIA[meter.medium]
    if kinds is not None and first.identity.kind not in kinds:
        expected = " ".join(f"{kind:02X}" for kind in sorted(kinds))
        raise TelegramError(f"it is of device type {first.identity.kind:02X}, expected {expected}: "
                            f"{meter.medium}")
    for telegram in telegrams:
        if telegram.status & 3 in _APPLICATION:
            raise TelegramError(f"the meter is {_APPLICATION[telegram.status & 3]}, status "
                                f"{telegram.status:02X}")
    return totals(meter, [record for telegram in telegrams for record in telegram.records])


class Meter:
    """One meter of a file. `clock()` gives seconds, `say(text)` hears what changes."""

    def __init__(self, file: MeterFile, clock: Callable[[], float],
                 say: Callable[[str], None]) -> None:
        self.file = file
        self.due_s = clock()
        self._clock = clock
        self._say = say
        self._said = ""
        self._points: dict[str, int] = {}
        self._status = 0
        self._read_s: float | None = None
        self._day_s = clock()  # since when its requests are counted
        self._requests = 0

    def values(self) -> Mapping[str, int] | None:
        """What its registers show; None once its last reading is too old."""
        if self._read_s is None:
            return None
        age_s = int(self._clock() - self._read_s)
        if age_s > self.file.stale_s:
            return None
        return self._points | {"age_s": age_s, "status": self._status}

    def spend(self) -> None:
        """Count one request. Raises TelegramError when its battery bears no more today."""
        if self._clock() - self._day_s >= _DAY_S:
            self._day_s, self._requests = self._clock(), 0
        if self.file.reads_per_day and self._requests >= self.file.reads_per_day:
            raise TelegramError(f"it has been asked {self._requests} times today, which is all "
                                "that its battery bears")
        self._requests += 1

    def take(self, telegrams: Sequence[Telegram]) -> None:
        """Keep a reading. Raises TelegramError when it is none of this meter."""
        self._points = judged(self.file, telegrams)
        self._status = telegrams[0].status
        self._read_s = self._clock()
        error = f"status {self._status:02X}: " + ", ".join(
            word for bit, word in ((4, "battery low"), (8, "permanent error"),
                                   (16, "temporary error")) if self._status & bit)
        self._tell("reads nothing: no record is what a meter of its medium shows"
                   if not self._points else error if self._status & 0x1C else "answers")

    def fail(self, why: str) -> None:
        """A reading that came to nothing; the last one holds until it is too old."""
        self._tell(why)

    def _tell(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(f"{self.file.name}: {text}")
