"""Any bytes as what comes from a CAN controller: frames of any kind, cut and mixed, at any pace. No
limit beyond current times voltage of what was really said, none without a frame that enables it."""

from tests.can.bench import PUBLISHED, US5000, Gateway, frame

_WAITS_MS = (0, 1, 50, 900, 2_500, 6_000)


def _record(one: bytes, wait: int = 2, size: int = 16) -> bytes:
    return bytes([wait << 5 | size]) + one


SEEDS = [b"".join(_record(frame(*one)) for one in frames) for frames in (PUBLISHED, US5000)]
SEEDS += [_record(frame(0x351, "1402740e740ecc01", flags)) for flags in (0x80, 0x40, 0x20)]
SEEDS += [SEEDS[0] + _record(frame(0x35C, "00"), 3) + _record(frame(0x359, "0100"), 5),
          SEEDS[1] + _record(frame(0x355, "64", length=15), 4, 15)]


def one(data: bytes) -> None:
    """Records of a byte that says how long to wait and how many bytes come, and those bytes."""
    gateway = Gateway()
    gateway.run(100)
    heard: dict[int, tuple[int, bytes]] = {}
    at = 0
    while at < len(data):
        wait_ms, size = _WAITS_MS[(data[at] >> 5) % len(_WAITS_MS)], data[at] & 31
        came = data[at + 1:at + 1 + size][:16]
        at += 1 + size
        gateway.now_ms += wait_ms
        if came:
            gateway.port.queue.append(came)
            if len(came) == 16 and came[2] == came[3] == 0 and came[4] <= 8:
                heard[came[0] | came[1] << 8] = (gateway.now_ms, came[8:8 + came[4]])
        gateway.run(51)
        _judge(gateway, heard)


def _judge(gateway: Gateway, heard: dict[int, tuple[int, bytes]]) -> None:
    """What is allowed, held against what was said; limits of a part that was said long ago or in
    too short a frame are 0."""
    charge_w, discharge_w = gateway.battery.limits()
    assert 0 <= charge_w <= 200_000
    assert 0 <= discharge_w <= 200_000
    if charge_w or discharge_w:
        assert all(ident in heard for ident in (0x351, 0x356, 0x359, 0x35C))
    for at, limit_w, mask in ((2, charge_w, 0x80), (4, discharge_w, 0x40)):
        now = [_fresh(gateway, heard, ident) for ident in (0x351, 0x356, 0x359, 0x35C)]
        amps, volts, stops, flags = now
        if limit_w and all(len(part) >= need for part, need in zip(now, (6, 2, 4, 1), strict=True)):
            assert flags[0] & mask
            assert not any(stops[:4])
            current = int.from_bytes(amps[at:at + 2], "little", signed=True)
            voltage = int.from_bytes(volts[:2], "little", signed=True)
            if 0 <= current <= 20_000 and 1000 <= voltage <= 10_000:
                assert limit_w == current * voltage // 1000
    soc_pm = gateway.battery.values.get("soc_pm")
    assert soc_pm is None or (soc_pm in range(0, 1001, 10) and 0x355 in heard)


def _fresh(gateway: Gateway, heard: dict[int, tuple[int, bytes]], ident: int) -> bytes:
    when_ms, said = heard.get(ident, (0, b""))
    return said if gateway.now_ms - when_ms < 4_800 else b""
