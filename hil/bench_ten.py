"""The beat of a site with ten devices on two buses: no heap, and instructions on the Arm.

It is `examples/mill`, a ledger and all, with three more tenants and its devices on one line and
behind one address.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from hil import amend, bench_arm
from hil.bench_tree import ROOT, Tree, image_of, tool

MILL = ROOT / "examples" / "mill" / "site.toml"
_TENANTS = ("dyeing", "sewing", "canteen")
_FIRST_UNIT = 10
_BUSES = {"meter-line": "line", "battery-line": "line", "pcs-net": "net", "roof-net": "net"}
_UNIT = {"pcs": 1, "roof": 2}


def site_text() -> str:
    """The site file."""
    raw: dict[str, Any] = amend.read(MILL)
    model = next(device for device in raw["device"] if device.get("line") == "press")
    raw["device"] += [{**model, "name": f"{line}-meter", "line": line, "unit": _FIRST_UNIT + number}
                      for number, line in enumerate(_TENANTS)]
    for device in raw["device"]:
        device["bus"] = _BUSES[device["bus"]]
        device["unit"] = _UNIT.get(device["name"], device.get("unit", _FIRST_UNIT - 1))
    raw["bus"] = [{"name": "line", "link": "rtu", "path": 0, "baud": 19_200},
                  {"name": "net", "link": "tcp", "host": "192.168.10.1"}]
    return amend.text(raw)


def beat() -> dict[str, float]:
    """Figures of one beat."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.toml"
        path.write_text(site_text(), encoding="utf-8")
        image = image_of(path)
        assert (len(image["devices"]), len(image["buses"])) == (10, 2)
        with Tree(image) as tree:
            figures = bench_arm.closed_loop(path, tree, ".ten_devices")
            told = tree.run([tool("micropython-i386"), "-X", "heapsize=512k"], "bench_beat",
                            str(tree.site), str(tree.readings), "heap")
    allocated = json.loads(told.splitlines()[-1])["allocated"]
    return {**figures, "beat.alloc_bytes.ten_devices": allocated}
