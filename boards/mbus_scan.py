"""`parkedge serve mbus FILE --scan`: who is on an M-Bus line, written as the file takes it."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

import click

from boards import mbus_frame
from boards.mbus_file import MEDIA, SECONDARY, MeterFile
from boards.mbus_frame import Identity, Telegram
from boards.mbus_line import Line
from boards.mbus_master import Bus, fetch
from boards.mbus_reading import is_meant, totals
from boards.mbus_records import UNITS, Record, TelegramError

ADDRESSES = range(251)
_DIGITS = "0123456789"
_KINDS = {kind: medium for medium, kinds in MEDIA.items() for kind in sorted(kinds or ())
          if (medium, kind) != ("cold", 0x0D)}  # a meter of both is first one of heat


@dataclass(frozen=True)
class Found:
    """A meter, or a place where something answers that cannot be read: `wrong` says why."""

    address: int | None
    asked: Identity | None  # what selected it
    telegrams: Sequence[Telegram] = ()
    wrong: str = ""
    doubtful: bool = False  # it is not there by its own number

    @property
    def identity(self) -> Identity | None:
        """Who it says it is."""
        return self.telegrams[0].identity if self.telegrams else None


async def primary(bus: Bus, step: Callable[[], object] = bool) -> AsyncIterator[Found]:
    """Whoever answers at a primary address."""
    for address in ADDRESSES:
        if await bus.exchange(mbus_frame.reset(address)):
            found = await _look(bus, address, None)
            yield replace(found, doubtful=not await _is_there(bus, found))
        step()


async def secondary(bus: Bus, prefix: str = "") -> AsyncIterator[Found]:
    """Whoever can be selected: by numbers that begin so, one digit more where several answer."""
    asked = Identity(f"{prefix:F<8}")
    await bus.exchange(mbus_frame.reset(mbus_frame.NETWORK))
    if not await bus.exchange(mbus_frame.select(asked)):
        return
    found = await _look(bus, None, asked)
    if not await _is_there(bus, found):
        found = Found(None, asked, (), found.wrong or "several answer at a time")
    if found.telegrams or len(prefix) == len(asked.number):
        yield found
        return
    for digit in _DIGITS:
        async for one in secondary(bus, prefix + digit):
            yield one


async def _is_there(bus: Bus, found: Found) -> bool:
    """Whether a meter is selected by what it says it is: what several say at a time can look like
    the reply of one that is not there."""
    if not found.identity:
        return False
    return (await _look(bus, None, found.identity)).identity == found.identity


async def _look(bus: Bus, address: int | None, asked: Identity | None) -> Found:
    try:
        return Found(address, asked, await fetch(bus, address, asked))
    except TelegramError as error:
        return Found(address, asked, (), str(error))


async def run(line: Line) -> None:
    """Look everywhere, and print who was found. OSError when there is no line."""
    try:
        found = []
        with click.progressbar(length=len(ADDRESSES), label="primary", file=sys.stderr) as bar:
            async for one in primary(line, lambda: bar.update(1)):
                found.append(one)
        known = [one.identity for one in found if one.identity]
        click.echo("secondary ...", err=True)
        async for one in secondary(line):
            if one.identity not in known:
                found.append(one)
    finally:
        line.close()
    click.echo("\n\n".join(_table(one, unit) for unit, one in enumerate(found, 1))
               or "# nobody answers")


def _table(found: Found, unit: int) -> str:
    """A [[meter]] of the file, its records as remarks."""
    identity = found.identity
    if identity is None:
        place = f"secondary {found.asked}" if found.address is None else f"address {found.address}"
        return f"# {place}: {found.wrong}"
    medium = _KINDS.get(identity.kind or 0, "other")
    file = MeterFile("", unit, found.address, None, medium, 0, 0, 0, 0)
    usual = SECONDARY.fullmatch(str(identity))
    name = f"{identity.maker}-{identity.number}".lower() if usual else f"meter-{unit}"
    lines = ["[[meter]]", f'name = "{name}"', f"unit = {unit}"]
    if found.address is not None:
        lines.append(f"address = {found.address}")
    lines += [f'{"" if usual else "# "}secondary = "{identity}"', f'medium = "{medium}"',
              f"# status {found.telegrams[0].status:02X}, {len(found.telegrams)} telegram(s)"]
    points = totals(file, _records(found))
    for record in _records(found):
        taken = [f" -> {point}" for point in points if is_meant(file, point, record)]
        lines.append(f"# {record.name:<14} {_shown(record)}{''.join(taken)}")
    if found.doubtful:
        lines = ["# several at a time, or one that is not selected by its number:",
                 *(f"# {line}" for line in lines)]
    return "\n".join(lines)


def _records(found: Found) -> list[Record]:
    return [record for telegram in found.telegrams for record in telegram.records]


def _shown(record: Record) -> str:
    """A value in words; octets where they mean nothing here."""
    value = record.value()
    if not record.quantity:
        return record.data.hex(" ").upper()
    parts = [f"{float(value):.12g} {UNITS[record.quantity]}" if value is not None else "none"]
    parts += [f"{name} {value}" for name, value in (
        ("storage", record.storage), ("tariff", record.tariff), ("subunit", record.subunit))
        if value]
    return ", ".join(parts if record.function == "instantaneous" else [*parts, record.function])
