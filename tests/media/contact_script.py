"""What a contact counts, on CPython and on MicroPython, where an edge must not take any heap.

    contact_script.py CASES.json

A case is debounce_ms, the level and the tick at the beginning, and edges [level, tick].
"""

import json
import sys

from edge.compat import heap_lock, heap_unlock
from edge.contact import Contact


def main(path):
    with open(path) as file:
        cases = json.load(file)
    for debounce_ms, closed, now_ms, edges in cases:
        contact = Contact(debounce_ms, closed, now_ms)
        heap_lock()
        for edge in edges:
            contact.edge(edge[0], edge[1])
        heap_unlock()
        print(contact.count())


main(sys.argv[1])
