"""`dr`: demand response, from the call to the settlement desk."""

import json
import sys
from collections.abc import Callable

import click

from cloud_bridge.openadr2 import main as openadr2
from cloud_bridge.openadr3 import main as openadr3
from cloud_bridge.response import programme, told
from cloud_bridge.response.asking import Asked, amount, asking
from cloud_bridge.response.call import call, events
from cloud_bridge.response.settle import settle as work_out
from cloud_bridge.said import refusing


@click.group()
def main() -> None:
    """Demand response: call a gateway, and settle what it has delivered.

    \b
    Example:
      python -m cloud_bridge dr programmes
    """


main.add_command(call)
main.add_command(events)
main.add_command(openadr2)
main.add_command(openadr3)


@main.command()
def programmes() -> None:
    """The programmes that are known, and what of them could not be verified.

    \b
    Example:
      python -m cloud_bridge dr programmes
    """
    with refusing():
        for name in programme.shipped():
            one = programme.load(name)
            click.echo(f"{name:<20} {one.title}")
            for unsure in one.unverified:
                click.echo(f"{'':<20}   not verified: {unsure}")


@main.command()
@click.argument("gateway", metavar="[PARK/GATEWAY]", required=False)
@asking
@click.option("--price", metavar="AMOUNT", help="If the programme has none of its own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with exact fractions.")
def settle(gateway: str | None, asked: Callable[[], Asked], price: str | None, as_json: bool
           ) -> None:
    """Settle one response: every day that was looked at, every point, verdict and payment. Exit
    status 1 where it does not count, or not all points are known.

    \b
    Example:
      python -m cloud_bridge dr settle --programme cn_anhui --start 2026-07-15T12:00 --end 2026-07-15T13:00 --reply-kw 200 --price 4 --load examples/papers/load.csv
    """  # noqa: E501  # a command is one line
    with refusing(2):
        wanted = asked()
        found = work_out(wanted.programme, wanted.curve, wanted.response, wanted.calendar,
                         amount("price", price) if price else None)
    if as_json:
        click.echo(json.dumps(told.plain(found), indent=1, ensure_ascii=False))
    else:
        for line in told.text(found):
            click.echo(line)
    sys.exit(0 if found.verdict and found.verdict.effective else 1)
