"""What the firmware makes of blocks as they come: one line of JSON for each case of a file.

    reading_script.py CASES.json

A case is a device's image and reads of it, [block, hex digits, ms]; its line tells, for each read,
the signals handed on, how many values were refused so far, and whether the device counts as frozen.
Runs on CPython and on MicroPython.
"""

import json
import sys

from edge.devices.readings import Readings


class Role:
    """Takes every signal of the image."""

    def __init__(self, image):
        self.SIGNALS = [point[0] for point in image["points"]]
        self.taken = {}

    def take(self, signal, value, stamp_ms):
        self.taken[signal] = value
        return True


def main(path):
    with open(path) as file:
        cases = json.load(file)
    for image, reads in cases:
        role = Role(image)
        readings = Readings(image, [role])
        told = []
        for block, digits, now_ms in reads:
            role.taken = {}
            readings.take(block, bytearray(bytes.fromhex(digits)), 3, now_ms)
            told.append([role.taken, readings.refused, readings.frozen])
        print(json.dumps(told))


main(sys.argv[1])
