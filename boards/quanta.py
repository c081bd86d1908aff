"""In what steps the fields of a site's journal move, as far as its devices guarantee it.

A register that counts in 0.1 kW makes a field in W that is a multiple of 100, whose low bits need
no telling (edge/wire/quanta.py). A float, or a register whose scale is read from the device,
guarantees nothing, and neither does what a gateway decides, or sums up from powers and seconds.
"""

from collections.abc import Mapping
from math import gcd
from typing import TYPE_CHECKING

from boards.profile_schema import TYPES, signal_terms
from boards.site_devices import feeds
from edge import journal
from edge.wire.quanta import quantum

if TYPE_CHECKING:
    from boards.profile_schema import Profile
    from boards.site import Site

_RESTLESS = ("grid_w", "pv_w")
_INTEGERS = {kind for kind in TYPES if kind[0] in "iu"}
BYTES = {step: byte for byte in range(256) if (step := quantum(byte))}


def pairs(site: "Site") -> bytes:
    """What [telemetry] `step` is in a site's image. Nothing where only what rests most of the
    time has a quantum: that would save .4 % (DESIGN.md), less than its code is worth."""
    steps = {signal: gcd(*(_step(device.profile, signal) for device in feeds(site.devices, signal)))
             for signal in ("grid_w", "pv_w", "store_w", "soc_pm")}
    steps["net_w"] = gcd(steps["grid_w"], steps["store_w"])  # sums of readings (Snapshot.pair)
    if site.batteries:
        del steps["soc_pm"]  # a mean of several
    found = coarsest({journal.FIELDS.index(field): step for field, step in steps.items()})
    return found if {*map(journal.FIELDS.index, _RESTLESS)} & {*found[::2]} else b""


def _step(profile: "Profile", signal: str) -> int:
    steps = []
    for name, turned in signal_terms(profile.signals[signal]):
        point, scale = profile.points[name], profile.term_scale(signal, name, turned)
        exact = scale.denominator == 1 and not point.power and point.kind in _INTEGERS
        steps.append(abs(scale.numerator) if exact else 1)
    return gcd(*steps)


def coarsest(steps: Mapping[int, int]) -> bytes:
    """Pairs of field and quantum: the greatest quantum that a field's step is a multiple of; 0, a
    field that nobody writes, and 1 have none."""
    found = bytearray()
    for field, step in sorted(steps.items()):
        fits = [one for one in BYTES if step and step % one == 0]
        if fits:
            found += bytes((field, BYTES[max(fits)]))
    return bytes(found)
