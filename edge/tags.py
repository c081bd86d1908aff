"""The keys of commands, and what stands behind them and their results (edge/command.py)."""

from edge.compat import TYPE_CHECKING, const
from edge.hmac256 import hmac

if TYPE_CHECKING:
    from edge.blocks import Bytes

TAG_BYTES = const(16)


def command_key(root: bytes, number: int) -> bytes:
    """Key `number` of a gateway, 32 bytes: HKDF-Expand (RFC 5869, 2.3) in one block."""
    return hmac(root, b"parkedge-cmd-key-1", bytes([number, 1]))


def command_tag(key: bytes, body: "Bytes") -> bytes:
    """What stands behind a command."""
    return hmac(key, b"parkedge-cmd-1", body)[:TAG_BYTES]


def result_tag(key: bytes, body: "Bytes") -> bytes:
    """What stands behind a result."""
    return hmac(key, b"parkedge-res-1", body)[:TAG_BYTES]
