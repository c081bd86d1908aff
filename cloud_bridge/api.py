"""`api`: the answers of `query` over HTTP, for whoever has a token."""

import json
import logging
import signal
import socket
from pathlib import Path
from typing import Any

import click

from cloud_bridge.fields import DocumentError
from cloud_bridge.logs import log_for
from cloud_bridge.said import FILE, refusing

_SEND_BYTES = 128 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@click.command("api")
@click.option("--store", "path", default="park.db", show_default=True, envvar="PARKEDGE_STORE",
              metavar="FILE|postgresql://...", help="The bridge's; it is only read.")
@click.option("--index", type=click.Path(dir_okay=False, path_type=Path),
              help="What queries have worked out; may be deleted.  [default: STORE.index]")
@click.option("--listen", default="127.0.0.1:8041", show_default=True, metavar="HOST:PORT",
              help="Port 0: a free one, which the first line tells.")
@click.option("--tokens", type=click.Path(dir_okay=False, path_type=Path),
              help="The file of `keys token`; without it nobody could ask.")
@click.option("--host", "hosts", multiple=True, metavar="NAME[:PORT]",
              help="A name it is asked by, as browsers and a proxy send it. May be repeated.")
@click.option("--certificate", type=FILE, help="TLS: the chain, PEM.")
@click.option("--key", type=FILE, help="TLS: its key, PEM.")
@click.option("--openapi", is_flag=True, help="Print the description of the API, and end.")
@click.option("--json", "is_json", is_flag=True, help="The log as one JSON object a line.")
def main(path: str, index: Path | None, listen: str, tokens: Path | None, hosts: tuple[str, ...],
         certificate: Path | None, key: Path | None, openapi: bool, is_json: bool) -> None:
    """Answer questions over HTTP: last values, ranges, gaps, lags.

    Runs until Ctrl-C or SIGTERM. Beyond this machine it wants TLS: --certificate and --key, or a
    reverse proxy on this machine that has them; name the outside name with --host then.

    \b
    Example:
      python -m cloud_bridge api --store park.db --listen 127.0.0.1:8041 --tokens tokens.txt
    """
    with refusing():
        try:
            from cloud_bridge.tokens import Tokens
            from cloud_bridge.web import app, document
            from cloud_bridge.web.server import server
        except ImportError as error:
            raise DocumentError(f"needs {error.name}: pip install 'parkedge[api]'") from None
        from cloud_bridge.queries.archive import Archive
        from cloud_bridge.queries.messages import QueryError

        if openapi:
            click.echo(json.dumps(document.describe(), indent=1))
            return
        if tokens is None:
            raise DocumentError("--tokens: nobody could ask; make one with"
                                " python -m cloud_bridge keys token --tokens FILE")
        address, port = _address(listen)
        if bool(certificate) != bool(key):
            raise DocumentError("--certificate and --key: one without the other")
        known = Tokens(tokens)
        log = log_for(is_json)
        try:
            Archive.open(path, index).close()  # what is wrong with it is said now
        except QueryError as error:
            raise DocumentError(str(error)) from None
        archives = app.Archives(lambda: Archive.open(path, index))
        with _listening(address, port) as pipe:
            port = pipe.getsockname()[1]
            if not certificate and address not in _LOOPBACK:
                log("warning", reason=f"{address} is reached from outside, without TLS: tokens can"
                                      " be read on the way")
            names = [*hosts, f"{address}:{port}", *(f"{name}:{port}" for name in _LOOPBACK)]
            served = server(app.make(archives, known, names, log), certificate, key)
            logging.getLogger("uvicorn.error").addHandler(_Handler(log))
            for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn ends, then raises it again
                signal.signal(number, lambda *_: None)
            log("ready", listen=f"{address}:{port}")
            try:
                served.run([pipe])
            finally:
                archives.close()
        log("stopped")


class _Handler(logging.Handler):
    """What uvicorn has to say, from warnings on."""

    def __init__(self, log: Any) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log("trouble", place="server", reason=record.getMessage())


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not int(port) < 65_536:
        raise DocumentError(f"--listen: found {listen!r}, expected HOST:PORT")
    return host, int(port)


def _listening(address: str, port: int) -> socket.socket:
    is_v6 = ":" in address
    try:
        pipe = socket.create_server((address.strip("[]"), port),
                                    family=socket.AF_INET6 if is_v6 else socket.AF_INET)
    except OSError as error:
        raise DocumentError(f"--listen {address}:{port}: {error.strerror}") from None
    # Each connection has it from here: else the kernel keeps megabytes for who takes nothing.
    pipe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
    return pipe
