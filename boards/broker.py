"""The [broker] of a site: what the gateway's image says of it, and what is wrong with its files.

The key that belongs to a client certificate is a secret. It is no part of the site file or of the
image: `flash` and `run` are given it by name, and `check` whether it fits.
"""

import ipaddress
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from boards.parts import CERTIFICATES, PartError
from boards.shapes import Findings
from boards.site_fields import say

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

    from boards.site import Site

_NAME = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.|$))+")
KEY_FILE = "broker.key"  # on a gateway; boards/w5500_evb_pico2.py reads it
_FILES = ("ca", "certificate")
_WARN_DAYS = 60  # before a certificate ends


class KeyFileError(Exception):
    """A key that cannot be used, in one line."""


def image(site: "Site") -> dict[str, Any]:
    """As the gateway wants it; what most sites do not have is left out."""
    broker = site.sections["broker"]
    made = {key: broker[key] for key in ("host", "port", "user")}
    if broker["trust_puback"]:
        made["trust_puback"] = 1
    if broker["version"] != "3.1.1":
        made["version"] = broker["version"]
    if broker["host"] and not is_address(broker["host"]):
        made["named"] = 1
    if broker["tls"]:
        made["tls"] = {"name": broker["name"] or broker["host"]} | {
            key: b64encode(CERTIFICATES.load().read(site.path.parent / broker[key])).decode()
            for key in _FILES if broker[key]}
    return made


def broker_key(site: "Site", path: "Path") -> bytes:
    """The key of the site's client certificate, DER. Raises KeyFileError where it is none."""
    if not site.sections["broker"]["certificate"]:
        raise KeyFileError(f"{site.path.name}: broker.certificate: missing, expected the "
                           f"certificate that {path.name} belongs to")
    certificates = CERTIFICATES.load()
    try:
        made: bytes = certificates.key(path, site.path.parent
                                       / site.sections["broker"]["certificate"])
    except certificates.CertificateError as error:
        raise KeyFileError(f"{site.path.name}: broker.certificate: {error}") from None
    return made


def needed_key(site: "Site", path: "Path | None") -> None:
    """Whether a host can show its certificate: the key is given, and belongs to it, in PEM, as
    OpenSSL reads it. Raises KeyFileError."""
    if path is None:
        if site.sections["broker"]["certificate"]:
            raise KeyFileError(f"{site.path.name}: broker.certificate: its key is missing, "
                               "expected --broker-key FILE or PARKEDGE_BROKER_KEY")
        return
    broker_key(site, path)
    if not path.read_bytes().lstrip().startswith(b"-----BEGIN"):
        raise KeyFileError(f"{path}: found a key in DER, expected PEM to run with")


def is_address(host: str) -> bool:
    """Whether it needs no look-up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check(findings: Findings, warnings: Findings, site: "Site", today: "datetime.date") -> None:
    """Add what is wrong with the way to the broker, a line each."""
    broker = site.sections["broker"]
    if None in broker.values():
        return
    if broker["host"] and not is_address(broker["host"]) and not _NAME.fullmatch(broker["host"]):
        say(findings, "broker.host", f"found {broker['host']}, expected an address or a host name")
    if not broker["tls"]:
        for key in (*_FILES, "name"):
            if broker[key]:
                say(findings, f"broker.{key}", "stands without tls, expected tls = 1 with it")
        if broker["host"] and broker["port"] == 8883:
            say(warnings, "broker.port", "8883 is for TLS, but tls is 0")
        return
    if not broker["host"]:
        say(findings, "broker.tls", "found 1, expected a broker.host to talk to")
    elif not broker["name"] and is_address(broker["host"]):
        say(findings, "broker.name", "missing, expected the name in the broker's certificate, "
            f"since host is the address {broker['host']}")
    if not broker["ca"]:
        say(findings, "broker.ca", "missing, expected the file of the CA that signed the broker's "
            "certificate: no other is believed")
    for key in _FILES:
        if broker[key]:
            _check_file(findings, warnings, site.path.parent / broker[key], key, today)


def _check_file(findings: Findings, warnings: Findings, path: "Path", key: str,
                today: "datetime.date") -> None:
    """What is no certificate is an error; one that has ended is not: control starts anyway."""
    try:
        certificates = CERTIFICATES.load()
    except PartError as error:
        say(findings, f"broker.{key}", str(error))
        return
    try:
        first, last = certificates.days(path, key == "ca")
    except certificates.CertificateError as error:
        say(findings, f"broker.{key}", str(error))
        return
    if today > last:
        say(warnings, f"broker.{key}", f"{path.name} ended on {last}: nothing is sent any more")
    elif today < first:
        say(warnings, f"broker.{key}", f"{path.name} begins on {first}: nothing is sent before it")
    elif (last - today).days < _WARN_DAYS:
        say(warnings, f"broker.{key}", f"{path.name} ends on {last}: nothing is sent after it")
