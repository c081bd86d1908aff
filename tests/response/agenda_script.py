"""An agenda through messages and times from a file, on either interpreter; prints what it comes to.

    agenda_script.py STORY.json

STORY: a list of [message as hex, minute] and [minute, second, error_s]. The last line is what an
event takes of the heap, where that can be told: the first message alone.
"""

import gc
import json
import sys
from binascii import unhexlify

from edge.response.agenda import Agenda
from edge.response.event import MOST_BYTES, read
from edge.response.needs import Needs
from edge.wire import msgpack

BATTERY = {"discharge_max_w": 200_000, "capacity_wh": 400_000, "efficiency_pm": 900}


def record(reader, data):
    reader.start(data, 0, len(data))
    found = read(reader)
    return found if reader.finish() == msgpack.OK else None


def taken(data):
    """Bytes of heap that an event takes once it is known."""
    reader, agenda = msgpack.Reader(MOST_BYTES), Agenda(4, 60, 60, 3600, 1800)
    if not hasattr(gc, "mem_alloc"):
        return 0
    gc.collect()
    before = gc.mem_alloc()
    agenda.offer(record(reader, data), 0)
    reader.start(b"", 0, 0)
    gc.collect()
    return gc.mem_alloc() - before


def main(path):
    with open(path) as file:
        story = json.load(file)
    reader, agenda = msgpack.Reader(MOST_BYTES), Agenda(4, 60, 60, 3600, 1800)
    needs = Needs(BATTERY, 100, 900, 120)
    for told in story:
        if isinstance(told[0], str):
            found = record(reader, unhexlify(told[0]))
            print(agenda.offer(found, told[1]) if found else "none")
            continue
        minute, second, error_s = told
        changed = agenda.turn(minute, second, error_s)
        called = agenda.called()
        print(changed, called.event.id if called else 0,
              called.event.asks(minute) if called else "")
        for entry in agenda.entries:
            event = entry.event
            print(event.id, agenda.phase(entry), needs.keep_pm(event, minute),
                  needs.short(event, minute, 400), agenda.hushed(event, minute, second, error_s))
    print(taken(unhexlify(story[0][0])))


main(sys.argv[1])
