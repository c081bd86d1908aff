"""Ten minutes of a bus with one meter in virtual time, on CPython and on MicroPython: prints every
reading with its stamps, and last the bytes of heap that the driver takes and grows by."""

import gc

from tests.dlt645.bench import Gateway, Line, Role

IMAGE = {"name": "m", "unit": "000012345678", "poll_ms": 1000,
         "blocks": [[0x0203, 0xFF00, 12, 1], [0x0280, 0x0004, 3, 5], [0x0001, 0xFF00, 20, 7]],
         "parts": [[[0x0203, 0, 3], [0x0203, 0x100, 3], [-1, 0, 3], [0x0203, 0x300, 3]], [], []],
         "points": [["grid_w", 0, 0, "s3", 12, 1], ["l1_w", 0, 3, "s3", 12, 1],
                    ["l3_w", 0, 9, "s3", 12, 1], ["present_demand_w", 1, 0, "s3", 12, 1],
                    ["import_wh", 2, 0, "u4", 1200, 1]]}


class Meter:
    """Answers by heart: refuses a block in its first minute, cuts energies in two, falls silent."""

    def __init__(self):
        self.now_ms = 0

    def advance(self, now_ms):
        self.now_ms = now_ms

    def hear(self, data):
        at = data.find(b"\x68")
        control, words = data[at + 8], [byte - 0x33 & 0xFF for byte in data[at + 10:-2]]
        di = words[0] | words[1] << 8 | words[2] << 16 | words[3] << 24
        if 300_000 < self.now_ms < 340_000:
            return b""
        if di == 0x0203FF00 and self.now_ms < 60_000:
            return self._frame(data[at + 1:at + 7], 0xD1, [2])
        tens = self.now_ms // 1000 % 90
        digit = (tens // 10 << 4) | tens % 10
        value = [digit, 0x12, 0x80 if tens % 2 else 0x05]
        if di == 0x0001FF00:
            value = [digit] * 11 if control == 0x11 else [0x34] * 9 + words[4:]
        elif di == 0x0203FF00:
            value = value * 4
        return self._frame(data[at + 1:at + 7], (control | 0x80)
                           + (0x20 if di == 0x0001FF00 and control == 0x11 else 0),
                           words[:4] + value)

    def _frame(self, address, control, words):
        body = [0x68]
        body += address
        body += [0x68, control, len(words)]
        body += [byte + 0x33 & 0xFF for byte in words]
        body += [sum(body) & 0xFF, 0x16]
        return b"\xfe\xfe" + bytes(body)


def used():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


line = Line(Meter())
role = Role(("grid_w", "l1_w", "l3_w", "present_demand_w", "import_wh"))
before = used()
gateway = Gateway(line, (IMAGE, [role]))
size = used() - before
most = [0, 0]  # in two halves of the last minutes, with what is just on the line
for second in range(0, 600, 5):
    gateway.run(second * 1000)
    for one in role.taken:
        print(*one)
    role.taken = []
    if second >= 400:
        half = (second - 400) // 100
        most[half] = max(most[half], used())
print(gateway.bus.requests, gateway.bus.timeouts, gateway.bus.exceptions)
print(size, max(most[1] - most[0], 0))
