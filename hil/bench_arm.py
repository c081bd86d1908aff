"""Instructions on the Arm: of a beat, also with four weeks remembered and at the other examples;
and of each slice of the slow thinking.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hil.bench_tree import ROOT, SITE, NotMeasuredError, Tree, image_of, tool
from hil.dut import InProcess
from hil.lockstep import INPUTS

BEATS = 1800  # half an hour: two windows close, two plans are made
EXAMPLES = {  # what is not in all of them
    "clinic": "clinic/site.toml",  # an island
    "depot": "depot/site.toml",  # two batteries
    "halls": "halls/hall-1.toml",  # phases, bands and a shared limit
    "kiln": "kiln/site.toml",  # the utility's own meter
    "mill": "mill/site.toml",  # a ledger
    "office": "office/site.toml",
    "yard": "yard/site.toml",  # chargers
}
WRAPS = ("planner", "foresight", "cap", "foresight_cap")
_START = 60  # beats that are not counted for the most a beat takes
_QUARTER = 39  # of the day, with which a recording begins: 9:45


class _Recorder:
    """A device under test whose inputs are written down."""

    def __init__(self, image: dict[str, Any], file: Any) -> None:
        self._inner, self._file = InProcess(image), file
        self.names = self._inner.names
        self.row, self.coils = self._inner.row, 0
        self.limits_ma: list[int] = []

    def beat(self, row: array[int]) -> Any:
        self._file.write(row)
        setpoint = self._inner.beat(row)
        self.coils = self._inner.coils
        self.limits_ma = self._inner.limits_ma
        return setpoint

    def close(self) -> None:
        pass


class _Later:
    """A feed from a later quarter-hour on."""

    def __init__(self, feed: Any) -> None:
        self._feed, self.quarters = feed, feed.quarters - _QUARTER

    def quarter(self, number: int) -> Sequence[int]:
        found: Sequence[int] = self._feed.quarter(number + _QUARTER)
        return found


def beat() -> dict[str, float]:
    """Of `examples/foundry`, with no day remembered and with all."""
    figures: dict[str, float] = {}
    image = image_of()
    for name, more in (("", []), (".remembering", ["remember"])):
        with Tree(image) as tree:
            tree.record(BEATS, bool(more))
            figures.update(_figures(name, _mark(tree, len(INPUTS), more)))
    with Tree(response_image()) as tree:
        tree.record(BEATS)
        figures.update(_figures(".response", _mark(tree, len(INPUTS), [])))
    return figures


def commands_image(root: str = "") -> dict[str, Any]:
    """Of `examples/foundry` with a table [commands] and this root key."""
    from boards.image import compile_site
    from boards.site import check_bytes

    table = f'\n[commands]\nroot = "{root}"\n'
    site = check_bytes(SITE.read_bytes() + table.encode(), SITE).site
    assert site is not None, "as the example, but for that table"
    return compile_site(site)


def response_image() -> dict[str, Any]:
    """Of `examples/foundry` with the tables [commands] and [response]."""
    from boards.image import compile_site
    from boards.site import check_bytes

    site = check_bytes(SITE.read_bytes() + b"\n[commands]\n[response]\n", SITE).site
    assert site is not None, "as the example, but for those tables"
    return compile_site(site)


def commanded() -> dict[str, float]:
    """Of `examples/foundry` with a table [commands]: while none is in force, and while four are."""
    figures: dict[str, float] = {}
    with Tree(commands_image()) as tree:
        tree.record(BEATS)
        for name, more in ((".commands", []), (".commanded", ["leased"])):
            figures.update(_figures(name, _mark(tree, len(INPUTS), more)))
    return figures


def examples() -> dict[str, float]:
    """Of the other examples, on the days of the shipped factory."""
    figures: dict[str, float] = {}
    for name, file in EXAMPLES.items():
        path = ROOT / "examples" / file
        with Tree(image_of(path)) as tree:
            figures.update(closed_loop(path, tree, "." + name))
    return figures


def closed_loop(path: Path, tree: Tree, name: str) -> dict[str, float]:
    """Of the site at a path, whose tree this is, on the days of the shipped factory."""
    size, own = _record(path, tree)
    billed = any(rule == "billing_meter" for rule, _ in tree.image["rules"])
    more = ["own"] if own else ["billed"] if billed else []
    return _figures(name, _mark(tree, size, more))


def _record(path: Path, tree: Tree) -> tuple[int, bool]:
    """Record a closed loop of a site; how many numbers a row has, and whether these are more than
    those of every site."""
    from boards import local_time
    from boards.site import check
    from hil.emulate import Emulator, plant_of
    from hil.emulation import Order, feeds_of
    from hil.phase_split import split_of

    site = check(path).site
    assert site is not None, "its image was made"
    feeds = feeds_of(Order(site))
    day, second = local_time.parse(feeds.start.isoformat(), (0, 0), tree.image["offsets"])
    with tree.readings.open("wb") as file:
        device = _Recorder(tree.image, file)
        emulator = Emulator(
            device, plant_of(tree.image), _Later(feeds.load), _Later(feeds.pv) if feeds.pv else
            None, divmod(day * 86400 + second + _QUARTER * 900, 86400),
            tree.image["site"]["beat_s"], split=split_of(tree.image))
        for _ in range(BEATS // 900):
            emulator.quarter()
    return len(device.names), len(device.names) > len(INPUTS)


def _mark(tree: Tree, size: int, more: list[str]) -> list[int]:
    counts = tree.counted("bench_beat", str(tree.site), str(tree.readings), "mark", str(size),
                          *more)
    if len(counts) != BEATS:
        raise NotMeasuredError(f"{len(counts)} beats counted, expected {BEATS}")
    return counts


def _figures(name: str, counts: list[int]) -> dict[str, float]:
    return {f"beat.arm_instructions{name}": round(sum(counts) / len(counts)),
            f"beat.arm_instructions_max{name}": max(counts[_START:])}


def plan() -> dict[str, float]:
    """What the planner's state takes of the heap, and a whole replanning of the Arm's time: alone,
    and with what may wrap it."""
    figures: dict[str, float] = {}
    with Tree(image_of(), ["edge.plan.foresight", "edge.plan.cap"]) as tree:
        for wrap in WRAPS:
            name = "" if wrap == "planner" else "." + wrap
            told = tree.run([tool("micropython-i386"), "-X", "heapsize=512k"], "bench_plan", wrap,
                            "bytes")
            counts = tree.counted("bench_plan", wrap, "mark")
            figures.update({
                f"plan.state_bytes{name}": int(told), f"plan.steps_max{name}": len(counts),
                f"plan.arm_instructions{name}": round(sum(counts) / len(counts)),
                f"plan.arm_instructions_max{name}": max(counts)})
    return figures
