"""Whether commands from the cloud can reach a site, and who may move its keys."""

import re
from typing import TYPE_CHECKING

from boards.shapes import Findings
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site

_PUBLIC = re.compile("([0-9a-f]{64})?")


def check_commands(findings: Findings, warnings: Findings, site: "Site") -> None:
    """Judge the table [commands], where there is one."""
    keys = site.sections.get("commands")
    if keys is None:
        return
    root = keys["root"]
    if root is not None and not _PUBLIC.fullmatch(root):
        findings.add("commands.root", root, 'an Ed25519 public key as "keys show" prints it, 64 '
                     "digits, or nothing")
    if site.sections["broker"].get("host") == "":
        say(warnings, "commands", "broker.host is empty: no command can come")


def check_response(findings: Findings, site: "Site") -> None:
    """Judge the table [response], where there is one."""
    if "response" not in site.sections:
        return
    if "commands" not in site.sections:
        say(findings, "response", "found without [commands], expected both: an event comes as a "
            "command")
    if site.batteries:
        say(findings, "response", "found beside several batteries, expected a single one")
