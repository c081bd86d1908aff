"""Certificates and their keys as files: read in PEM or DER, judged in one line, told as DER."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

_BEGIN = b"-----BEGIN "


class CertificateError(Exception):
    """A file that is not what it should be, in one line."""


def read(path: Path) -> bytes:
    """The one certificate of a file, DER. Raises CertificateError."""
    return _certificate(path).public_bytes(Encoding.DER)


def days(path: Path, must_sign: bool) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of a certificate. Raises CertificateError where it is none, is
    not a CA's though it `must_sign`, or is one though it must not."""
    found = _certificate(path)
    if _is_ca(found) != must_sign:
        kind, wanted = ("no CA's", "the CA's") if must_sign else ("a CA's", "the gateway's")
        raise CertificateError(f"{path.name}: found {_said(found)}, which is {kind}, expected "
                               f"{wanted} own certificate")
    return found.not_valid_before_utc.date(), found.not_valid_after_utc.date()


def key(path: Path, certificate: Path) -> bytes:
    """The private key of a file, DER, which belongs to the certificate. Raises CertificateError."""
    content = _content(path)
    try:
        found = (load_pem_private_key if _BEGIN in content else load_der_private_key)(content, None)
    except TypeError:
        raise CertificateError(f"{path}: found a key under a passphrase, expected one without: "
                               "a gateway has nobody to ask") from None
    except ValueError:
        raise CertificateError(f"{path}: found no private key, expected PEM or DER") from None
    if not isinstance(found, RSAPrivateKey) and not (
            isinstance(found, EllipticCurvePrivateKey) and isinstance(found.curve, SECP256R1)):
        raise CertificateError(f"{path}: found another kind of key, expected P-256 or RSA")
    whole = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ours = _certificate(certificate).public_key().public_bytes(*whole)
    if found.public_key().public_bytes(*whole) != ours:
        raise CertificateError(f"{path}: does not match {certificate.name}, expected the key that "
                               "the certificate was made for")
    return found.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _certificate(path: Path) -> x509.Certificate:
    content = _content(path)
    try:
        if _BEGIN not in content:
            return x509.load_der_x509_certificate(content)
        all_of_it = x509.load_pem_x509_certificates(content)
    except ValueError:
        raise CertificateError(f"{path.name}: found no certificate, expected one in PEM or DER") \
            from None
    if len(all_of_it) > 1:
        raise CertificateError(f"{path.name}: found {len(all_of_it)} certificates, expected one")
    return all_of_it[0]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path.name}: cannot be read: {error.strerror}") from None


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _said(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate without a name"
