"""Run by a test on CPython and on MicroPython, whose outputs must be equal."""

from binascii import hexlify

from edge.blocks import RamBlocks
from edge.evidence.sha512 import sha512
from edge.evidence.signer import Signer
from edge.evidence.tree import Tree, leaf_hash
from edge.keep import Keep


def shown(data):
    return hexlify(data).decode()


def drained(work):
    """What a generator returns."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


for n in (0, 1, 111, 112, 127, 128, 240):
    print("sha512", n, shown(drained(sha512(bytes([n + i & 255 for i in range(n)])))))

device = RamBlocks(256, 2)
record = Keep(device, 36)
signer = Signer(bytes([255 - i for i in range(32)]), "park.example/gateway-7", record)
tree = Tree()
for number in range(130):
    if number in (0, 96):
        signer.begin(tree.size, tree.root())
        while not signer.step():
            pass
        print("public", shown(signer.key.public))
        print("note", shown(signer.note))
        print("record", shown(record.load()))
    tree.append(leaf_hash(bytes([number]) * 148))
    tree = Tree(tree.save())
    print("root", tree.size, shown(tree.root()))
for size, root in ((95, tree.root()), (96, tree.root())):
    try:
        signer.begin(size, root)
    except ValueError as error:
        print(error)
print("memory", shown(device.memory))
