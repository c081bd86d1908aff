"""`dr openadr2`: follow a server of OpenADR 2.0b for a gateway."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import click

from cloud_bridge.command import reaching
from cloud_bridge.databases import KEPT, Database
from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.identity import NAME
from cloud_bridge.logs import Log, log_for
from cloud_bridge.response.deliver import Delivery
from cloud_bridge.response.openadr2.terms import BATTERY, IMPORT, Agreed
from cloud_bridge.said import FILE, FOLDER, refusing
from cloud_bridge.stopping import on_stop
from edge.response.event import ALL_OR_NOTHING

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Level(click.ParamType[tuple[int, int]]):
    name = "LEVEL=KW"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None
                ) -> tuple[int, int]:
        level, found, kw = str(value).partition("=")
        try:
            w = round(float(kw) * 1000)
        except (ValueError, OverflowError):
            found, w = "", 0
        if not found or level not in ("1", "2", "3") or not 0 <= w <= 8_000_000:
            self.fail(f"found {value!r}, expected e.g. 1=100, of levels 1 to 3 and at most 8 MW",
                      param, ctx)
        return int(level), w


@click.command("openadr2")
@click.argument("gateway", metavar="PARK/GATEWAY")
@click.option("--vtn", "url", required=True, metavar="URL",
              help="Of the server, e.g. https://vtn.example/OpenADR2/Simple/2.0b")
@click.option("--ven-name", required=True, help="By which the server knows this site.")
@click.option("--cert", type=FILE, help="With https: our certificate, PEM.")
@click.option("--key", type=FILE, help="Its private key, PEM; it signs our messages as well.")
@click.option("--vtn-ca", type=FILE, help="Whose certificate the server's is signed by, PEM.")
@click.option("--vtn-fingerprint", default="", metavar="AA:BB:..",
              help="Of the certificate with which the server signs: what is not signed with it is"
                   " refused.")
@click.option("--insecure", is_flag=True, help="Plain http to another machine than this one.")
@click.option("--level", "levels", type=_Level(), multiple=True,
              help="What the battery gives at a level of SIMPLE; level 0 is nothing.")
@click.option("--dispatch", type=click.Choice([IMPORT, BATTERY]),
              help="What a LOAD_DISPATCH speaks of: the most that is imported, or what the battery"
                   " takes. Without it none is taken.")
@click.option("--all-or-nothing", is_flag=True,
              help="Left out where less than 0.8 of it can be delivered.")
@click.option("--state", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="File that keeps what the gateway was told, and has said of it.")
@click.option("--keys", "folder", type=FOLDER, required=True,
              help="The folder `cloud` of `keys gateway`.")
@click.option("--store", "open_store", type=KEPT,
              help="The bridge's store: an event that the site leaves later is answered optOut.")
@reaching(20)
def main(gateway: str, url: str, ven_name: str, cert: Path | None, key: Path | None,
         vtn_ca: Path | None, vtn_fingerprint: str, insecure: bool,
         levels: tuple[tuple[int, int], ...], dispatch: str | None, all_or_nothing: bool,
         state: Path, folder: Path, open_store: Callable[[], Database] | None, broker: str,
         ca: str | None, wait_s: int, as_json: bool) -> None:
    """Follow a server (VTN) of OpenADR 2.0b as the end node (VEN) of GATEWAY, until Ctrl-C.

    Its events go to the gateway as signed commands, and are answered optIn or optOut as that
    decides. A server that is away calls nothing off.

    \b
    Example:
      python -m cloud_bridge dr openadr2 demo/mill --vtn http://127.0.0.1:8080/OpenADR2/Simple/2.0b --ven-name mill --level 1=100 --state mill.vtn --keys mill/cloud
    """  # noqa: E501  # a command is one line
    with refusing(2):
        if not NAME.fullmatch(gateway):
            raise mistake("PARK/GATEWAY", gateway, "e.g. demo/mill")
        files = _checked(url, insecure, cert, key, vtn_ca, vtn_fingerprint)
        if not levels and not dispatch:
            raise DocumentError("expected --level or --dispatch: without them nothing is taken")
        if len(dict(levels)) < len(levels):
            raise DocumentError("level: found one twice")
        agreed = Agreed(dict(levels), dispatch or "", ALL_OR_NOTHING * all_or_nothing)
        delivery = Delivery(gateway, folder, broker, ca, wait_s)
    with refusing():
        asyncio.run(_follow(url, ven_name, files, delivery, state, agreed, log_for(as_json),
                            gateway, open_store))


def _checked(url: str, insecure: bool, cert: Path | None, key: Path | None, ca: Path | None,
             fingerprint: str) -> tuple[Path, Path, Path, str] | None:
    """The files of mutual TLS, None for plain http. DocumentError."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise DocumentError(f"vtn: {error}") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise DocumentError("vtn: expected http(s)://host[:port]/path")
    if parts.scheme == "http":
        if cert or key or ca or fingerprint:
            raise DocumentError("vtn: certificates need https")
        if host not in _LOOPBACK and not insecure:
            raise DocumentError(f"vtn: http to {host} is open to everybody: https, or --insecure")
        return None
    if cert is None or key is None or ca is None:
        raise DocumentError("vtn: https needs --cert, --key and --vtn-ca")
    return cert, key, ca, fingerprint


async def _follow(url: str, name: str, files: tuple[Path, Path, Path, str] | None,
                  delivery: Delivery, state: Path, agreed: Agreed, log: Log, gateway: str,
                  open_store: Callable[[], Database] | None) -> None:
    try:
        from cloud_bridge.response.openadr2.follow import Follower
        from cloud_bridge.response.openadr2.ven import Tls, Ven, fingerprint
    except ModuleNotFoundError as error:
        click.echo(f"Error: needs {error.name}: pip install 'parkedge[openadr2]'", err=True)
        sys.exit(1)
    tls = Tls(*files) if files else None
    if tls:
        try:
            log("certificate", fingerprint=fingerprint(tls.cert))
        except ValueError as error:
            raise DocumentError(f"{tls.cert}: {error}") from None
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    ven = Ven(url, name, tls, log)
    try:
        follower = Follower(ven, delivery, state, agreed, log, gateway, open_store)
        on_stop(lambda: loop.call_soon_threadsafe(stop.set))
        await follower.run(stop)
    finally:
        await ven.close()
    log("stopped")
