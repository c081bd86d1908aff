"""Where a cloud has one way down for all (IoT Hub), the first byte says whose a message is."""

from types import SimpleNamespace

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from edge import command, sync
from edge.blocks import RamBlocks
from edge.outbox import Outbox
from edge.sync import Sync
from tests.attacks import commanded

NUMBER = st.integers(0, (1 << 32) - 1)
ACKS = st.lists(NUMBER, min_size=2, max_size=12).map(lambda numbers: msgpack.packb([1, *numbers]))
COMMANDS = st.builds(commanded.command, st.just("stop"), counter=st.integers(1, 1 << 31))


class Commands:
    """Keeps what it gets."""

    def __init__(self):
        self.got = []

    def receive(self, buf, start, end, now_ms):
        self.got.append(bytes(buf[start:end]))


def hearing():
    client = SimpleNamespace(slot=bytearray(4_000), subscribe=lambda topic, receiver: None)
    box = Outbox(RamBlocks(512, 4))
    box.mount()
    made = Sync(client, (box,), "p", "g")
    made.commands = Commands()
    return made


@given(st.one_of(st.binary(max_size=40), ACKS, COMMANDS), st.binary(max_size=4))
def test_each_message_goes_to_one_and_only_one(message, around):
    made = hearing()
    made.receive(bytearray(around + message + b"\x9a" * 4), len(around),
                 len(around) + len(message), 0)
    assert made.strange_acks + len(made.commands.got) == 1
    assert made.commands.got == ([message] if message[:1] == b"\x9a" else [])


@given(COMMANDS)
def test_no_command_is_taken_for_an_acknowledgement(message):
    assert message[0] == sync._COMMAND == command._HEAD
    made = hearing()
    made.commands = None  # not asked for: counted, and nothing comes of it
    made.receive(message, 0, len(message), 0)
    assert made.strange_acks == 1
