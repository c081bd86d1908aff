"""A certificate authority of the tests' own."""

import datetime
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "broker.example"
NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: object

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_bytes(self, encoding=Encoding.PEM) -> bytes:
        return self.key.private_bytes(encoding, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    def write(self, folder: Path, stem: str) -> tuple[Path, Path]:
        """STEM.pem and STEM.key in a folder."""
        paths = folder / f"{stem}.pem", folder / f"{stem}.key"
        paths[0].write_bytes(self.pem)
        paths[1].write_bytes(self.key_bytes())
        return paths


def issue(subject: str, issuer: Pair | None = None, *, ca: bool = False, days=(-1, 365),
          key: object = None) -> Pair:
    """Sign a certificate; without an issuer, by itself. `days` from now: first and last."""
    key = key or generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    made = (x509.CertificateBuilder().subject_name(name)
            .issuer_name(issuer.certificate.subject if issuer else name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW + datetime.timedelta(days[0]))
            .not_valid_after(NOW + datetime.timedelta(days[1]))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), False))
    return Pair(made.sign(issuer.key if issuer else key, SHA256()), key)


@cache
def park() -> Pair:
    """The CA that gateways trust."""
    return issue("park-ca.example", ca=True)
