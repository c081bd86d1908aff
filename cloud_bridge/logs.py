"""What a long-running command tells: lines for people, or one JSON object a line."""

import json
import time
from collections.abc import Callable
from typing import Any

import click

Log = Callable[..., None]  # log(event, key=value ...)


def log_for(is_json: bool) -> Log:
    """The log a command was asked for."""
    return _json_log if is_json else _plain_log


def _json_log(event: str, **values: Any) -> None:
    click.echo(json.dumps({"event": event, "utc": int(time.time()), **values}))


def _plain_log(event: str, **values: Any) -> None:
    if event == "trouble":
        click.echo("{place}: {reason}; next try in {retry_s:.1f} s".format(**values), err=True)
    elif event != "status":
        click.echo(" ".join([event, *(f"{name}={value}" for name, value in values.items())]),
                   err=True)
