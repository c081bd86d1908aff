"""Says what the codec makes of many numbers; runs on both interpreters."""

from edge.wire import iec104

seed = 1
for number in range(120):
    seed = (seed * 1_103_515_245 + 12_345) & 0x7FFFFFFF
    value = (seed >> 3) - (1 << 27)
    per = (1, 1000, -1000, 7, 3600, -1)[number % 6]
    buf = bytearray(24)
    end = iec104.put_element(buf, 0, (1, 11, 13, 15)[number % 4], value, per, 0)
    end = iec104.put_time(buf, end, seed % 40_000, seed % 86_400_000, False, True)
    print(bytes(buf[:end]).hex())
    bits = (seed << 1 | number & 1) & 0xFFFFFFFF
    print(str(iec104.scaled(bits, per)))
