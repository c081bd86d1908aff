"""What must hold between the parts of a site, beyond each value being inside its own range.

A value that is wrong by itself is None here, and whatever would be judged by it is left out.
"""

import datetime
import ipaddress
import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from boards import broker, clouds, iec104, tariff_words, zone
from boards.command_checks import check_commands, check_response
from boards.device_checks import check_devices
from boards.group_checks import check_share
from boards.image import first_day
from boards.oneway import check_oneway
from boards.shapes import Findings
from boards.site_chargers import check_chargers
from boards.site_fields import say, with_unit
from boards.site_loads import check_island
from boards.site_tables import TABLES, rules

if TYPE_CHECKING:
    from boards.site import Site

# How pairs of keys must stand to each other; the first of a pair is the one to mend.
_RELATIONS = (
    ("at most", operator.le, (
        ("battery.charge_max_w", "gate.charge_max_w"),
        ("battery.discharge_max_w", "gate.discharge_max_w"),
        ("rules.reserve.ceiling_pm", "gate.soc_ceiling_pm"),
        ("rules.contract.import_max_w", "gate.import_max_w"),
        ("rules.export.export_max_w", "gate.export_max_w"),
        ("rules.demand.target_w", "rules.contract.import_max_w"),
        ("rules.demand.target_w", "gate.import_max_w"),
        ("rules.fresh.fallback_w", "battery.discharge_max_w"),
        ("rules.share.safe_w", "rules.share.limit_w"),
        ("rules.share.keep_w", "rules.share.safe_w"),
        ("rules.bands.response_floor_pm", "rules.bands.demand_floor_pm"),
        ("rules.bands.demand_floor_pm", "rules.bands.trade_floor_pm"),
        ("battery.charge_max_w", "island_gate.charge_max_w"),
        ("battery.discharge_max_w", "island_gate.discharge_max_w"),
        ("rules.generator.ceiling_pm", "island_gate.soc_ceiling_pm"),
        ("rules.generator.best_w", "rules.generator.max_w"),
        ("rules.generator.max_w", "island_gate.generator_max_w"),
        ("rules.shed.import_max_w", "gate.import_max_w"),
        ("rules.rejoin.import_max_w", "gate.import_max_w"),
    )),
    ("at least", operator.ge, (
        ("rules.reserve.floor_pm", "gate.soc_floor_pm"),
        ("rules.bands.response_floor_pm", "rules.reserve.floor_pm"),
        ("rules.generator.floor_pm", "island_gate.soc_floor_pm"),
        ("rules.generator.best_w", "rules.generator.min_w"),
        ("rules.generator.min_w", "island_gate.generator_min_w"),
    )),
    ("less than", operator.lt, (
        ("rules.reserve.floor_pm", "rules.reserve.ceiling_pm"),
        ("gate.soc_floor_pm", "gate.soc_ceiling_pm"),
        ("rules.bands.trade_floor_pm", "rules.reserve.ceiling_pm"),
        ("island_gate.soc_floor_pm", "island_gate.soc_ceiling_pm"),
        ("rules.generator.start_pm", "rules.generator.stop_pm"),
        ("rules.generator.floor_pm", "rules.generator.start_pm"),
        ("rules.generator.min_w", "rules.generator.max_w"),
        ("rules.island.pv_on_pm", "rules.island.pv_off_pm"),
    )),
)

_LONGEST_H = 200  # that a battery may need from empty to full


def value(site: "Site", key: str) -> int | None:
    """The value of a key as battery.capacity_wh or rules.reserve.floor_pm; None: not there."""
    section, _, name = key.rpartition(".")
    if section.startswith("rules."):
        keys = site.rules.get(section.removeprefix("rules."), {})
    else:
        keys = site.sections.get(section, {})
    found = keys.get(name)
    return found if isinstance(found, int) else None


def _unit(key: str) -> str:
    section, _, name = key.rpartition(".")
    rule = section.removeprefix("rules.")
    fields = rules()[rule].fields if section.startswith("rules.") \
        else TABLES[section.partition(".")[0]]
    return next(field[1] for field in fields if field[0] == name)


def _each(site: "Site", pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The pairs, and again for each of several batteries with its own numbers."""
    for pair in pairs:
        yield pair
        for name in site.batteries:
            key, other = (key.replace("battery.", f"battery.{name}.")
                          .replace("gate.", f"gate.{name}.") for key in pair)
            if (key, other) != pair:
                yield key, other


def _batteries(site: "Site") -> list[str]:
    return [f"battery.{name}" for name in site.batteries] or ["battery"]


def cross_check(findings: Findings, warnings: Findings, site: "Site",
                today: datetime.date) -> None:
    """Add a line for every contradiction; what is only odd becomes a warning."""
    for words, holds, pairs in _RELATIONS:
        for key, other in _each(site, pairs):
            mine, theirs = value(site, key), value(site, other)
            if mine is not None and theirs is not None and not holds(mine, theirs):
                unit = _unit(key)
                say(findings, key, f"found {with_unit(mine, unit)}, "
                                   f"expected {words} {other} = {with_unit(theirs, unit)}")
    _check_fallback(findings, site)
    _check_beat(findings, site)
    _check_hours(findings, site)
    _check_phase(findings, site)
    check_commands(findings, warnings, site)
    check_response(findings, site)
    check_share(findings, warnings, site)
    check_devices(findings, warnings, site)
    check_island(findings, site)
    check_chargers(findings, site)
    clouds.check(findings, warnings, site)
    check_oneway(findings, site)
    iec104.check(findings, warnings, site)
    _warn_limits(warnings, site)
    _warn_shown(warnings, site)
    _warn_storage(warnings, site)
    _warn_tariff(warnings, site, today)
    _warn_names(warnings, site)
    broker.check(findings, warnings, site, today)


def _check_fallback(findings: Findings, site: "Site") -> None:
    fallback_w = value(site, "rules.fresh.fallback_w")
    charge_w = value(site, "battery.charge_max_w")
    if fallback_w is not None and charge_w is not None and fallback_w < -charge_w:
        say(findings, "rules.fresh.fallback_w", f"found {fallback_w} W, "
            f"expected at least -battery.charge_max_w = {-charge_w} W")


def _check_beat(findings: Findings, site: "Site") -> None:
    beat_s = value(site, "site.beat_s")
    if beat_s is None:
        return
    if 60 % beat_s:
        fitting = " ".join(str(s) for s in range(1, 61) if 60 % s == 0)
        say(findings, "site.beat_s", f"found {beat_s} s, expected a divisor of 60: {fitting}")
    for battery in _batteries(site):
        lease_ms = value(site, f"{battery}.lease_ms")
        if lease_ms is not None and lease_ms < 2000 * beat_s:
            say(findings, f"{battery}.lease_ms",
                f"found {lease_ms} ms, expected at least {2000 * beat_s} ms: two beats")


def _check_hours(findings: Findings, site: "Site") -> None:
    """Wh that are kWh, or kW that are W, stand a thousandfold apart from what they belong to."""
    for key in [f"{battery}.{name}" for battery in _batteries(site)
                for name in ("charge_max_w", "discharge_max_w")]:
        power_w, capacity = value(site, key), key.rpartition(".")[0] + ".capacity_wh"
        capacity_wh = value(site, capacity)
        if capacity_wh is None or not power_w:
            continue
        least_wh, most_wh = power_w // 60, power_w * _LONGEST_H
        if capacity_wh < least_wh:
            say(findings, capacity, f"found {capacity_wh} Wh, expected at least "
                f"{least_wh} Wh: {key} = {power_w} W moves it within a minute")
        if capacity_wh > most_wh:
            say(findings, capacity, f"found {capacity_wh} Wh, expected at most "
                f"{most_wh} Wh: {key} = {power_w} W needs more than {_LONGEST_H} h for it")


def _check_phase(findings: Findings, site: "Site") -> None:
    import_w, fuse_a = value(site, "rules.phase.import_max_w"), value(site, "rules.phase.fuse_a")
    if import_w == 0 and fuse_a == 0:
        say(findings, "rules.phase", "found no limit, expected import_max_w of a phase or fuse_a")


def _warn_limits(warnings: Findings, site: "Site") -> None:
    for name, gate in (("grid_ms", "age_max_ms"), ("store_ms", "age_max_ms"),
                       ("soc_ms", "soc_age_max_ms")):
        mine, theirs = value(site, f"ages.{name}"), value(site, f"gate.{gate}")
        if mine is not None and theirs is not None and mine > theirs:
            say(warnings, f"ages.{name}", f"{mine} ms is above gate.{gate} = {theirs} ms: "
                "the gate will stop the battery while the rules still trust the reading")
    ramp, step_w = value(site, "rules.ramp.ramp_w_per_s"), value(site, "gate.step_max_w")
    beat_s = value(site, "site.beat_s")
    if ramp is not None and step_w is not None and beat_s is not None and ramp * beat_s > step_w:
        say(warnings, "rules.ramp.ramp_w_per_s", f"{ramp * beat_s} W a beat is above "
            f"gate.step_max_w = {step_w} W: the gate will cut it")


def _warn_shown(warnings: Findings, site: "Site") -> None:
    """What shows people what is so now; a page has no password, so whoever reaches it reads it."""
    period_s, broker = value(site, "live.period_s"), site.sections["broker"].get("host")
    if period_s and broker == "":
        say(warnings, "live.period_s", f"{period_s} s, but broker.host is empty: nobody is told")
    address = site.sections["page"].get("address")
    if value(site, "page.port") and address and not ipaddress.ip_address(address).is_loopback:
        say(warnings, "page.address", f"whoever reaches {address} may read the page, without a "
            "password and unencrypted: only for a network of the plant's own")


def _warn_storage(warnings: Findings, site: "Site") -> None:
    if value(site, "broker.trust_puback"):
        say(warnings, "broker.trust_puback", "the broker's word frees what the gateway keeps: what "
            "it loses behind that is lost, and nobody notices; leave it 0 where there is a bridge")
    flush_s, linger_s = value(site, "telemetry.flush_s"), value(site, "telemetry.linger_s")
    if flush_s is not None and linger_s is not None and flush_s < 15 and linger_s > flush_s:
        say(warnings, "telemetry.flush_s", f"a part every {flush_s} s: each costs 12 bytes, and "
            "flash programs no less than its page")


def _warn_tariff(warnings: Findings, site: "Site", today: datetime.date) -> None:
    tariff = site.tariff
    if tariff is None:
        return
    paid_w, target_w = tariff.demand.paid_w, value(site, "rules.demand.target_w")
    efficiency_pm = value(site, "battery.efficiency_pm") or 1000
    saves_e4 = min(tariff.prices_e4) * efficiency_pm // 1000
    earns_e4 = max(price for day in tariff.days.values() for price in day.exports_e4)
    remarks = {
        f"pays up to {earns_e4 / 1e4:g} a kWh exported, and one stored may save no more than "
        f"{saves_e4 / 1e4:g}: a surplus is stored all the same": earns_e4 > max(saves_e4, 0),
        f"bills {paid_w} W of demand anyway: rules.demand.target_w = {target_w} W shaves for "
        "nothing": target_w and target_w < paid_w,
        "has a demand price, but no rule holds the demand: add [rules.demand]":
            tariff.demand_e4 and "demand" not in site.rules,
        "is illustrative: enter the prices of the contract": tariff.illustrative,
        **dict.fromkeys(tariff_words.gaps(tariff, today), True),
    }
    for remark, applies in remarks.items():
        if applies:
            say(warnings, "tariff.file", f"{tariff.file} {remark}")
    known = first_day(site).year + zone.YEARS
    if today.year >= known - 1:
        say(warnings, "site.timezone", f"changes of local time are listed until {known}: "
            "give the tariff a newer valid_from")


def _warn_names(warnings: Findings, site: "Site") -> None:
    """A name is looked up by a call that waits, and with it the control."""
    for bus in site.buses:
        host = bus.image.get("host")
        if host and not broker.is_address(host):
            say(warnings, f"bus {bus.name} host", f"{host} is a name; an address needs no look-up "
                "that control would wait for")
