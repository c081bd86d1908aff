"""Ctrl-C and SIGTERM end a command in good order."""

import signal
from collections.abc import Callable

_STOPS = (signal.SIGINT, signal.SIGTERM)


def on_stop(call: Callable[[], object]) -> None:
    """Have `call` called then. Once is enough: another signal must not kill an interpreter that is
    ending."""

    def stop(*_: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        call()

    for number in _STOPS:
        signal.signal(number, stop)
