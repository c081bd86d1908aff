"""Meters on real sockets and pseudo-terminals: ours, and PyPI's dlt645 with its quirks."""

import datetime
import os
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dlt645 import MeterServerService
from dlt645.model.types.dlt645_type import Demand as PypiDemand
from loguru import logger

from hil.dlt645_meter import Meter

PATIENCE_S = 10
VALUES = {  # data identifier: what PyPI's server is told, in its own units
    0x00010000: 1234.56, 0x00010100: 1000.01, 0x00010200: 200.0, 0x00010300: 30.5,
    0x00010400: 4.05, 0x00020000: 78.9, 0x02030000: -12.3456, 0x02030100: 4.0,
    0x02030200: -6.5, 0x02030300: 0.0001, 0x02800004: 11.5, 0x02800002: 49.98,
    0x02010100: 220.1, 0x02010200: 221.2, 0x02010300: 222.3}
HIGHEST = (23.4567, datetime.datetime(2026, 6, 10, 13, 45))


@contextmanager
def _thread(work: Callable[[int], None]) -> Iterator[None]:
    """Run until told to end: `work` is given a pipe that then has something to read."""
    told, tell = os.pipe()
    thread = threading.Thread(target=work, args=(told,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.write(tell, b"x")
        thread.join(PATIENCE_S)
        os.close(told)
        os.close(tell)


@contextmanager
def on_terminal(meter: Meter) -> Iterator[str]:
    """A meter at one end of a line; yields the path of the other."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def answer(told: int) -> None:
        while True:
            ready = select.select([ours, told], [], [])[0]
            if told in ready:
                return
            os.write(ours, meter.hear(os.read(ours, 256)))

    with _thread(answer):
        yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@contextmanager
def on_socket(meter: Meter) -> Iterator[str]:
    """A meter behind a serial server; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer(told: int) -> None:
            if told in select.select([server, told], [], [])[0]:
                return
            with server.accept()[0] as pipe:
                while told not in select.select([pipe, told], [], [])[0]:
                    data = pipe.recv(256)
                    if not data:
                        return
                    for byte in meter.hear(data):  # a serial server forwards as it comes
                        pipe.sendall(bytes([byte]))

        with _thread(answer):
            yield str(server.getsockname()[1])


def _filled(service: MeterServerService, number: str) -> MeterServerService:
    service.set_address(bytes.fromhex(number)[::-1])
    for di, value in VALUES.items():
        assert (service.set_02 if di >> 24 == 2 else service.set_00)(di, value)
    assert service.set_01(0x01010000, PypiDemand(*HIGHEST))
    return service


@contextmanager
def pypi(number: str, link: str) -> Iterator[str]:
    """PyPI's server; yields the place at which it is found."""
    logger.disable("dlt645")
    if link == "dlt645_tcp":
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        service = MeterServerService.new_tcp_server("127.0.0.1", port, 5.0)
        place, ends = str(port), ()
    else:
        ends = os.openpty() + os.openpty()
        for end in ends:
            tty.setraw(end)
        service = MeterServerService.new_rtu_server(os.ttyname(ends[1]), 8, 1, 2400, "E", 5.0)
        place = os.ttyname(ends[3])
    with _carried(ends):
        assert _filled(service, number).start()
        try:
            yield place
        finally:
            service.stop()


@contextmanager
def _carried(ends: tuple[int, ...]) -> Iterator[None]:
    """Bytes from one line to the other and back."""
    if not ends:
        yield
        return
    one, _, other, _ = ends

    def carry(told: int) -> None:
        while True:
            for ready in select.select([one, other, told], [], [])[0]:
                if ready == told:
                    return
                os.write(other if ready == one else one, os.read(ready, 256))

    with _thread(carry):
        yield
    for end in ends:
        with suppress(OSError):
            os.close(end)
