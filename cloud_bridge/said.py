"""What the commands share: files as arguments, and a refusal in one line."""

import datetime
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError
from cloud_bridge.inbox import BrokerError
from cloud_bridge.notes import Key, NoteError, key_from


class _Day(click.ParamType[datetime.date]):
    name = "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None,
                ctx: click.Context | None) -> datetime.date:
        day: datetime.date | None = fields.date(value)
        if day is None:
            self.fail(f"found {value!r}, expected {fields.DATE.expected}", param, ctx)
        return day


DAY = _Day()
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def log_key(text: str) -> Key:
    """The public key of a log, as text or from a file. DocumentError; OSError."""
    try:
        return key_from(text)
    except NoteError as error:
        raise DocumentError(str(error)) from None


@contextmanager
def refusing(status: int = 1) -> Iterator[None]:
    """What is wrong with a document, a file or a broker becomes one line and an exit status."""
    try:
        yield
    except (DocumentError, BrokerError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(status)
    except BrokenPipeError:
        raise  # whoever reads has had enough, as `head` does: click ends quietly
    except OSError as error:
        click.echo(f"Error: {error.filename or ''}: {error.strerror or error}", err=True)
        sys.exit(status)
