"""The connection to a server, and how much of what it sends is looked at.

openleadr would read answers without end, and hand any XML to a parser that checks against a schema:
libxml2 ends the process at entities there (tests/openadr2/test_hostile.py). No message of the
standard declares any.
"""

import ssl
from pathlib import Path

import aiohttp
from lxml import etree

from cloud_bridge.fields import DocumentError

_MOST_BYTES = 1 << 20  # a list of fifty events of 96 intervals is half of it
_CHUNK_BYTES = 1 << 16
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


class _Answer(aiohttp.ClientResponse):
    async def read(self) -> bytes:
        """All of it. aiohttp.ClientPayloadError when there is more than anybody needs, a document
        type, or when somebody else answers."""
        if self.history:
            raise aiohttp.ClientPayloadError(f"redirected to {self.url.host}")
        body = b""
        async for chunk in self.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > _MOST_BYTES:
                self.close()
                raise aiohttp.ClientPayloadError(f"more than {_MOST_BYTES} bytes")
        if body:
            try:
                root = etree.fromstring(body, _PARSER)
            except etree.XMLSyntaxError as error:
                raise aiohttp.ClientPayloadError(f"not XML: {error}") from None
            if root.getroottree().docinfo.doctype:
                raise aiohttp.ClientPayloadError("found a document type, expected none")
        return body


def session(cert: Path | None, key: Path | None, ca: Path | None) -> aiohttp.ClientSession:
    """With certificates: TLS of both sides, names checked. DocumentError, OSError: a file is none.
    """
    context: ssl.SSLContext | bool = True
    if cert and key and ca:
        try:
            context = ssl.create_default_context(cafile=str(ca))
            context.load_cert_chain(str(cert), str(key), password="")
        except ssl.SSLError as error:
            raise DocumentError(f"{ca}, {cert}, {key}: found {error.reason or error}, expected an"
                                " authority, a certificate and its key") from None
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), timeout=_TIMEOUT, response_class=_Answer,
        headers={"content-type": "application/xml"})
