"""Every Modbus profile on disk, read from its simulated device by the firmware on CPython and on
MicroPython: sign, scale, word order, floats, what is not available, what has frozen. Exact, held
against struct and Fraction.
"""

import json
import math
import random
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from boards import profiles
from boards.profile_schema import SIGNALS, TYPES, registers, signal_point
from tests.devices.simulated import MODBUS, simulate

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SEEDS = 6
NAN = {"f32": ["7FC00000", "7F800000", "FF800000"], "f64": ["7FF8000000000000"]}
FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f",
           "f64": "d"}


def compiled():
    """Profiles whose signals are single points, each with its image."""
    for name in MODBUS:
        image = profiles.compile_device(profiles.load(name), "one", 0, 1)
        if "sums" not in image and "driver" not in image:
            yield name, profiles.load(name), image


def raw_of(kind, data):
    """What a device of this type means by its registers; None for a float that is no number."""
    if kind.endswith("s"):
        data = b"".join(data[at:at + 2] for at in range(len(data) - 2, -1, -2))
    raw, = struct.unpack(">" + FORMATS[kind.removesuffix("s")], data)
    return Fraction(raw) if math.isfinite(raw) else None


def expected(profile, image, block, data):
    """The signals of a block by the words of the profile, and how many have no value."""
    found, none = {}, 0
    _, start, _, _ = image["blocks"][block]
    for signal, number, *_ in image["points"]:
        if number != block:
            continue
        name, turned = signal_point(profile.signals[signal])
        point = profile.points[name]
        at = 2 * (point.addr - start)
        part = data[at:at + 2 * registers(point.kind)]
        if point.kind == "bit":
            found[signal] = SIGNALS[signal].units[point.unit] if int(
                raw_of("u16", part)) & int(point.scale) else 0
            continue
        raw = raw_of(point.kind, part)
        power = 0
        if point.power:
            at = 2 * (profile.points[point.power].addr - start)
            power = int(raw_of("i16", data[at:at + 2]))
        if raw is None or raw in point.na or not -10 <= power <= 10:
            none += 1
            continue
        units = SIGNALS[signal].units[point.unit] * (-1 if turned else 1)
        found[signal] = math.floor(raw * point.scale * Fraction(10) ** power * units
                                   + Fraction(1, 2))
    return found, none


def shown(image, device):
    """The blocks of a simulated device, as bytes."""
    for fc, start, count, _ in image["blocks"]:
        yield b"".join(word.to_bytes(2) for word in device.read(fc, start, count))


def values_of(profile, chance):
    """Of each point a raw value from anywhere in its range, as the plant would say it."""
    powers = {point.power for point in profile.points.values()} - {""}
    values = {name: chance.randint(-3, 3) for name in powers}
    for name, point in profile.points.items():
        if name not in powers:
            low, high = TYPES[point.kind][1:]
            raw = chance.choice([low, high, 0, 1, -1 if low else 2, chance.randint(low, high)])
            values[name] = raw * point.scale * Fraction(10) ** values.get(point.power, 0)
    return values


def blanked(image, block, data):
    """The block once more for each of its points that can say "not available"."""
    for _, number, offset, kind, _, _, absent, _ in image["points"]:
        patterns = [struct.pack(">q", raw)[8 - 2 * registers(kind):] for raw in absent
                    if raw < 1 << 63]
        if kind.endswith("s"):
            patterns = [b"".join(one[at:at + 2] for at in range(len(one) - 2, -1, -2))
                        for one in patterns]
        patterns += [bytes.fromhex(one) for one in NAN.get(kind, ())]
        for pattern in patterns if number == block else ():
            yield data[:2 * offset] + pattern + data[2 * offset + len(pattern):]


def cases():
    """For each profile its image, blocks to read, and what must come of each."""
    for name, profile, image in compiled():
        values, reads, results, refused = {}, [], [], 0
        chance = random.Random(name)
        device, _ = simulate(name, values)
        for seed in range(SEEDS):
            values.update(values_of(profile, chance))
            for block, data in enumerate(shown(image, device)):
                for one in (data, *(blanked(image, block, data) if not seed else ())):
                    taken, none = expected(profile, image, block, one)
                    refused += none
                    reads.append([block, "eeeeee" + one.hex(), 5])
                    results.append([taken, refused, False])
        yield name, [image | {"frozen_ms": 0}, reads], results


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A function that runs cases on CPython, or on an interpreter."""
    def run(some, micropython=None):
        path = tmp_path_factory.mktemp("cases") / "cases.json"
        path.write_text(json.dumps(some))
        if micropython:
            out = micropython.run(HERE / "reading_script.py", path, heap="16m").stdout
        else:
            out = subprocess.run([sys.executable, HERE / "reading_script.py", path], cwd=ROOT,
                                 env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
                                 check=True).stdout
        return [json.loads(line) for line in out.splitlines()]
    return run


def test_every_signal_is_exact_on_both_interpreters(told, micropython):
    names, some, results = zip(*cases(), strict=True)
    assert sum(map(len, results)) > 200
    assert all(one[-1][1] for one, (image, _) in zip(results, some, strict=True)
               if any(point[6] for point in image["points"])), "some were not available"
    here = told(some)
    for name, found, right in zip(names, here, results, strict=True):
        assert found == right, name
    assert told(some, micropython) == here


def test_what_stands_still_is_frozen_and_thaws_on_both_interpreters(told, micropython):
    some, results = [], []
    for name, profile, image in compiled():
        if not image["frozen_ms"]:
            continue
        device, _ = simulate(name)
        blocks = list(shown(image, device))
        fast = next(number for number, block in enumerate(image["blocks"]) if block[3] == 1 and any(
            profile.points[watch].addr in range(block[1], block[1] + block[2])
            for watch in profile.watch))
        device.advance(60_000)
        other = list(shown(image, device))
        assert other[fast] != blocks[fast], f"{name}: what it watches moves"
        times = (0, image["frozen_ms"] - 1, image["frozen_ms"], image["frozen_ms"] + 1)
        reads = [[fast, "eeeeee" + blocks[fast].hex(), at] for at in times]
        reads[-1][1] = "eeeeee" + other[fast].hex()
        some.append([image, reads])
        results.append([False, False, True, False])
    assert len(some) > 5
    here = told(some)
    assert [[frozen for _, _, frozen in one] for one in here] == results
    assert all(not one[2][0] for one in here), "nothing is handed on"
    assert told(some, micropython) == here
