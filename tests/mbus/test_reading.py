"""What is kept of a meter's telegrams: which record is which total, and what makes it none."""

import asyncio

import pytest

from boards import serve_mbus
from boards.mbus_file import MeterFile
from boards.mbus_frame import NETWORK, Identity, read
from boards.mbus_reading import Meter, totals
from boards.mbus_records import TelegramError
from hil import mbus_meter
from tests.mbus.telegrams import KNOWN, made, sealed
from tests.mbus.test_master import Direct

WATER, HEAT = KNOWN["elster_water"].frame, KNOWN["kamstrup_601"].frame
DAY_S = 86_400


class Clock:
    """Time that passes when it is told to; a poll ends with it."""

    def __init__(self):
        self.now_s = 1000.0
        self.end_s = 1e9

    def __call__(self):
        return self.now_s

    async def sleep(self, seconds):
        self.now_s += seconds
        if self.now_s > self.end_s:
            raise EOFError


def file(medium, *, records=None, budget=0, poll_s=900, address=1, identity=None, name="one"):
    return MeterFile(name, 1, address, identity, medium, poll_s, 3 * poll_s, budget, 16,
                     records or {})


def meter(medium, clock=None, **more):
    said = []
    return Meter(file(medium, **more), clock or Clock(), said.append), said


def told(frame):
    return [read(frame, NETWORK)]


@pytest.mark.parametrize(("medium", "frame", "points"), [
    ("water", WATER, {"volume_l": 1_234_567}),
    ("heat", HEAT, {"heat_wh": 37_351_000, "volume_l": 561_080}),
    ("other", HEAT, {"energy_wh": 37_351_000, "volume_l": 561_080}),
    ("gas", KNOWN["itron_gas"].frame, {"volume_l": 260}),
    ("heat", KNOWN["t550_mj"].frame, {"heat_wh": 8_974_444, "volume_l": 1_995_070}),
])
def test_a_meter_shows_the_totals_of_its_medium(medium, frame, points):
    one, said = meter(medium)
    assert one.values() is None
    one.take(told(frame))
    assert one.values() == points | {"age_s": 0, "status": frame[16]}
    assert said == ["one: answers" if not frame[16] else f"one: status {frame[16]:02X}: "
                    "temporary error"]


def test_a_meter_of_another_medium_is_not_believed():
    one, _ = meter("heat")
    with pytest.raises(TelegramError, match="of device type 07, expected 04 0C 0D: heat"):
        one.take(told(WATER))
    assert one.values() is None


def test_the_file_says_which_record_it_is():
    chosen = {"volume_l": "44 14", "cold_wh": "84 10 06"}
    points = totals(file("heat", records=chosen), told(HEAT)[0].records)
    assert points == {"heat_wh": 37_351_000, "volume_l": 500_980, "cold_wh": 0}
    assert totals(file("heat", records={"heat_wh": "05 06"}), told(HEAT)[0].records) == {
        "volume_l": 561_080}


@pytest.mark.parametrize(("data", "points"), [
    ("04 13 05 00 00 00 04 13 06 00 00 00", {}),  # which of them?
    ("04 13 05 00 00 00 04 13 05 00 00 00", {"volume_l": 5}),
    ("04 13 05 00 00 00 04 13 00 00 00 80", {}),
    ("34 13 05 00 00 00", {}), ("44 13 05 00 00 00", {}), ("84 10 13 05 00 00 00", {}),
    ("0C 13 AA 00 00 00", {}), ("04 10 CF 07 00 00", {"volume_l": 1}),
    ("04 13 FF FF FF FF", {"volume_l": -1}),
    ("04 1B 05 00 00 00", {"mass_kg": 5}),
])
def test_a_total_is_one_record_and_no_error(data, points):
    frame = made(bytes.fromhex(data), WATER)
    assert totals(file("water"), told(frame)[0].records) == points


def test_nothing_that_is_asked_for_is_said():
    one, said = meter("water")
    one.take(told(made(b"\x04\x2b\x01\x00\x00\x00", WATER)))
    assert said == ["one: reads nothing: no record is what a meter of its medium shows"]


@pytest.mark.parametrize(("status", "word"), [(1, "busy"), (2, "wrong"), (0x12, "wrong")])
def test_a_meter_that_says_its_data_are_wrong_is_not_believed(status, word):
    one, _ = meter("water")
    with pytest.raises(TelegramError, match=word):
        one.take(told(sealed(WATER, at_16=status)))


def test_a_broken_meter_is_said_once_and_its_total_holds():
    one, said = meter("water")
    for status in (0, 8, 8, 12, 0):
        one.take(told(sealed(WATER, at_16=status)))
        assert one.values() == {"volume_l": 1_234_567, "age_s": 0, "status": status}
    assert said == ["one: answers", "one: status 08: permanent error",
                    "one: status 0C: battery low, permanent error", "one: answers"]


def test_a_reading_grows_old_and_is_none_at_last():
    clock = Clock()
    one, said = meter("water", clock)
    one.take(told(WATER))
    clock.now_s += 2700
    one.fail("silent")
    assert one.values() == {"volume_l": 1_234_567, "age_s": 2700, "status": 0}
    clock.now_s += 1
    assert one.values() is None
    assert said[-1] == "one: silent"


def test_a_battery_is_asked_no_more_than_its_budget_a_day():
    clock = Clock()
    one, _ = meter("water", clock, budget=3)
    for _ in range(2):
        for _ in range(3):
            one.spend()
        with pytest.raises(TelegramError, match="3 times today"):
            one.spend()
        clock.now_s += DAY_S


class Slow(Direct):
    """A bus on which everything takes its time."""

    def __init__(self, clock, *meters):
        super().__init__(*meters)
        self.clock = clock
        self.gone_s = 0.0

    async def exchange(self, frame):
        heard = await super().exchange(frame)
        self.clock.now_s += 0.3 if heard else 0.4
        if self.clock.now_s < self.gone_s:
            raise OSError("no such device")
        return heard


@pytest.fixture
def played(monkeypatch):
    """Poll meters on a bus until so much time has passed."""
    def run(clock, bus, meters, seconds):
        monkeypatch.setattr("boards.serve_mbus.monotonic", clock)
        monkeypatch.setattr("boards.serve_mbus.asyncio.sleep", clock.sleep)
        clock.end_s = clock.now_s + seconds
        with pytest.raises(EOFError):
            asyncio.run(serve_mbus.poll(bus, meters))

    return run


def test_the_dead_do_not_starve_the_living(played):
    """Fifty meters that are not there, and two that are: each is read on time."""
    clock = Clock()
    dead = [meter("water", clock, address=100 + number, poll_s=60)[0] for number in range(50)]
    living = [meter("water", clock, poll_s=60)[0], meter("heat", clock, address=17, poll_s=60)[0]]
    bus = Slow(clock, mbus_meter.Meter([WATER]), mbus_meter.Meter([HEAT]))
    played(clock, bus, dead + living, 3600)
    round_s = 50 * 4 * 0.4 + 2 * 0.6  # a reset and three requests each
    for one in living:
        assert one.values()["age_s"] <= max(60, round_s) + 2
    asked = [frame for frame in bus.bus.heard if frame[1] == 0x7B and frame[2] in (1, 17)]
    assert len(asked) >= 2 * (3600 // round_s)


def test_each_meter_is_read_at_its_own_pace(played):
    clock = Clock()
    quick, slow = (meter("water", clock, poll_s=poll_s)[0] for poll_s in (10, 3600))
    bus = Slow(clock, mbus_meter.Meter([WATER]))
    played(clock, bus, [quick, slow], 7200)
    assert 720 <= bus.bus.meters[0].requests - 2 <= 721


def test_a_line_that_is_gone_is_looked_for_and_said_once(played):
    clock = Clock()
    one, said = meter("water", clock, poll_s=60)
    bus = Slow(clock, mbus_meter.Meter([WATER]))
    bus.gone_s = clock.now_s + 600
    played(clock, bus, [one], 900)
    assert said == ["one: the line is gone: no such device", "one: answers"]
    assert one.values()["age_s"] <= 61
    assert len(bus.bus.heard) < 40, "once a minute at last"


def test_a_meter_that_takes_the_line_down_does_not_starve_the_others(played):
    """It does not stop, each time that it is asked."""
    clock = Clock()

    class Jabbered(Slow):
        async def exchange(self, frame):
            heard = await super().exchange(frame)
            if frame[2] == 99:
                raise OSError("the line is never quiet")
            return heard

    jabbers = meter("gas", clock, address=99, poll_s=900)[0]
    living = [meter("water", clock, poll_s=60, name=str(number))[0] for number in range(3)]
    bus = Jabbered(clock, mbus_meter.Meter([WATER]))
    played(clock, bus, [jabbers, *living], 3600)
    for one in living:
        assert one.values()["age_s"] <= 70
    assert len([frame for frame in bus.bus.heard if frame[2] == 99]) <= 61


def test_a_line_on_which_nobody_answers_is_opened_anew(played):
    """A connection can be dead without a word; one that answers proves it is not."""
    clock = Clock()
    dead = [meter("gas", clock, address=number, name=str(number))[0] for number in (98, 99)]
    bus = Slow(clock)
    played(clock, bus, dead, 2000)
    assert bus.closed == 3, "at each round"
    one, _ = meter("water", clock)
    bus = Slow(clock, mbus_meter.Meter([WATER]))
    played(clock, bus, [*dead, one], 2000)
    assert bus.closed == 0


def test_a_meter_that_was_changed_is_not_believed():
    clock = Clock()
    one, said = meter("water", clock, identity=Identity("70112345", "ELS"))
    bus = Direct(mbus_meter.Meter([sealed(WATER, at_7=0x46)]))
    with pytest.raises(TelegramError, match="70112346 ELS 02 07 has answered"):
        asyncio.run(serve_mbus.fetch(bus, 1, one.file.identity))
    assert said == []
