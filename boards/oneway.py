"""A site behind a one-way isolation device asks for nothing that an answer would have to bring."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards.shapes import Findings
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site

# What lives by a broker: (table, key, what it is without one).
_ANSWERED = (("broker", "host", '""'), ("announced", "topic", "0"), ("live", "period_s", "0"))


def check_oneway(findings: Findings, site: "Site") -> None:
    """Say which keys ask for a way back, where the site file has a table [oneway]."""
    if "oneway" not in site.sections:
        return
    reason = "beside [oneway]: nothing ever comes back through a one-way isolation device"
    for table, key, without in _ANSWERED:
        found = site.sections[table].get(key)
        if found:
            shown = f'"{found}"' if isinstance(found, str) else found
            say(findings, f"{table}.{key}", f"found {shown}, expected {without} {reason}")
    if "commands" in site.sections:
        say(findings, "commands", f"found a table, expected none {reason}")


def key_line(compiled: Mapping[str, Any], folder: Path | None) -> str:
    """Where the key is that the other side must be given, for nobody can ask for it."""
    if folder is None:
        return "warning: oneway: its key is made anew at each start, so nobody believes it: " \
               "give --journal"
    return "uplink key {folder}/uplink.key: the listener needs it as DIR/{park}/{gateway}/" \
           "uplink.key".format(folder=folder, **compiled["site"])
