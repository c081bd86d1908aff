"""What a server of OpenADR 3.1 takes: required members, types, enumerations and patterns of the
objects that clients create. From openadr3.yaml of the specification (Apache-2.0)."""

import re
from collections.abc import Callable
from typing import Any

Check = Callable[[str, Any], str]  # where, what was found -> what is wrong with it, "" nothing

ID = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_DURATION = re.compile(r"(-?)P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)([DW]))?"
                       r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")
OBJECTS = ("PROGRAM", "EVENT", "REPORT", "SUBSCRIPTION", "VEN", "RESOURCE")
OPERATIONS = ("CREATE", "READ", "UPDATE", "DELETE")
STATES = ("NORMAL", "ERROR", "IDLE_NORMAL", "RUNNING_NORMAL", "RUNNING_CURTAILED",
          "RUNNING_HEIGHTENED", "IDLE_CURTAILED", "SGD_ERROR_CONDITION", "IDLE_HEIGHTENED",
          "IDLE_OPTED_OUT", "RUNNING_OPTED_OUT")


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(where: str, found: Any) -> str:
        good = isinstance(found, str) and pattern.fullmatch(found)
        return "" if good else f"{where}: expected {what}"

    return check


def _text(least: int = 1, most: int = 128) -> Check:
    return lambda where, found: "" if isinstance(found, str) and least <= len(found) <= most else \
        f"{where}: expected a text of {least} to {most} characters"


def _one_of(*names: str) -> Check:
    return lambda where, found: "" if found in names else f"{where}: expected one of {names}"


def _whole(least: int = -(1 << 31)) -> Check:
    return lambda where, found: "" if type(found) is int and found >= least else \
        f"{where}: expected a whole number from {least}"


def _list(check: Check) -> Check:
    def checked(where: str, found: Any) -> str:
        if not isinstance(found, list):
            return f"{where}: expected a list"
        return next((wrong for at, one in enumerate(found)
                     if (wrong := check(f"{where}[{at}]", one))), "")

    return checked


def _object(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    """Members that are optional may be null; others that nobody knows are passed over."""
    def checked(where: str, found: Any) -> str:
        if not isinstance(found, dict):
            return f"{where}: expected an object"
        for name, check in required.items():
            if name not in found:
                return f"{where}.{name}: is required"
            if wrong := check(f"{where}.{name}", found[name]):
                return wrong
        for name, check in optional.items():
            if found.get(name) is not None and (wrong := check(f"{where}.{name}", found[name])):
                return wrong
        return ""

    return checked


def _values(where: str, found: Any) -> str:
    """A valuesMap; of the enumerated values those of OPERATING_STATE are judged."""
    wrong = _object({"type": _text(), "values": _list(_value)}, {})(where, found)
    if wrong or found["type"] != "OPERATING_STATE":
        return wrong
    good = len(found["values"]) == 1 and found["values"][0] in STATES
    return "" if good else f"{where}: expected an operating state"


def _value(where: str, found: Any) -> str:
    if isinstance(found, dict):
        return "" if {"x", "y"} <= set(found) else f"{where}: expected x and y"
    return "" if isinstance(found, (str, int, float, bool)) else f"{where}: expected a value"


_id = _matching(ID, "an id of letters, digits, _ and -")
_duration = _matching(_DURATION, "a duration as PT1H")
_period = _object({}, {"start": _matching(_TIME, "a time"), "duration": _duration,
                       "randomizeStart": _duration})
_interval = _object({"id": _whole(), "payloads": _list(_values)}, {"intervalPeriod": _period})
_descriptors = _list(_object({"payloadType": _text()}, {"units": _text(), "readingType": _text()}))
_targets = _list(_text())

REQUESTS: dict[str, Check] = {
    "programs": _object({"programName": _text()}, {
        "intervalPeriod": _period, "payloadDescriptors": _descriptors, "targets": _targets}),
    "events": _object({"programID": _id}, {
        "eventName": _text(0, 1024), "duration": _duration, "priority": _whole(0),
        "targets": _targets, "reportDescriptors": _descriptors, "payloadDescriptors": _descriptors,
        "intervalPeriod": _period, "intervals": _list(_interval)}),
    "reports": _object({"eventID": _id, "clientName": _text(), "resources": _list(_object(
        {"resourceName": _text(), "intervals": _list(_interval)}, {"intervalPeriod": _period}))},
        {"reportName": _text(0, 1024), "payloadDescriptors": _descriptors}),
    "vens": _object({"venName": _text()}, {"targets": _targets}),
    "subscriptions": _object({"clientName": _text(), "objectOperations": _list(_object(
        {"objects": _list(_one_of(*OBJECTS)), "operations": _list(_one_of(*OPERATIONS)),
         "callbackUrl": _text(1, 2048)}, {"bearerToken": _text(1, 4096)}))},
        {"programID": _id, "targets": _targets}),
}
