"""A pseudo-terminal as a pipe that never waits, for MicroPython's Unix port."""

import select


class RawPort:
    """Read a byte at a time, since a longer read would wait."""

    def __init__(self, path):
        self._path = path
        self._file = None
        self._poll = None

    def open(self, now_ms):
        self.close()
        self._file = open(self._path, "r+b")  # noqa: SIM115
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def is_open(self):
        return self._file is not None

    def send(self, buf, n):
        return self._file.write(memoryview(buf)[:n])

    def recv(self, buf, at):
        view = memoryview(buf)
        n = 0
        while at + n < len(buf) and self._poll.poll(0):
            n += self._file.readinto(view[at + n:at + n + 1])
        return n

    def close(self):
        if self._file is not None:
            self._file.close()
        self._file = None
