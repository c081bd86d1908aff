"""A pulse input of a microcontroller: an interrupt at every edge, and nothing else in it.

The contact lies between pin and ground; the chip's own resistor pulls the pin up.
"""

from machine import Pin

from edge.compat import TYPE_CHECKING
from edge.contact import Contact
from edge.ticks import ticks_ms

if TYPE_CHECKING:
    from typing import Any


class PulsePin:
    """`name` as "GP10"; `count()` as edge/contact.py. An edge takes no heap: the interrupt may come
    amid the beat, and amid a collection."""

    def __init__(self, name: str, debounce_ms: int):
        self._pin = Pin(int(name[2:]), Pin.IN, Pin.PULL_UP)
        self._contact = Contact(debounce_ms, 1 - self._pin.value(), ticks_ms())
        self.count = self._contact.count
        self._pin.irq(handler=self._edge, trigger=Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=True)

    def _edge(self, pin: "Any"):
        self._contact.edge(1 - pin.value(), ticks_ms())
