"""A driver on a simulated device without a wire, in virtual time, with faults to order."""

from edge.app import _driver as driver_of
from edge.devices.bus import Bus

OK = "ok"
LOST = "lost"  # the request never comes
MUTE = "mute"  # it is done, and the answer is lost
DENIED = "denied"  # exception 4
IGNORED = "ignored"  # a write is acknowledged and feeds every timer, but what was there stays


class Wire:
    """The port of a bus with one device on it; `faults` befall writes, one each, then `always`."""

    def __init__(self, device):
        self._device = device
        self.faults, self.always = [], OK
        self.asked = 0
        self._reply = b""

    def open(self, now_ms):
        pass

    def is_open(self):
        return True

    def close(self):
        pass

    def send(self, buf, n):
        self.asked += 1
        frame = bytes(buf[:n])
        body = self._answer(frame[7:])
        self._reply = frame[:4] + bytes([0, len(body) + 1, frame[6]]) + body if body else b""
        return n

    def recv(self, buf, at):
        reply, self._reply = self._reply, b""
        buf[at:at + len(reply)] = reply
        return len(reply)

    def _answer(self, pdu):
        fc, addr, count = pdu[0], int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
        fault = self.always
        if fc not in (3, 4):
            fault = self.faults.pop(0) if self.faults else self.always
        elif fault == IGNORED:
            fault = OK
        if fault == LOST:
            return b""
        if fault == DENIED:
            return bytes([fc | 0x80, 4])
        if fc in (3, 4):
            words = self._device.read(fc, addr, count)
            if words is None:
                return bytes([fc | 0x80, 2])
            body = b"".join(word.to_bytes(2) for word in words)
            return b"" if fault == MUTE else bytes([fc, len(body)]) + body
        data = pdu[3:5] if fc == 6 else pdu[6:]
        words = [int.from_bytes(data[at:at + 2]) for at in range(0, len(data), 2)]
        if fault == IGNORED:
            words = self._device.read(3, addr, len(words))
        taken = self._device.write(fc, addr, words)
        if fault == MUTE:
            return b""
        return pdu[:5] if taken else bytes([fc | 0x80, 3])


class Battery:
    """The role that carries the setpoint, and believes all else."""

    lease_ms = 5000

    def __init__(self, image):
        self.SIGNALS = [point[0] for point in image["points"] if point[0][0] != "+"]
        self.SIGNALS += [signal for signal, _ in image.get("sums", ())]
        self.setpoint_w = self.setpoint_ms = 0

    def take(self, signal, value, stamp_ms):
        return True


class Wired:
    """One driver on one device; `restart` is a gateway that loses its power and comes back."""

    def __init__(self, device, image, step_ms=1):
        self.device, self._image, self._step_ms = device, image, step_ms
        self.wire = Wire(device)
        self.now_ms = 1000
        self.restart()

    def restart(self):
        self.battery = Battery(self._image)
        self.driver = driver_of(self._image, [self.battery])
        self.bus = Bus({"link": "tcp", "timeout_ms": 1000, "gap_ms": 25}, self.wire)
        self.bus.add(self.driver)

    def run(self, seconds, wish_w=None):
        """Let time pass; the beat wishes `wish_w` each second, or is dead."""
        end_ms = self.now_ms + seconds * 1000
        while self.now_ms < end_ms:
            if wish_w is not None and (self.battery.setpoint_ms == 0
                                       or self.now_ms - self.battery.setpoint_ms >= 1000):
                self.battery.setpoint_w, self.battery.setpoint_ms = wish_w, self.now_ms
            self.device.advance(self.now_ms)
            self.now_ms += max(self._step_ms, 1, self.bus.step(self.now_ms))
