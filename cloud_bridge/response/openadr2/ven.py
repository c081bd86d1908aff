"""Talking to a server (VTN) of OpenADR 2.0b: registration, lists of events, answers.

openleadr makes the messages, signs them, checks them against the schema and the server's signature,
and reads them. Its own loop is not used: it keeps events in memory alone, answers optOut for faults
of its own, and ends where the server is away at the start.
"""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree
from openleadr import OpenADRClient
from openleadr.utils import certificate_fingerprint

from cloud_bridge.logs import Log
from cloud_bridge.response.openadr2.session import session

_PATIENCE_S = 60
_OK = 200
_POLL_S = (1.0, 3600.0)
_CALLED = ("{http://docs.oasis-open.org/ns/energyinterop/201110}eventDescriptor/"
           "{http://docs.oasis-open.org/ns/energyinterop/201110}eventID")


class VtnError(Exception):
    """The server was not heard, or not understood; the text says why."""


class Tls(NamedTuple):
    """Files by which both sides know each other: our certificate and its key, the authority of the
    server's; and its fingerprint, where it signs its messages ("": they are not checked)."""

    cert: Path
    key: Path
    ca: Path
    fingerprint: str = ""


class Listing(NamedTuple):
    """Events as openleadr reads them, by their names; `request` is named in answers."""

    request: str
    events: list[tuple[str, dict[str, Any]]]


class Ven:
    """One registration. Made inside the loop that uses it."""

    def __init__(self, url: str, name: str, tls: Tls | None, log: Log) -> None:
        self._log = log
        self._complaints = _Complaints()
        logging.getLogger("openleadr").addHandler(self._complaints)
        given = {} if tls is None else {"cert": str(tls.cert), "key": str(tls.key),
                                        "vtn_fingerprint": tls.fingerprint or None}
        self._signs = tls is not None and bool(tls.fingerprint)
        self._client = OpenADRClient(ven_name=name, vtn_url=url, show_fingerprint=False, **given)
        self._client.client_session = session(*(tls[:3] if tls else (None, None, None)))
        self._content = ""
        self._heard: tuple[str, dict[str, Any]] | None = None
        self._client.hooks["before_parse_xml"].append(self._keep_content)
        self._client.hooks["after_parse_xml"].append(self._keep_heard)

    async def close(self) -> None:
        """Hang up; the registration stays."""
        logging.getLogger("openleadr").removeHandler(self._complaints)
        await self._client.client_session.close()

    @property
    def poll_s(self) -> float:
        """How often the server wishes to be asked."""
        wished = self._client.poll_frequency.total_seconds() if self._client.poll_frequency else 10
        return float(min(max(wished, _POLL_S[0]), _POLL_S[1]))

    async def register(self) -> None:
        """Make us known, again if need be. VtnError."""
        self._client.registration_id = None
        await self._ask(self._client.create_party_registration(
            ven_id=self._client.ven_id, xml_signature=self._signs))
        if not self._client.registration_id or not self._client.ven_id:
            raise VtnError(self._complaints.last or "the registration is refused")
        self._log("registered", ven=repr(self._client.ven_id), poll_s=self.poll_s)

    async def listed(self, whole: bool) -> Listing | None:
        """Ask what is new, or for the whole list; None: nothing was told. VtnError."""
        kind, said = await self._ask(
            self._client.request_event() if whole else self._client.poll())
        if kind == "oadrRequestReregistration":
            await self._client.send_response(service="EiRegisterParty")
            raise VtnError("wants a new registration")
        if kind == "oadrDistributeEvent":
            return self._listing(said)
        if kind != "oadrResponse":
            self._log("ignored", message=repr(kind))
        elif _code(said) != _OK:
            raise VtnError(f"answers with code {_code(said)}")
        return None

    async def answer(self, request: str, name: str, modification: int, opt: str) -> None:
        """Say optIn or optOut. What the server makes of it is told, no more. VtnError."""
        _, said = await self._ask(self._client.created_event(request, name, opt, modification))
        code = _code(said)
        if code != _OK:
            self._log("answer refused", name=repr(name), code=code)

    def _listing(self, said: dict[str, Any]) -> Listing:
        code = _code(said)
        if code != _OK:
            raise VtnError(f"answers with code {code}")
        events = said.get("events") or []
        # The library makes numbers of names that look like some.
        names = [str(one.text).strip()
                 for one in etree.fromstring(self._content.encode()).iterfind(f".//{_CALLED}")]
        if len(names) != len(events) or len(set(names)) != len(names):
            raise VtnError("a list whose events cannot be told apart")
        return Listing(str(said.get("request_id") or ""), list(zip(names, events, strict=True)))

    async def _ask(self, call: Coroutine[Any, Any, Any]) -> tuple[str, dict[str, Any]]:
        """What came, once it is found to be true; the library itself says it only in its log."""
        self._heard, self._complaints.last = None, ""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await call
        except TimeoutError:
            raise VtnError("no answer in time") from None
        except (TypeError, KeyError, AttributeError) as error:  # an answer that is empty, or lacks
            if self._heard is None:                              # what the library looks for
                raise VtnError(f"an answer that nobody can read: {error!r}") from None
        if self._heard is None or not isinstance(self._heard[1], dict):
            raise VtnError(self._complaints.last or "no answer")
        return self._heard

    def _keep_content(self, content: str) -> None:
        self._content = content

    def _keep_heard(self, kind: str, said: dict[str, Any]) -> None:
        self._heard = kind, said


class _Complaints(logging.Handler):
    """What the library had to complain of last."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        self.last = (said if said.isprintable() else ascii(said))[:200]


def _code(said: dict[str, Any]) -> object:
    response = said.get("response")
    return response.get("response_code", _OK) if isinstance(response, dict) else _OK


def fingerprint(cert: Path) -> str:
    """By which a server knows a certificate. ValueError when the file holds none."""
    found: str = certificate_fingerprint(cert.read_text(encoding="ascii"))
    return found
