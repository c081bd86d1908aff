"""Whose broker it is: the [cloud] table of a site file, and what must hold for that cloud.

The profile itself (edge/clouds) is asked what it would tell the gateway, with a secret that has
the right form, so that a name it refuses is found here and not at the plant.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from boards.shapes import Findings
from boards.site_fields import read_table, say
from boards.site_tables import CloudFile, clouds

if TYPE_CHECKING:
    from boards.site import Site

_FORM = b"AAAA"  # stands for any secret: base64, and long enough
_STAMP_S = 2_000_000_000
_DEFAULTS = {"cloud": "plain", "json_s": 0, "clock": ""}


def read(findings: Findings, raw: object, name: str | None) -> dict[str, Any]:
    """The keys that the cloud named in [broker] asks for; none when it is not known."""
    if name is None:
        return {}
    fields = clouds()[name].fields
    if raw is not None and not fields:
        say(findings, "cloud", f"broker.cloud {name} has no such table")
        return {}
    if raw is None and any(field[4] is None for field in fields):
        findings.add("cloud", None, f"a table [cloud] with {_keys(fields)} for broker.cloud {name}")
        return {}
    return read_table(findings, "cloud", raw or {}, fields)


def _keys(fields: tuple[Any, ...]) -> str:
    return ", ".join(field[0] for field in fields if field[4] is None)


def image(site: "Site") -> dict[str, Any]:
    """What the gateway's [broker] says of it: nothing where it is a broker of one's own."""
    broker = site.sections["broker"]
    return {key: broker[key] for key, default in _DEFAULTS.items() if broker[key] != default}


def check(findings: Findings, warnings: Findings, site: "Site") -> None:
    """What of a site its cloud cannot do."""
    broker, keys = site.sections["broker"], site.sections["cloud"]
    if broker["cloud"] is None or None in (*broker.values(), *keys.values()):
        return  # told already
    cloud = clouds()[broker["cloud"]]
    needed = any(field[4] is None for field in cloud.fields) and not keys
    if cloud.name == "plain" or needed:
        if broker["json_s"]:
            say(findings, "broker.json_s", _no_json(cloud))
        return
    if not broker["host"]:
        say(findings, "broker.host", f"found nothing, expected the address of {cloud.name}")
        return
    for line in _wrong(site, cloud):
        say(findings, *line)
    if cloud.tls and broker.get("tls") == 0:
        say(warnings, "broker.tls", f"0, but {cloud.name} takes no connection outside TLS")
    if cloud.secret and not os.environ.get("PARKEDGE_BROKER_PASSWORD"):
        say(warnings, "broker.cloud", f"{cloud.name} needs the {cloud.secret}: it belongs where "
            "the broker's password does, PARKEDGE_BROKER_PASSWORD or /broker.password")


def _no_json(cloud: CloudFile) -> str:
    known = " ".join(name for name, other in clouds().items() if other.native)
    return f"broker.cloud {cloud.name} has no JSON of its own, expected 0 or one of {known}"


def _wrong(site: "Site", cloud: CloudFile) -> Iterator[tuple[str, str]]:
    broker, keys = site.sections["broker"], site.sections["cloud"]
    if broker["json_s"] and not cloud.native:
        yield "broker.json_s", _no_json(cloud)
    if not broker["json_s"] and not cloud.frames:
        yield "broker.json_s", f"found 0 s, expected 1 .. 3600 s: {cloud.name} takes nothing else"
    if broker["user"]:
        yield "broker.user", f"found \"{broker['user']}\", expected nothing: " \
            f"{cloud.name} knows who this is by [cloud]"
    uses = {"live.period_s": site.sections["live"]["period_s"],
            "announced.topic": site.sections["announced"]["topic"],
            "rules.share": "share" in site.rules}
    for key in uses:
        if uses[key] and not cloud.free:
            yield key, f"needs a topic of its own, which {cloud.name} does not have"
    secrets = {**broker, **keys, **site.sections["site"], "password": _FORM}
    try:
        told = import_module(f"edge.clouds.{cloud.name}").connect(secrets, _STAMP_S)
    except ValueError as error:
        name, _, rest = str(error).partition(": ")
        yield f"{'broker' if name in broker else 'cloud'}.{name}", rest
        return
    if "commands" in site.sections and broker["json_s"]:
        yield "commands", "their results are frames, which are not sent beside broker.json_s"
    yield from _limited(told)


def _limited(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    most = told["limits"]
    for topic in (told["up"], *told["down"]):
        if len(topic) > most["topic"] or topic.count(b"/") >= most["levels"]:
            yield "cloud", f"topic {topic.decode()} of {len(topic)} bytes and " \
                f"{topic.count(b'/') + 1} levels, expected at most {most['topic']} and " \
                f"{most['levels']}"

