"""What device profiles come to: values, requests, time of a poll, size of the table, for each one;
and what decoding a poll costs a gateway, by offset and by a struct format with pads.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from boards import profile_modbus, profiles
from boards.profile_schema import Profile, registers
from hil import bench_modules
from hil.bench_tree import NotMeasuredError, counting, tool
from hil.device_simulator import DeviceSimulator

DECODED = ("acrel_adw300", "eastron_sdm630", "carlogavazzi_em340", "siemens_pac2200")
_TURNAROUND_MS = 20
_FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "I",
            "f64": "Q", "u32s": "I", "i32s": "I", "f32s": "I"}


def tables() -> dict[str, float]:
    """Of every Modbus profile with all of its points; times at its usual speed, over TCP without
    the network's. The totals leave out SunSpec, whose maps only the device knows."""
    figures: dict[str, float] = {}
    totals = {"values": 0, "requests": 0}
    for name in profiles.ids():
        profile = profiles.load(name)
        if profile.proto != "modbus":
            continue
        pace = profile_modbus.pace(profile, profile.rtu.baud if profile.rtu else 9600)
        ms = pace.poll_ms if profile.rtu else float(pace.requests * _TURNAROUND_MS)
        image = profiles.compile_device(profile, name, 0, 1)
        figures |= {f"devices.{name}.values": pace.values, f"devices.{name}.requests":
                    pace.requests, f"devices.{name}.poll_ms": round(ms),
                    f"devices.{name}.table_bytes": len(json.dumps(image, separators=(",", ":")))}
        if not name.startswith("sunspec"):
            totals["values"] += pace.values
            totals["requests"] += pace.requests
    return {**figures, **{f"devices.{key}": value for key, value in totals.items()}}


def decoding() -> dict[str, float]:
    """Instructions on the Arm and garbage on the i386 of one poll of all points, either way. Raises
    NotMeasuredError, also where the two ways differ."""
    from boards.build import BuildError

    try:
        with tempfile.TemporaryDirectory() as folder:
            return _decoding(Path(folder), counting(Path(folder)), tool("micropython-i386"))
    except (BuildError, bench_modules.FailedError) as error:
        raise NotMeasuredError(str(error)) from error


def _decoding(root: Path, arm: Sequence[str], small: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=root) as tree:
        folder = Path(tree)
        bench_modules.build(folder, ("edge.devices.decode",), "bench_decode")
        for name in DECODED:
            (folder / "case").write_text(json.dumps(case(profiles.load(name))))
            said = set()
            for way in ("offset", "struct"):
                counted, taken = (
                    bench_modules.run(command, folder, "bench_decode", mode, way,
                                      str(folder / "case"))
                    for command, mode in ((arm, "count"),
                                          ([small, "-X", "heapsize=512k"], "heap")))
                said |= {counted.split("values ")[1].splitlines()[0],
                         taken.split("values ")[1].splitlines()[0]}
                key = f"devices.decode.{way}.{name}"
                figures[f"{key}.arm_instructions"] = bench_modules.instructions(counted)[-1]
                figures[f"{key}.garbage_bytes"] = int(taken.split()[1])
            if len(said) > 1:
                raise bench_modules.FailedError(f"{name}: two ways to decode, two results")
    return figures


def case(profile: Profile) -> list[Any]:
    """Points in the order of their registers, formats, and the bytes of blocks that show what a
    park of some 100 kW would."""
    device = DeviceSimulator(profile, lambda: _shown(profile), lambda name, value: None)
    image = profile_modbus.compile_all_points(profile)
    points = sorted(image["points"], key=lambda point: (point[1], point[2]))
    formats, told = [], []
    for number, (fc, start, count, _) in enumerate(image["blocks"]):
        words = device.read(fc, start, count)
        assert words is not None
        told.append(b"".join(word.to_bytes(2) for word in words).hex())
        formats.append(_format([point for point in points if point[1] == number]))
    return [points, formats, told]


def _format(points: Sequence[Sequence[Any]]) -> str:
    text, at = ">", 0
    for _, _, offset, kind, *_ in points:
        text += f"{2 * (offset - at)}x" * (offset > at) + _FORMATS[kind]
        at = offset + registers(kind)
    return text


def _shown(profile: Profile) -> dict[str, int | Fraction]:
    by_unit = {"V": Fraction(2301, 10), "A": Fraction(1234, 10), "Hz": Fraction(50),
               "": Fraction(9, 10)}
    return {name: by_unit.get(point.unit, Fraction(123_456))
            for name, point in profile.points.items()}
