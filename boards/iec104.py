"""The table [iec104]: whether it holds together, and what of it a gateway gets."""

import ipaddress
from typing import TYPE_CHECKING, Any

from boards import iec104_points
from boards.shapes import Findings
from boards.site_fields import say

if TYPE_CHECKING:
    from boards.site import Site

SETPOINTS = {"C_SE_NC_1": 50, "C_SE_NB_1": 49}


def check(findings: Findings, warnings: Findings, site: "Site") -> None:
    """Judge the table [iec104], where there is one."""
    keys = site.sections.get("iec104")
    if keys is None:
        return
    for place, trouble in iec104_points.wrong(keys["points"] or ()).items():
        say(findings, f"iec104.{place}", trouble)
    _check_peers(findings, warnings, keys)
    _check_times(findings, keys)
    taken = {point[0] for point in keys["points"] or ()}
    for name in ("setpoint_ioa", "control_ioa"):
        if keys[name] and keys[name] in taken:
            say(findings, f"iec104.{name}", f"found {keys[name]}, expected another one: it is that "
                "of a point or of the other order")
        taken.add(keys[name])
    if keys["setpoint_per"] == 0:
        say(findings, "iec104.setpoint_per", "found 0 W, expected the W of one unit of the "
            "setpoint: 1000 for kW, below 0 to turn the sign")
    if keys["control_ioa"] and keys["setpoint_ioa"] == 0:
        say(findings, "iec104.control_ioa", f"found {keys['control_ioa']}, expected setpoint_ioa "
            "as well: there is nothing to control")
    if keys["points"] == () and keys["setpoint_ioa"] == 0:
        say(warnings, "iec104", "has neither points nor a setpoint: nothing is told or taken")


def _check_peers(findings: Findings, warnings: Findings, keys: "Any") -> None:
    address, peers = keys["address"], keys["peers"]
    if address is None or peers is None or ipaddress.ip_address(address).is_loopback:
        return
    if not peers:
        say(findings, "iec104.peers", f"found none, expected the addresses of the controlling "
            f"stations: iec104.address = {address} is open to others")
    else:
        say(warnings, "iec104.address", f"whoever has an address of iec104.peers commands through "
            f"{address} without a password and unencrypted: only behind the dispatch network's own "
            "encryption")


def _check_times(findings: Findings, keys: "Any") -> None:
    """IEC 60870-5-104, 5.2 and 5.5: t2 < t1, and w at most two thirds of k."""
    k, w, t1_s, t2_s, t3_s = (keys[name] for name in ("k", "w", "t1_s", "t2_s", "t3_s"))
    if None not in (k, w) and 3 * w > 2 * k + 2:
        say(findings, "iec104.w", f"found {w}, expected at most two thirds of k = {k}")
    if None not in (t1_s, t2_s) and t2_s >= t1_s:
        say(findings, "iec104.t2_s", f"found {t2_s} s, expected less than t1_s = {t1_s} s")
    if None not in (t1_s, t3_s) and t3_s <= t1_s:
        say(findings, "iec104.t3_s", f"found {t3_s} s, expected more than t1_s = {t1_s} s")


def image(site: "Site") -> dict[str, Any]:
    """The table as edge/iec104 takes it; no setpoint goes beyond the battery's own power."""
    keys, battery = dict(site.sections["iec104"]), site.sections["battery"]
    keys["points"] = iec104_points.image(keys["points"])
    keys["peers"] = list(keys["peers"])
    keys["setpoint_type"] = SETPOINTS[keys["setpoint_type"]]
    keys["min_w"] = -min(keys.pop("charge_max_w"), battery["charge_max_w"])
    keys["max_w"] = min(keys.pop("discharge_max_w"), battery["discharge_max_w"])
    del keys["over_demand"]  # the rule's place says it
    return keys
