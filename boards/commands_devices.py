"""`parkedge devices`: every device profile there is, or all that one of them says."""

import json
from pathlib import Path
from typing import Any

import click

from boards.commands import _JSON, _fail

_COLUMNS = ("{id:<20} {class:<9} {link:<14} {values:>6} {requests:>8} {poll:>8} {unverified:>12}"
            "  {does}")
_GAP_MS = 25  # between two requests, as a bus has it unless its site says otherwise


@click.command("devices")
@click.argument("profile", required=False)
@_JSON
def devices_(profile: str | None, as_json: bool) -> None:
    """Every device profile: its class, what a poll of it costs at its usual speed, what nobody has
    verified, which signals it has. With PROFILE, one by its name or a file of your own: every
    register behind a signal, where it comes from, and what to check at the device.

    \b
    Example:
      parkedge devices acrel_adw300
    """
    from boards import profiles

    try:
        known = [_load(profile)] if profile else [profiles.load(name) for name in profiles.ids()]
    except profiles.ProfileError as error:
        _fail(*error.lines)
    except (OSError, UnicodeError) as error:
        _fail(f"{profile}: found {error}, expected a readable file")
    told = [facts(one) for one in known]
    if as_json:
        click.echo(json.dumps(told[0] if profile else told, indent=1, ensure_ascii=False))
    elif profile:
        click.echo(_one(told[0]))
    else:
        heads = {"id": "profile", "link": "usual link", "poll": "ms/poll", "does": "signals",
                 "unverified": "not verified"}
        rows = [{name: name for name in told[0]} | heads, *map(_row, told)]
        click.echo("\n".join(_COLUMNS.format(**row) for row in rows))


def facts(profile: Any) -> dict[str, Any]:
    """What a profile says, and what a poll of it is modelled to take, ms: its values and requests
    as a site reads them, slow ones spread over theirs; null where only the device tells them."""
    from boards import polling, profiles

    if profile.rtu:
        kind = "rtu" if "rtu" in profile.links else profile.links[0]
        bus = {"link": kind, "baud": profile.rtu.baud, "gap_ms": _GAP_MS}
        link = f"{kind} {profile.rtu.baud} {profile.rtu.parity}"
    else:
        bus, link = {"link": "tcp", "gap_ms": _GAP_MS}, "tcp" if profile.tcp else profile.proto
    image = profiles.compile_device(profile, profile.id, 0, 1)
    pace = polling.model(bus, [image]) if image.get("blocks") else None
    return {
        "id": profile.id, "vendor": profile.vendor, "model": profile.model, "class": profile.kind,
        "proto": profile.proto, "link": link,
        "values": pace and pace.values, "requests": pace and pace.requests,
        "poll_ms": pace and round(pace.mean_ms),
        "takes": profile.control.shape if profile.control else "",
        "signals": {signal: _source(profile, text) for signal, text in profile.signals.items()},
        "source": list(profile.source), "quirks": list(profile.quirks),
        "unverified": list(profile.unverified),
    }


def _load(name: str) -> Any:
    """A profile by its name, or from a file that ends in .toml."""
    from boards import profiles

    if not name.endswith(".toml"):
        return profiles.load(name)
    path = Path(name)
    return profiles.parse(path.read_text(encoding="utf-8"), path.name)


def _source(profile: Any, text: str) -> str:
    """A signal's point, and where that is read where the profile knows it."""
    point = profile.points.get(text.removeprefix("-"))
    if point is None:
        return text
    scale = point.power or f"{float(point.scale):g}"
    place = f"{text}: function {point.fc}, register {point.addr}"
    return f"{place}, {point.kind} x {scale} {point.unit}"


def _row(told: dict[str, Any]) -> dict[str, Any]:
    does = ", ".join(told["signals"]) + (f"; takes {told['takes']}" if told["takes"] else "")
    shown = {name: "-" if told[name] is None else told[name] for name in ("values", "requests")}
    return told | shown | {"does": does, "unverified": len(told["unverified"]),
                           "poll": "-" if told["poll_ms"] is None else told["poll_ms"]}


def _one(told: dict[str, Any]) -> str:
    lines = [f"{told['id']}: {told['vendor']} {told['model']}, {told['class']}, {told['link']}"]
    if told["requests"]:
        lines.append(f"a poll: {told['values']} values in {told['requests']} requests, about "
                     f"{told['poll_ms']} ms (modelled)")
    if told["takes"]:
        lines.append(f"takes a setpoint: {told['takes']}")
    lines += ["", "signals"]
    lines += [f"  {name:<16} {source}" for name, source in told["signals"].items()]
    for key, title in (("quirks", "good to know"), ("source", "read from"),
                       ("unverified", "not verified: check these at the device")):
        if told[key]:
            lines += ["", title, *(f"  {line}" for line in told[key])]
    return "\n".join(lines)
