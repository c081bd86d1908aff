"""Every device profile on disk, and what the compiler promises for any."""

import json
import statistics
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import profile_modbus, profiles
from boards.profile_schema import CLASSES, SIGNALS, TYPES, registers, signal_terms
from tests.devices.profile_text import BASE
from tests.devices.simulated import MODBUS, every_profile, load, simulate

# What every profile gets for free.


@pytest.mark.parametrize("profile_id", profiles.ids())
def test_a_profile_names_its_sources_and_what_nobody_verified(profile_id):
    profile = profiles.load(profile_id)
    assert all("@" in source for source in profile.source)
    assert all(": " in doubt for doubt in profile.unverified)
    assert CLASSES[profile.kind] in (*profile.signals, "")


@every_profile
def test_every_power_declares_its_direction(profile_id):
    profile = profiles.load(profile_id)
    directed = [signal for signal in profile.signals if SIGNALS[signal].signs]
    if profile.control and profile.control.shape == "signed":
        assert profile.sign[profile.control.write] in ("charge", "discharge")
    for signal in directed:
        for point, turned in signal_terms(profile.signals[signal]):
            assert (profile.sign[point] == SIGNALS[signal].signs[1]) == turned


@every_profile
def test_no_two_points_share_a_register(profile_id):
    profile = profiles.load(profile_id)
    taken = [(point.fc, at) for point in profile.points.values()
             for at in range(point.addr, point.end()) if point.kind != "bit"]
    assert len(taken) == len(set(taken))


@every_profile
def test_all_points_are_covered_once_within_the_limits(profile_id):
    profile = profiles.load(profile_id)
    image = profile_modbus.compile_all_points(profile)
    assert sorted(entry[0] for entry in image["points"]) == sorted(profile.points)
    assert all(count <= profile.max_regs for _, _, count, _ in image["blocks"])
    for name, block, offset, kind, num, den, na, power in image["points"]:
        point = profile.points[name]
        fc, start, count, _ = image["blocks"][block]
        assert (fc, start + offset) == (point.fc, point.addr)
        assert max(offset + registers(kind), power + 1) <= count
        assert (Fraction(num, den), tuple(na)) == (point.scale, point.na)
        if point.power:
            assert start + power == profile.points[point.power].addr


@every_profile
def test_the_image_is_plain_data_and_reads_no_more_than_it_needs(profile_id):
    profile = profiles.load(profile_id)
    image = profiles.compile_device(profile, "one", bus=2, unit=7, poll_ms=500)
    assert json.loads(json.dumps(image)) == image
    assert (image["name"], image["bus"], image["unit"], image["poll_ms"]) == ("one", 2, 7, 500)
    assert {entry[0].lstrip("+") for entry in image["points"]} == set(profile.signals)
    used = {point for text in profile.signals.values() for point, _ in signal_terms(text)}
    used |= set(profile.watch)
    used |= {profile.points[name].power for name in used} - {""}
    edges = {(profile.points[name].fc, at) for name in used
             for at in (profile.points[name].addr, profile.points[name].end() - 1)}
    for fc, start, count, _ in image["blocks"]:
        assert {(fc, start), (fc, start + count - 1)} <= edges


@every_profile
def test_slow_points_have_slow_blocks_of_their_own(profile_id):
    profile = profiles.load(profile_id)
    image = profiles.compile_device(profile, "one", 0, 1)
    for signal, block, *_ in image["points"]:
        slow = signal_terms(profile.signals[signal.lstrip("+")])[0][0] in profile.slow
        assert image["blocks"][block][3] == (profile.every if slow else 1)


@every_profile
def test_a_device_that_can_be_controlled_obeys_the_site_and_its_register(profile_id):
    profile = load(profile_id)
    if profile.control is None:
        with pytest.raises(ValueError, match="only read"):
            profiles.compile_device(profile, "one", 0, 1, min_w=-1, max_w=1)
        return
    assert profiles.compile_device(profile, "one", 0, 1)["control"] is None
    control = profiles.compile_device(profile, "one", 0, 1, min_w=-10**9, max_w=10**9)["control"]
    _, low, high = TYPES[control["type"]]
    for limit_w in (control["min_w"], control["max_w"]):
        assert low <= limit_w * control["num"] // control["den"] <= high
    narrow = profiles.compile_device(profile, "one", 0, 1, min_w=-7, max_w=9)["control"]
    only_charges = profile.control.shape == "slots"
    assert (narrow["min_w"], narrow["max_w"]) == (-7 if low else 0, 0 if only_charges else 9)
    for min_w, max_w in ((None, 5), (-5, None), (1, 5), (-5, -1)):
        with pytest.raises(ValueError, match="0 W between them"):
            profiles.compile_device(profile, "one", 0, 1, min_w=min_w, max_w=max_w)


# The figures: N values in M requests, and how long a poll takes on a real serial line.


@pytest.mark.parametrize(("profile_id", "values", "requests", "naive_ms", "poll_ms"), [
    ("eastron_sdm630", 19, 2, 902, 210),
    ("sinexcel_pcs", 22, 3, 999, 269),
])
def test_coalescing_buys_what_was_measured(profile_id, values, requests, naive_ms, poll_ms):
    pace = profile_modbus.pace(profiles.load(profile_id), 9600)
    assert (pace.values, pace.requests) == (values, requests)
    assert (round(pace.naive_ms - 0.01), round(pace.poll_ms)) == (naive_ms, poll_ms)


def test_one_value_at_9600_baud_takes_what_the_arithmetic_says():
    # 17 characters of 11 bits, twice 3.5 characters of silence, no turnaround: 24 characters.
    assert profile_modbus.request_ms(2, 9600, turnaround_ms=0) == pytest.approx(24 * 11 / 9.6)
    assert profile_modbus.request_ms(2, 115200, 0) == pytest.approx(17 * 11 / 115.2 + 2 * 1.75)


# The compiler.


def test_scales_are_exact_and_carry_the_sign():
    profile = profiles.parse(BASE, "unit_test.toml")
    image = profiles.compile_device(profile, "one", 0, 1, min_w=-10**9, max_w=450)
    assert {entry[0]: tuple(entry[4:6]) for entry in image["points"]} == {
        "store_w": (-100, 1), "charge_wh": (10_000, 1), "soc_pm": (1, 1)}
    control = image["control"]
    assert (control["num"], control["den"]) == (-1, 100)
    assert (control["min_w"], control["max_w"]) == (-3_276_700, 450)
    assert (control["enter"], control["leave"]) == ([[6, 60, 30]], [])
    assert (control["readback"], control["quiet_ms"]) == (None, 90_000)


def test_negative_steps_are_written_as_16_bits():
    text = BASE.replace('[["watchdog", 30]]', '[["set", -200]]')
    profile = profiles.parse(text, "unit_test.toml")
    control = profiles.compile_device(profile, "one", 0, 1, min_w=-1, max_w=1)["control"]
    assert control["enter"] == [[6, 50, 0xFFFE]]


@st.composite
def layouts(draw):
    """A profile with points anywhere, some sharing a scale factor, and limits to read it within."""
    max_regs, max_gap = draw(st.integers(4, 125)), draw(st.integers(0, 40))
    at, places = draw(st.integers(0, 40)), []
    for number in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(sorted(TYPES)))
        places.append([f"p{number}", draw(st.sampled_from((3, 4))), at, kind])
        at += registers(kind) + draw(st.sampled_from((0, 0, 1, 7, 16, 17, 200)))
    powers = [place for place in places if place[3] == "i16"]
    shared = draw(st.sampled_from(powers)) if powers else None
    lines = [f"max_regs = {max_regs}", f"max_gap = {max_gap}", "[points]"]
    scaled_spans = []
    for place in places:
        near = shared and shared[1] == place[1] and max(
            shared[2] + 1, place[2] + registers(place[3])) - min(shared[2], place[2]) <= max_regs
        scaled = near and place is not shared and draw(st.booleans())
        scaled_spans += [(place[1], min(place[2], shared[2]), max(place[2], shared[2]))] \
            if scaled else []
        scale, unit = (f'"{shared[0]}"' if scaled else 1), "sf" if place is shared else ""
        lines.append(f'{place[0]} = [{place[1]}, {place[2]}, "{place[3]}", {scale}, "{unit}"]')
    text = BASE.replace("[3, 10,", "[3, 60000,").replace("[3, 20,", "[3, 60020,")
    text = text.replace("[3, 22,", "[3, 60022,").replace("[points]", "\n".join(lines))
    holes = [[fc, end, 1] for _, fc, start, kind in places
             if (end := start + registers(kind)) and draw(st.booleans())
             and all(other[1] != fc or other[2] != end for other in places)
             and not any(code == fc and first < end <= last for code, first, last in scaled_spans)]
    text = text.replace("[link]", f"holes = {holes}\n[link]")
    return profiles.parse(text, "unit_test.toml")


def span_of(profile, name):
    """Where a point's registers and those of its scale factor begin and end."""
    point = profile.points[name]
    power = profile.points.get(point.power, point)
    return min(point.addr, power.addr), max(point.end(), power.end())


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_blocks_cover_everything_hold_the_limits_and_could_not_be_fewer(profile):
    plan = profile_modbus.plan(profile, profile.points)
    assert plan.places.keys() == profile.points.keys()
    spans = [[] for _ in plan.blocks]
    for name, (block, offset) in plan.places.items():
        fc, start, count, every = plan.blocks[block]
        point = profile.points[name]
        assert (fc, start + offset, every) == (point.fc, point.addr, 1)
        assert start <= span_of(profile, name)[0]
        assert span_of(profile, name)[1] <= start + count <= start + profile.max_regs
        spans[block].append(span_of(profile, name))
    for fc, start, count, _ in plan.blocks:
        assert not any(code == fc and hole in range(start, start + count)
                       for code, hole, _ in profile.holes), "asked where nobody answers"
    for (fc, start, count, _), (fc2, start2, _, _), first in zip(
            plan.blocks, plan.blocks[1:], map(min, spans[1:]), strict=False):
        if fc == fc2:
            assert first[0] == start2
            assert (start2 - start - count > profile.max_gap
                    or any(code == fc and start + count <= hole < first[1]
                           for code, hole, _ in profile.holes)
                    or max(first[1], start + count) - start > profile.max_regs), "not joined"


@settings(max_examples=60, deadline=None)
@given(layouts(), st.data())
def test_a_plan_for_a_few_points_reads_only_those(profile, data):
    names = data.draw(st.lists(st.sampled_from(sorted(profile.points)), min_size=1, unique=True))
    plan = profile_modbus.plan(profile, names, slow=names[:1])
    assert plan.places.keys() == set(names)
    for number, (_, start, count, every) in enumerate(plan.blocks):
        inside = [name for name in names if plan.places[name][0] == number]
        assert min(span_of(profile, name)[0] for name in inside) == start
        assert max(span_of(profile, name)[1] for name in inside) == start + count
        assert {name in names[:1] for name in inside} == {every > 1}


@every_profile
def test_an_image_holds_whole_numbers_only(profile_id):
    """A scale is a numerator and a denominator: nothing on the gateway is a float."""
    def numbers(of):
        return [of] if not isinstance(of, (list, dict)) else [
            part for one in (of.values() if isinstance(of, dict) else of) for part in numbers(one)]
    profile = profiles.load(profile_id)
    for image in (profiles.compile_device(profile, "one", 0, 1),
                  profile_modbus.compile_all_points(profile)):
        assert not [part for part in numbers(image) if isinstance(part, float)]
        assert all(type(num) is type(den) is int and den > 0
                   for _, _, _, _, num, den, *_ in image["points"])


def test_twenty_maps_take_at_most_60_requests():
    """Three a map, however many there are, and four values a request; SunSpec devices have no map
    of their own."""
    paces = [profile_modbus.pace(profiles.load(name), 9600) for name in MODBUS
             if not name.startswith("sunspec")]
    values, requests = sum(pace.values for pace in paces), sum(pace.requests for pace in paces)
    assert len(paces) >= 20
    assert requests <= 3 * len(paces)
    assert values >= 4 * requests


def test_most_profiles_are_short():
    lines = [len((profiles.FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines())
             for name in profiles.ids()]
    assert statistics.median(lines) < 60


def test_a_gap_that_refuses_to_be_read_is_refused_by_the_simulator_and_never_asked_for():
    profile = profiles.load("carlogavazzi_em340")
    device, _ = simulate("carlogavazzi_em340")
    assert device.read(4, 4, 3) is None
    assert device.read(4, 6, 1) is None
    for fc, start, count, _ in profile_modbus.compile_all_points(profile)["blocks"]:
        assert device.read(fc, start, count) is not None
