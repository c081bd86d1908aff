"""Runs on MicroPython: beats with the heap locked, one line for each place that allocates.

    heap_beats.py IMAGE INPUTS [leased]    INPUTS: rows of little-endian int32 in the order of
                                           hil.inputs.names(IMAGE); leased: commanded meanwhile

A beat that allocates while the heap is locked fails with MemoryError, which the controller keeps as
the fault; the traceback names the function. The fault is then cleared, so that one place does not
hide the next. The last line is "beats N violations M commands K".
"""

import io
import sys
from array import array

import micropython

from edge.controller import Controller
from edge.image import load
from edge.lease import FLOOR
from edge.site import Site
from edge.snapshot import FAULT
from edge.ticks import ticks_add
from hil.inputs import names
from hil.lockstep import bind


class Locked:
    """The controller, with the heap locked for the length of each beat."""

    def __init__(self, controller):
        self.controller = controller

    def beat(self, now_ms, day, second):
        micropython.heap_lock()
        try:
            return self.controller.beat(now_ms, day, second)
        finally:
            micropython.heap_unlock()


def ask(leases, beats, now_ms):
    """What the cloud might ask for, now and then, each for some beats: a lease ends on the beat."""
    if beats % 7 == 0:
        kind = beats // 7 % 7
        value = beats % 1000 if kind == FLOOR else beats * 7919 % 400_000
        leases.take(kind, value, ticks_add(now_ms, 1000 + beats % 40 * 500), now_ms, beats & 1)


def run(image_path, inputs_path, leased):
    image = load(image_path)
    site = Site(image)
    site.clock_set = True
    locked = Locked(Controller(site))
    step = bind(image, site, locked)
    inputs = array("i", [0] * len(names(image)))
    beats = violations = commands = 0
    known = set()
    with open(inputs_path, "rb") as source:
        while source.readinto(inputs) == 4 * len(inputs):
            if leased:
                ask(site.leases, beats, inputs[0])
            step(inputs)
            if site.now.command_w:
                commands += 1
            beats += 1
            if site.fault:
                violations += 1
                text = io.StringIO()
                sys.print_exception(site.fault, text)
                place = " <- ".join(reversed([line.strip() for line in text.getvalue().split("\n")
                                              if line.strip().startswith("File")]))
                if place not in known:
                    known.add(place)
                    print("beat", beats, text.getvalue().strip().split("\n")[-1], place)
                    print("inputs", list(inputs))
                site.fault = None
                site.now.flags &= ~FAULT  # latched for good on a gateway
            if site.telemetry.oldest() is not None:
                site.telemetry.taken()
    print("beats", beats, "violations", violations, "commands", commands)


if hasattr(micropython, "alloc_emergency_exception_buf"):  # others have a fixed one
    micropython.alloc_emergency_exception_buf(2000)  # a traceback needs room with the heap locked
run(sys.argv[1], sys.argv[2], sys.argv[3:] == ["leased"])
