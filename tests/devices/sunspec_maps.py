"""Register maps of SunSpec devices as pysunspec2 makes them, and a slave that shows one.

Runs on MicroPython too, but for what pysunspec2 makes: a script there is handed its maps.
"""

from tests.devices.modbus_slave import BUSY, OK, Slave, device_read, device_write

BASES = (40000, 0, 50000)
NO_ADDRESS = 2


def model_words(model_id, values, length=None):
    """The registers of one model, ID and L first. `values` are by point, engineering values; raw
    ones where the name ends in "!"; "module.2.DCW" is a point of a group."""
    from sunspec2.device import Model

    model = Model(model_id, model_len=length)
    assert not model.error_info, model.error_info
    points = {}
    for name, value in values.items():
        group, _, rest = name.rstrip("!").partition(".")
        at = model.points.get(group)
        if rest:
            number, _, point = rest.partition(".")
            at = model.groups[group][int(number) - 1].points[point]
        points[name] = at
        if name.endswith("!") or group.endswith("_SF"):
            at.value = value
    for name, value in values.items():
        if not name.endswith("!") and not name.endswith("_SF"):
            points[name].cvalue = value
    data = model.get_mb()
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]


def chain(base, *models):
    """The map of a device: "SunS", the models' registers one behind the other, and the end."""
    words = [0x5375, 0x6E53]
    for model in models:
        words += model
    words += [0xFFFF, 0]
    return {base + at: word for at, word in enumerate(words)}


def place(words, model_id, number=1):
    """Where a model of a map begins."""
    at = min(words) + 2
    while words[at] != 0xFFFF:
        if words[at] == model_id:
            number -= 1
            if not number:
                return at
        at += 2 + words[at + 1]
    raise KeyError(model_id)


class MapSlave(Slave):
    """A slave whose devices refuse what they have no registers for, or say nothing if `silent`.
    `hears(address, values)` is told every write that was done, `asked_for()` every read."""

    def __init__(self, devices, rtu=False, start_ms=0, hears=None):
        Slave.__init__(self, devices, rtu=rtu, start_ms=start_ms)
        self.silent = False
        self.hears = hears
        self.strays = []  # addresses of requests that reach beyond the map

    def _answer(self, transaction, unit, pdu):
        device = self.devices.get(unit)
        function = pdu[0]
        address = pdu[1] << 8 | pdu[2]
        count = pdu[3] << 8 | pdu[4]
        values = [pdu[i] << 8 | pdu[i + 1] for i in range(6, len(pdu), 2)]
        self._note(unit, function, address, values or count)
        if device is None:
            return
        fault = device.fault(function)
        if not all(at in device.registers for at in range(address, address + count)):
            self.strays.append(address)
            reply = bytes([function | 0x80, NO_ADDRESS])
            if self.silent:
                return
        elif fault == BUSY:
            reply = bytes([function | 0x80, 6])
        elif function == 3:
            reply = device_read(device, function, address, count)
        else:
            reply = pdu[:5]
            if fault == OK:
                device_write(device, function, address, values)
                if self.hears is not None:
                    self.hears(address, values)
        self._deliver(fault, transaction, unit, reply, device.answer_ms)
