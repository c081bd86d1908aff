"""The bits of the snapshot's flags are folded into the bytecode where they are used: one value."""

import re
from pathlib import Path

from edge import controller, gate, site, snapshot

EDGE = Path(snapshot.__file__).parent
BITS = {name: getattr(snapshot, name) for name in (
    "GRID_FRESH", "STORE_FRESH", "SOC_FRESH", "PV_FRESH", "TRUSTED", "READY", "FAULT", "CLOCK_OK",
    "UNPRICED", "UNPUSHED")}


def test_a_bit_has_one_value_wherever_it_is_named():
    copies = 0
    for path in EDGE.rglob("*.py"):
        if path.parent.name == "plan" or path.stem == "mqtt_client":  # their _READY is a phase
            continue
        for name, value in re.findall(r"^_([A-Z_]+) = const\((\d+)\)", path.read_text("utf-8"),
                                      re.MULTILINE):
            if name in BITS:
                copies += 1
                assert int(value) == BITS[name], (path, name)
    assert copies >= 9  # so it finds them


def test_what_is_told_once_a_minute_lasts_from_beat_to_beat():
    lasting = [BITS[name] for name in ("FAULT", "CLOCK_OK", "UNPRICED", "UNPUSHED")]
    assert sum(lasting) == snapshot._LASTING
    assert 1 << site._CLOCK_BIT == snapshot.CLOCK_OK
    assert 1 << site._PRICE_BIT == snapshot.UNPRICED
    assert site._OTHERS == ~(snapshot.CLOCK_OK | snapshot.UNPRICED)


def test_the_gate_of_a_beat_that_was_not_finished_has_one_number():
    assert controller._GATE_FAULT == gate.FAULT
