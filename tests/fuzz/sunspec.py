"""Any registers as what a device shows of its map: its models are looked for without an error,
without going on for ever, without a request that could not be answered; and whatever the map says,
nothing is written but into the models by which a device is commanded."""

from boards import profiles
from edge.devices.sunspec import Sunspec, driver

_MODELS = (1, 103, 113, 120, 121, 123, 124, 160, 203, 213, 701, 702, 704, 713, 802, 64201)
_BASES = (40000, 0, 50000)
_PROFILES = {name: profiles.compile_device(
    profiles.load(name), "one", 0, 1, poll_ms=1000,
    **({"min_w": -50_000, "max_w": 50_000} if profiles.load(name).control else {}))
    for name in ("sunspec_battery", "sunspec_meter", "kaco_gridsave", "sunspec_hybrid")}
_COMMANDED = (124, 704, 64201)
_REPLIES = 120

# A byte for the profile and the base, then a model as (which, length) and what its registers hold.
SEEDS = [bytes([how]) + bytes(range(40)) for how in range(12)]
SEEDS += [bytes([0, 10, 153, 0, 12, 65, 0, 13, 7, 1]), bytes([4, 8, 105, 0, 9, 124, 2]),
          bytes([8, 15, 52, 3, 4, 30, 0]), b"\x00" * 20, b"\xff" * 20]


class _Taker:
    """A role for everything, and the commander."""

    SIGNALS = ("grid_w", "import_wh", "export_wh", "l1_w", "l2_w", "l3_w", "store_w", "soc_pm",
               "discharge_wh", "charge_wh", "charge_max_w", "discharge_max_w", "pv_w")

    def __init__(self) -> None:
        self.setpoint_w = self.setpoint_ms = 0
        self.lease_ms = 5000

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        assert type(value) is int
        return True


def _map(data: bytes, base: int) -> dict[int, int]:
    """A map made of the bytes, and nothing else: models, honest ones and others, and words."""
    words = {base: 0x5375, base + 1: 0x6E53}
    at, i = base + 2, 0
    while i + 3 <= len(data) and at < 0xFFFE:
        which, length, fill = data[i:i + 3]
        words[at] = _MODELS[which] if which < len(_MODELS) else which << 8 | fill
        size = length if length < 200 else length << 8 | fill
        words[at + 1] = size
        for offset in range(min(size, 160)):
            byte = data[(i + offset) % len(data)]
            words[at + 2 + offset] = (byte, byte << 8, 0xFFFF - byte, 0, 1, 0x8000)[
                (fill + offset) % 6]
        at, i = at + 2 + size, i + 3
    words[at] = 0xFFFF
    words[at + 1] = 0
    return words


def one(data: bytes) -> None:
    """Let the driver look, read and command for a hundred replies."""
    if len(data) < 2:
        return
    names = sorted(_PROFILES)
    base = _BASES[data[0] % 3]
    words = _map(data[1:], base)
    role = _Taker()
    device = driver(_PROFILES[names[data[0] // 3 % len(names)]], [role])
    tx, rx = bytearray(64), bytearray(260)
    now_ms = 1000
    device.opened(now_ms)
    for turn in range(_REPLIES):
        now_ms += 250
        role.setpoint_w, role.setpoint_ms = (data[turn % len(data)] - 128) * 500, now_ms
        device.watch(now_ms)
        if device.wants_write(now_ms) or device.due_ms(now_ms) <= 0:
            assert device.compose(tx, 0, now_ms) <= 32 - 7, "it fits a frame on TCP"
            _answer(device, tx, rx, words, base, now_ms)
    assert device.searches <= _REPLIES


def _answer(device: Sunspec, tx: bytearray, rx: bytearray, words: dict[int, int], base: int,
            now_ms: int) -> None:
    address, count = tx[1] << 8 | tx[2], tx[3] << 8 | tx[4]
    assert address + count <= 0x10000
    assert 1 <= count <= 125
    if tx[0] == 16:
        assert _model(words, base, address, count) in _COMMANDED
    elif any(at not in words for at in range(address, address + count)):
        device.refused(2, now_ms)
        return
    for i in range(count):
        if tx[0] == 16:
            words[address + i] = tx[6 + 2 * i] << 8 | tx[7 + 2 * i]
        else:
            rx[2 * i], rx[2 * i + 1] = words[address + i] >> 8, words[address + i] & 0xFF
    device.answered(rx, 0, now_ms, now_ms)


def _model(words: dict[int, int], base: int, address: int, count: int) -> int:
    """In which model of the map registers lie, behind its id and length; -1: in none."""
    at = base + 2
    while at + 1 in words and words[at] != 0xFFFF:
        if at + 2 <= address and address + count <= at + 2 + words[at + 1]:
            return words[at]
        at += 2 + words[at + 1]
    return -1
