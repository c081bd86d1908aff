"""The driver and its bus against a meter on a slow line, in virtual time."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import polling
from hil.dlt645_meter import Meter, frame
from tests.dlt645.bench import BUS, Gateway, Line, Role
from tests.dlt645.meters import ALL, CT, NUMBER, Plant, bench, image, meter

STEP_W = CT / 10  # of the power register


def near(found: int, meant: float, step: float) -> bool:
    return abs(found - meant) <= step / 2 + 1


@settings(max_examples=15)
@given(st.integers(-900_000, 900_000), st.integers(0, 10**9), st.integers(0, 10**9),
       st.integers(12, 195))
def test_every_signal_arrives_whatever_fits_a_frame(power_w, import_wh, export_wh, frame_max):
    """Blocks of 20 bytes come in one frame or in two."""
    plant = Plant(power_w)
    plant.import_wh, plant.export_wh = import_wh, export_wh
    gateway, one, role = bench(plant, frame_max=frame_max)
    one.demand.power_w = power_w
    gateway.run(700_000)
    got = role.values
    assert set(got) == set(ALL) - {"max_demand_at"}, "no window has ended yet"
    assert near(got["grid_w"], power_w, STEP_W)
    assert near(got["l2_w"], power_w / 3, STEP_W)
    assert near(got["import_wh"], import_wh, 20 * CT)
    assert near(got["export_wh"], export_wh, 20 * CT)
    assert got["import_t1_wh"] == got["import_wh"]
    assert got["import_t4_wh"] == 0
    assert (got["v_l1_mv"], got["i_l3_ma"], got["f_mhz"]) == (230_000, 1500 * CT, 50_000)
    assert (got["demand_period_min"], got["demand_slip_min"]) == (15, 15)
    assert (gateway.bus.timeouts, gateway.bus.exceptions, one.wrong) == (0, 0, [])


def test_a_meter_without_blocks_is_asked_for_their_parts():
    plant = Plant(123_456)
    plant.import_wh = 7_654_320
    gateway, one, role = bench(plant)
    one.lacks = {0x0203FF00, 0x0001FF00, 0x0002FF00, 0x0201FF00, 0x0202FF00}
    gateway.run(100_000)
    assert near(role.values["grid_w"], 123_456, STEP_W)
    assert near(role.values["l3_w"], 41_152, STEP_W)
    assert near(role.values["import_wh"], 7_654_320, 20 * CT)
    assert role.values["v_l3_mv"] == 230_000
    asked = [di for _, di in one.heard]
    assert all(asked.count(di) == 1 for di in one.lacks), "asked once, and not again"
    assert gateway.bus.exceptions == len(one.lacks)


def test_a_meter_of_one_phase_tells_what_it_has():
    gateway, one, role = bench(Plant(60_000), "grid_w", "l1_w", "l2_w")
    one.lacks = {0x0203FF00, 0x02030200}
    gateway.run(20_000)
    assert near(role.values["grid_w"], 60_000, STEP_W)
    assert near(role.values["l1_w"], 20_000, STEP_W)
    assert "l2_w" not in role.values
    assert gateway.drivers[0].refused_values > 5
    assert 0x02030300 not in [di for _, di in one.heard], "nobody needs it"


def test_one_value_of_a_block_is_asked_for_alone():
    gateway, one, _ = bench(Plant(60_000), "grid_w", "import_wh")
    gateway.run(5_000)
    assert {di for _, di in one.heard} == {0x02030000, 0x00010000}


def test_ages_are_not_flattered():
    """A stamp is not younger than the moment at which the first request went out."""
    plant = Plant(60_000)
    gateway, one, role = bench(plant)
    one.lacks = {0x0203FF00}
    sent = []
    hear = one.hear

    def listen(data: bytes) -> bytes:
        sent.append((gateway.due_ms, data))
        return hear(data)

    one.hear = listen  # type: ignore[method-assign]
    gateway.run(60_000)
    moments = [ms for ms, _ in sent]
    for _, _, stamp_ms, heard_ms in role.taken:
        assert stamp_ms in moments
        assert 150 < heard_ms - stamp_ms < 2500


@pytest.mark.parametrize("every_ms", [1000, 2000])
def test_the_power_comes_as_often_as_the_model_says(every_ms):
    """The model is that of `parkedge check`; slow blocks do not come all at once."""
    one = meter(Plant(60_000))
    role = Role(ALL)
    made = image(poll_ms=every_ms)
    gateway = Gateway(Line(one, turnaround_ms=polling._METER_MS), (made, [role]))
    gateway.run(600_000)
    stamps = [stamp_ms for name, _, stamp_ms, _ in role.taken if name == "grid_w"]
    gaps = [b - a for a, b in pairwise(stamps)]
    model = polling.model(BUS, [made])
    assert max(gaps) <= every_ms + 700, "one slow block beside the demand, at most"
    busy_ms = sum(polling._request_ms(BUS, count) / every for *_, count, every in made["blocks"])
    assert model.mean_ms == pytest.approx(busy_ms)
    assert len(stamps) == pytest.approx(600_000 / every_ms, rel=0.05)


# The field.


def test_a_silent_meter_is_asked_less_and_less_and_back_at_once():
    gateway, one, role = bench(Plant(60_000), "grid_w", "present_demand_w")
    gateway.run(5_000)
    line = gateway.line
    line.spoil = lambda reply: b""
    gateway.run(120_000)
    silent = len(one.heard)
    assert gateway.bus.timeouts < 12
    line.spoil = None
    role.taken.clear()
    gateway.run(155_000)
    assert one.heard[silent][1] == 0x04000401, "first of all who it is: no older reply is under way"
    assert role.taken


def test_a_reply_that_comes_after_its_time_is_not_taken_for_the_next():
    plant = Plant(10_000)
    gateway, _, role = bench(plant, "grid_w")
    gateway.run(5_000)
    late: list[bytes] = []

    def hold(reply: bytes) -> bytes:
        """Every reply comes one request later."""
        late.append(reply)
        return late[-2] if len(late) > 1 else b""

    gateway.line.spoil = hold
    plant.power_w = 600_000
    for _ in range(40):
        gateway.run(gateway.due_ms + 1_000)
        plant.power_w -= 10_000
        for name, value, stamp_ms, _ in role.taken:
            if name == "grid_w" and stamp_ms > 6_000:
                pytest.fail(f"{value} W of another time")


def test_noise_echo_and_foreign_meters_cost_nothing():
    gateway, one, role = bench(Plant(60_000), "grid_w", "present_demand_w")
    other = meter(Plant(1), number="000000000001")
    gateway.line.spoil = lambda reply: (
        b"\x00\x68\xff" + frame(one.address, 0x11, bytes.fromhex("00000302"))
        + frame(other.address, 0x91, bytes.fromhex("00000302 000000")) + reply) if reply else b""
    gateway.run(20_000)
    assert gateway.bus.timeouts == 0
    assert gateway.bus.foreign() > 10
    assert all(near(value, 60_000, STEP_W) for name, value, *_ in role.taken if name == "grid_w")


def test_a_turned_bit_is_counted_and_asked_again():
    gateway, _, role = bench(Plant(60_000), "grid_w", "present_demand_w")
    gateway.run(3_000)
    gateway.line.spoil = lambda reply: reply[:-3] + bytes([reply[-3] ^ 4]) + reply[-2:]
    gateway.run(10_000)
    assert gateway.bus.crc_errors() > 0
    gateway.line.spoil = None
    gateway.run(80_000)
    assert {value for name, value, *_ in role.taken if name == "grid_w"} == {60_000}


def test_one_dead_meter_does_not_starve_another():
    plant = Plant(60_000)
    one = meter(plant)
    role, other = Role(("grid_w",)), Role(("grid_w",))
    gateway = Gateway(Line(one), (image("grid_w"), [role]),
                      (image("grid_w", number="000000000001"), [other]))
    gateway.run(300_000)
    assert not other.taken
    stamps = [stamp_ms for _, _, stamp_ms, _ in role.taken]
    assert len(stamps) > 230
    assert max(b - a for a, b in pairwise(stamps)) < 4_000


@pytest.mark.parametrize(("size", "frame_max", "frames"), [(9000, 195, 1), (9000, 7, 3),
                                                          (9000, 0, 17)])
def test_frames_are_not_followed_farther_than_a_block_goes(size, frame_max, frames):
    one = Meter(NUMBER, {0x0001FF00: lambda: bytes(size)}, frame_max=frame_max)
    role = Role(("import_wh", "import_t1_wh"))
    gateway = Gateway(Line(one), (image("import_wh", "import_t1_wh"), [role]))
    gateway.run(30_000)
    assert role.values == ({"import_wh": 0, "import_t1_wh": 0} if frame_max else {})
    assert len(one.heard) == frames


@pytest.mark.parametrize("change", [
    {"blocks": []}, {"points": [["grid_w", 1, 0, "s3", 1, 1]]},
    {"points": [["grid_w", 0, 1, "s3", 1, 1]]}, {"points": [["grid_w", 0, 0, "f4", 1, 1]]},
    {"points": [["grid_w", 0, 0, "s3", 1, 0]]}, {"points": [["soc_pm", 0, 0, "s3", 1, 1]]}])
def test_an_image_that_cannot_be_executed_is_refused(change):
    with pytest.raises(ValueError, match=r".+"):
        Gateway(Line(None), ({**image("grid_w"), **change}, [Role(("grid_w",))]))
