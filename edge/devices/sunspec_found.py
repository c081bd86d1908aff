"""The driver of a SunSpec device whose models were found: the plain one, at their addresses.

Every block begins at its model's id, so a reply that does not is of another model and says nothing.
"""

from edge.compat import TYPE_CHECKING
from edge.devices.driver import Driver
from edge.devices.readings import Readings
from edge.devices.sums import Sums
from edge.devices.sunspec_lease import SunspecLease
from edge.devices.sunspec_setpoint import Setpoint, find_setpoint, holds
from edge.wire.modbus import READ_HOLDING_REGISTERS

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence


class Found(Driver):
    """The driver of a device whose models were found."""

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]",
                 setpoint: "Setpoint | None"):
        Driver.__init__(self, image, roles)
        self.readings = self.shown = Blocks(image, roles)
        self.setpoint = setpoint
        if setpoint is not None:
            self.lease = SunspecLease(setpoint, _commander(roles))
            self._counts.extend(setpoint.counts())

    def has_moved(self) -> bool:
        """Whether a reply was about something else than its model, or lacked what it needs."""
        setpoint = self.setpoint
        return self.shown.moved or (setpoint is not None and (setpoint.moved or setpoint.absent))


class Blocks(Readings):
    """Readings whose every block begins with the id and the length of its model."""

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]"):
        Readings.__init__(self, image, roles)
        self.moved = False
        self._heads = image["heads"]

    def take(self, block: int, rx: bytearray, at: int, sent_ms: int) -> None:
        """Hand on the signals of a block, unless it is another model's."""
        model, size = self._heads[block]
        if rx[at] << 8 | rx[at + 1] == model and rx[at + 2] << 8 | rx[at + 3] == size:
            Readings.take(self, block, rx, at, sent_ms)
        else:
            self.moved = True


def found(image: "Mapping[str, Any]", roles: list, models: "Mapping[int, Any]",
          rank: int) -> "Found | None":
    """The driver for these models; None when they are not what the profile needs: the first block,
    and where it is commanded a way to do so."""
    plain = {"name": image["name"], "unit": image["unit"], "poll_ms": image["poll_ms"],
             "frozen_ms": image["frozen_ms"], "control": None,
             "blocks": [], "points": [], "heads": [], "identity": []}
    for block in range(len(image["blocks"])):
        if not _place(plain, image, block, models) and block == 0:
            return None
    setpoint = None
    if image["control"] is not None:
        setpoint = find_setpoint(image["control"], models, rank)
        if setpoint is None:
            return None
        for model in setpoint.models():
            _prove(plain["identity"], model, models[model])
    sums = _sums(plain["points"])
    return Found(plain, [Sums(sums, roles)] + roles if sums else roles, setpoint)


def _place(plain: dict, image: "Mapping[str, Any]", block: int, models: "Mapping[int, Any]"
           ) -> bool:
    """Put one block where the best of its models lies; False when the device has none of them."""
    function, _, count, every = image["blocks"][block]
    ways = [(image["models"][block], count, [p for p in image["points"] if p[1] == block])]
    ways += [way[1:] for way in image["others"] if way[0] == block]
    for ids, count, points in ways:
        for model in ids:
            if holds(models, model, count):
                address, length = models[model]
                _prove(plain["identity"], model, models[model])
                plain["points"] += [[p[0], len(plain["blocks"])] + p[2:] for p in points]
                plain["blocks"].append([function, address, count, every])
                plain["heads"].append((model, length))
                return True
    return False


def _prove(identity: list, model: int, place: "Sequence[int]") -> None:
    """Have a model's id and length looked at before anything is believed."""
    address, length = place
    if [READ_HOLDING_REGISTERS, address, model] not in identity:
        identity.append([READ_HOLDING_REGISTERS, address, model])
        identity.append([READ_HOLDING_REGISTERS, address + 1, length])


def _sums(points: "Sequence[Sequence[Any]]") -> "list[tuple[str, int]]":
    """The signals that are sums, with the number of their parts."""
    labels = [point[0] for point in points if point[0][0] == "+"]
    return [(labels[i][1:], labels.count(labels[i])) for i in range(len(labels))
            if labels.index(labels[i]) == i]


def _commander(roles: "Sequence[Any]") -> "Any":
    for role in roles:
        if hasattr(role, "setpoint_w") and not hasattr(role, "claim"):
            return role
    raise ValueError("a device with a control entry needs a role that commands it")
