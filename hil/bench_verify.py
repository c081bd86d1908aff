"""Runs on MicroPython: a signature checked; what `hil bench` measures, like hil/bench_sign.py."""

import gc
import sys

gc.threshold(4096)  # type: ignore[attr-defined]  # as main.py of a built tree does

from edge.evidence.verifier import Verifier  # noqa: E402  loaded as on a gateway

# RFC 8032, 7.1, TEST SHA(abc): a message of 64 bytes.
_PUBLIC = bytes.fromhex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
_MESSAGE = bytes.fromhex("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
_SIGNATURE = bytes.fromhex("dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
                           "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704")


def main(mode: str) -> None:
    """Check it, with a mark before and after each step."""
    gc.threshold(-1)  # type: ignore[attr-defined]  # nothing is collected within a step
    mark = sys.stderr.buffer.write if mode == "steps" else len
    work = Verifier()
    work.begin(_PUBLIC, _MESSAGE, _SIGNATURE)
    done, most = False, 0
    while not done:
        gc.collect()
        before: int = gc.mem_alloc()  # type: ignore[attr-defined]  # only MicroPython tells
        mark(b".")
        mark(b".")  # what a mark costs
        done = work.step()
        mark(b".")
        most = max(most, gc.mem_alloc() - before)  # type: ignore[attr-defined]
    print("garbage", most, "good", work.good)


main(sys.argv[1])
