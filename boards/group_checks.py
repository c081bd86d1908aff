"""Whether the gateways that share an import limit agree, and their safe shares fit it together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from boards.shapes import Findings
from boards.site_fields import say, with_unit

if TYPE_CHECKING:
    from boards.site import Site

GATEWAYS_MAX = 8  # of one limit: what a message and a beat have room for
_TURNS_MAX = 64  # in which a loan may still be in use
_AGREED = (("limit_w", "W"), ("lease_ms", "ms"), ("settle_ms", "ms"))


def check_share(findings: Findings, warnings: Findings, site: "Site") -> None:
    """What one site file tells of its share by itself; the others' files are not needed."""
    keys = site.rules.get("share")
    if keys is None or None in keys.values():
        return
    gateway, others = site.sections["site"]["gateway"], _others(keys)
    if gateway in others:
        say(findings, "rules.share.gateways", f"found {gateway}, expected only the others")
    for name in dict.fromkeys(others):
        if others.count(name) > 1:
            say(findings, "rules.share.gateways", f"found {name} {others.count(name)} times")
    if len(others) >= GATEWAYS_MAX:
        say(findings, "rules.share.gateways", f"found {len(others)} others, expected at most "
            f"{GATEWAYS_MAX - 1}")
    period_ms, held_ms = keys["period_ms"], keys["lease_ms"] + keys["settle_ms"]
    if held_ms > _TURNS_MAX * period_ms:
        say(findings, "rules.share.period_ms", f"found {period_ms} ms, expected at least "
            f"{-(-held_ms // _TURNS_MAX)} ms: lease_ms and settle_ms last {_TURNS_MAX} periods "
            "at most")
    _check_times(findings, site, keys)
    if not site.sections["broker"]["host"]:
        say(warnings, "broker.host", "empty: nothing of the limit can be lent or borrowed, the "
            f"site keeps to rules.share.safe_w = {keys['safe_w']} W")


def _check_times(findings: Findings, site: "Site", keys: Mapping[str, Any]) -> None:
    battery, beat_s = site.sections["battery"], site.sections["site"]["beat_s"]
    ramp = site.rules.get("ramp", {}).get("ramp_w_per_s")
    powers = (battery["charge_max_w"], battery["discharge_max_w"])
    if beat_s is None:
        return
    least_ms = 2 * keys["period_ms"] + 1000 * beat_s
    if keys["lease_ms"] < least_ms:
        say(findings, "rules.share.lease_ms", f"found {keys['lease_ms']} ms, expected at least "
            f"{least_ms} ms: two periods and a beat")
    if ramp and None not in powers:
        swing_ms = 1000 * sum(powers) // ramp + 1000 * beat_s
        if keys["settle_ms"] < swing_ms:
            say(findings, "rules.share.settle_ms", f"found {keys['settle_ms']} ms, expected at "
                f"least {swing_ms} ms: a beat, and the battery from end to end at "
                f"rules.ramp.ramp_w_per_s = {ramp} W/s")


def check_group(sites: Sequence["Site"]) -> tuple[list[str], list[str]]:
    """Errors and warnings of several valid sites that are checked together, a line each."""
    errors, warnings = Findings("together"), Findings("together")
    sharing = [site for site in sites if "share" in site.rules]
    if not sharing:
        return [], []
    first = sharing[0]
    parks = {site.sections["site"]["park"] for site in sharing}
    if len(parks) > 1:
        say(errors, "site.park", f"found {' '.join(sorted(parks))}, expected one: gateways of one "
            "limit meet in their park's topic")
    for key, unit in _AGREED:
        values = {site.rules["share"][key] for site in sharing}
        if len(values) > 1:
            told = ", ".join(f"{with_unit(site.rules['share'][key], unit)} at {_name(site)}"
                             for site in sharing)
            say(errors, f"rules.share.{key}", f"found {told}, expected the same at all gateways")
    _check_names(errors, warnings, sharing)
    total_w = sum(site.rules["share"]["safe_w"] for site in sharing)
    limit_w = first.rules["share"]["limit_w"]
    if total_w > limit_w:
        told = " + ".join(str(site.rules["share"]["safe_w"]) for site in sharing)
        say(errors, "rules.share.safe_w", f"found {told} = {total_w} W, expected at most limit_w = "
            f"{limit_w} W together")
    return errors.lines, warnings.lines


def _check_names(errors: Findings, warnings: Findings, sharing: Sequence["Site"]) -> None:
    """Everybody lists everybody else, and has its file here."""
    names = [_name(site) for site in sharing]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            say(errors, "site.gateway", f"found {name} {names.count(name)} times, expected one "
                "file a gateway")
    groups = {tuple(sorted({*_others(site.rules["share"]), _name(site)})) for site in sharing}
    if len(groups) > 1:
        told = "; ".join(f"{_name(site)} lists {' '.join(_others(site.rules['share']))}"
                         for site in sharing)
        say(errors, "rules.share.gateways", f"found {told}; expected that each lists all the "
            "others")
    missing = sorted({name for group in groups for name in group} - set(names))
    if missing:
        say(warnings, "rules.share.safe_w", f"the files of {' '.join(missing)} are not among those "
            "checked: nobody knows whether the safe shares fit the limit together")


def _name(site: "Site") -> str:
    return str(site.sections["site"]["gateway"])


def _others(keys: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(keys["gateways"])
