"""The HTTP of hil/openadr3_vtn.py: who may ask what, pages, answers, and the faults."""

import base64
import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from hil.openadr3_schema import REQUESTS
from hil.openadr3_vtn import ACCOUNTS, BASE, PAGE, WRITERS, Vtn

_FILTERS = {"events": "programID", "reports": "eventID"}
_BODY_MAX = 1 << 20


def handler(vtn: Vtn) -> type[BaseHTTPRequestHandler]:
    """What answers for this server."""
    return type("Handler", (_Handler,), {"server_vtn": vtn})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_vtn: Vtn
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read `state.asked`."""

    def do_GET(self) -> None:  # http.server's name
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        vtn = self.server_vtn
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(BASE)
        vtn.state.asked.append(f"{self.command} {path}")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _BODY_MAX:
            self._problem(400, "Content-Length")
            return
        body = self.rfile.read(int(length))
        if parts.path == path:
            self._problem(404, "Unrecognized URL")
        elif path == "/auth/token":
            self._token(body)
        elif self._faulty():
            return
        else:
            self._objects(path, parse_qs(parts.query), body)

    def _token(self, body: bytes) -> None:
        asked = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        client, secret = asked.get("client_id", ""), asked.get("client_secret", "")
        if asked.get("grant_type") != "client_credentials":
            self._answer(400, {"error": "unsupported_grant_type"})
        elif ACCOUNTS.get(client) != secret:
            self._answer(401, {"error": "invalid_client"})
        else:
            vtn = self.server_vtn
            vtn.faults.no_token = False
            token = base64.b64encode(f"{client}:{secret}:{len(vtn.state.tokens)}".encode()).decode()
            vtn.state.tokens[token] = client
            self._answer(200, {"access_token": token, "token_type": "Bearer",
                               "expires_in": vtn.token_s})

    def _faulty(self) -> bool:
        """Whether a fault has answered, or nobody has."""
        vtn = self.server_vtn
        if vtn.faults.wait_s:
            vtn.stopping.wait(vtn.faults.wait_s)
        if vtn.take("fail"):
            self._problem(vtn.faults.status, "as it was told")
        elif vtn.take("garbage"):
            self._send(200, b"<html>It works!</html>")
        elif vtn.take("cut"):
            self._send(200, b"[]", says=500)
        elif vtn.take("huge"):
            self._send(200, b"[" + b" " * (8 << 20) + b"]")
        elif vtn.take("drip"):
            self._drip()
        else:
            return False
        return True

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while not self.server_vtn.stopping.wait(0.05):
            try:
                self.wfile.write(b" ")
            except OSError:
                return

    def _objects(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        vtn = self.server_vtn
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        role = vtn.state.tokens.get(token)
        _, kind, *rest = path.split("/")
        if role is None or vtn.faults.no_token:
            self._problem(401, "token")
        elif kind not in REQUESTS or len(rest) > 1 or (rest and self.command == "POST"):
            self._problem(404, "Unrecognized URL")
        elif self.command != "GET" and role != WRITERS[kind]:
            self._problem(403, f"{role} may not write {kind}")
        elif rest and rest[0] not in vtn.state.objects[kind]:
            self._problem(404, rest[0])
        elif self.command == "GET":
            self._get(kind, rest, query, role)
        elif self.command == "DELETE" and rest:
            gone = vtn.state.objects[kind][rest[0]]
            vtn.delete(kind, rest[0])
            self._answer(200, gone)
        elif (self.command == "PUT") != bool(rest):
            self._problem(404, "Unrecognized URL")
        else:
            self._write(kind, rest, body)

    def _write(self, kind: str, rest: list[str], body: bytes) -> None:
        vtn = self.server_vtn
        try:
            made = json.loads(body)
            if kind == "reports" and isinstance(made, dict) \
                    and made.get("eventID") not in vtn.state.objects["events"]:
                raise ValueError("reports.eventID: there is no such event")
            if rest:
                vtn.update(kind, rest[0], made)
            else:
                rest = [vtn.create(kind, made)]
        except (ValueError, RecursionError) as error:
            self._problem(400, str(error))
            return
        self._answer(200 if self.command == "PUT" else 201, vtn.state.objects[kind][rest[0]])

    def _get(self, kind: str, rest: list[str], query: dict[str, list[str]], role: str) -> None:
        vtn = self.server_vtn
        if rest:
            self._answer(200, vtn.state.objects[kind][rest[0]])
            return
        skip, limit = query.get("skip", ["0"])[0], query.get("limit", [str(PAGE)])[0]
        if not skip.isdecimal() or not limit.isdecimal() or int(limit) > PAGE:
            self._problem(400, "skip or limit")
            return
        found = vtn.listed(kind)
        if kind in _FILTERS and _FILTERS[kind] in query:
            found = [one for one in found if one[_FILTERS[kind]] == query[_FILTERS[kind]][0]]
        asked = set(query.get("targets", ()))
        if asked or role == "ven":  # what has targets is for those alone who name one of them
            found = [one for one in found if asked & set(one.get("targets") or ())
                     or not (asked or one.get("targets"))]
        if vtn.faults.pages:
            found = found[int(skip):int(skip) + min(int(limit), vtn.faults.page)]
        if vtn.faults.shuffle and found:
            vtn.delete(kind, next(iter(vtn.state.objects[kind])))
        self._answer(200, found)

    def _problem(self, status: int, detail: str) -> None:
        self._answer(status, {"title": "refused", "status": status, "detail": detail})

    def _answer(self, status: int, what: object) -> None:
        self._send(status, json.dumps(what).encode())

    def _send(self, status: int, body: bytes, says: int | None = None) -> None:
        """`says`: how many bytes it promises, when not all come."""
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) if says is None else says))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # whoever asked has gone
        self.close_connection = True
