"""What the way to a broker costs an Arm: the calls of a TLS handshake, the steps under a flood.

The interpreter is Debian's, its mbedTLS that of the distribution: a board's own is built from the
same source with other settings, so the figures are of the order, and not of the board.
"""

from __future__ import annotations

import datetime
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hil import bench_modules

MODULES = ("edge.tls_port", "edge.mqtt_client", "edge.port")
PROGRAM = "bench_handshake"
_PATIENCE_S = 60.0
_VERSIONS = {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}


def measure(command: Sequence[str]) -> dict[str, float]:
    """By an interpreter in an emulator that prints a running count at each mark."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_modules.build(folder, MODULES, PROGRAM)
        told = bench_modules.run(command, folder, PROGRAM, "flood")
        counts = bench_modules.instructions(told)
        figures |= {"uplink.flood_messages": int(told.split("messages ")[1].split()[0]),
                    "uplink.flood_step_arm_instructions": round(sum(counts) / len(counts)),
                    "uplink.flood_step_arm_instructions_max": max(counts)}
        _certificates(folder)
        for key, version in _VERSIONS.items():
            with _server(folder, version) as port:
                told = bench_modules.run(command, folder, PROGRAM, "shake", str(port), name)
            counts = bench_modules.instructions(told)
            figures |= {f"uplink.{key}_calls": len(counts),
                        f"uplink.{key}_arm_instructions": sum(counts),
                        f"uplink.{key}_call_arm_instructions_max": max(counts)}
    return figures


@contextmanager
def _server(folder: Path, version: ssl.TLSVersion) -> Iterator[int]:
    """A broker's end of TLS that asks for a certificate; the port it listens on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(cadata=(folder / "ca").read_bytes())
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE_S)
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(_PATIENCE_S)


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    client, _ = listener.accept()
    with client, context.wrap_socket(client, server_side=True) as met:
        met.recv(64)


def _certificates(folder: Path) -> None:
    """A CA, a broker and a gateway, all on P-256."""
    now = datetime.datetime.now(datetime.UTC)
    keys = {name: generate_private_key(SECP256R1()) for name in ("ca", "broker.example", "gw")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in keys}
    made = {name: x509.CertificateBuilder().subject_name(names[name]).issuer_name(names["ca"])
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(1))
            .not_valid_after(now + datetime.timedelta(1))
            .add_extension(x509.BasicConstraints(name == "ca", None), True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
            .sign(keys["ca"], SHA256()) for name, key in keys.items()}
    (folder / "ca").write_bytes(made["ca"].public_bytes(Encoding.DER))
    (folder / "own").write_bytes(made["gw"].public_bytes(Encoding.DER))
    plain = PrivateFormat.TraditionalOpenSSL, NoEncryption()
    (folder / "key").write_bytes(keys["gw"].private_bytes(Encoding.DER, *plain))
    (folder / "server.pem").write_bytes(made["broker.example"].public_bytes(Encoding.PEM)
                                        + keys["broker.example"].private_bytes(Encoding.PEM,
                                                                               *plain))
