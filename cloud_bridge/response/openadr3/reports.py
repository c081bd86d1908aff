"""What a gateway says of an event, as a report of OpenADR 3: its operating state. There is no word
for opting in or out but this one."""

from typing import Any

from cloud_bridge.response.announced import Said
from cloud_bridge.response.openadr3.memory import Seen

_CALLED = ("active", "hold")
_OTHERS = {"opted out": "RUNNING_OPTED_OUT", "failed": "ERROR"}


def state(phase: str, fills: bool) -> str:
    """The operating state that stands for a phase (Definition 3.1.0, table 4)."""
    if phase in _CALLED:
        return "RUNNING_HEIGHTENED" if fills else "RUNNING_CURTAILED"
    return _OTHERS.get(phase, "NORMAL")


def report(event: str, client: str, resource: str, seen: Seen, said: Said) -> dict[str, Any]:
    """A reportRequest: the state since the moment at which the gateway changed. Its name is for
    people: the phase, and the reason where there is one."""
    return {
        "eventID": event, "clientName": client,
        "reportName": said.phase + (f": {said.reason}" if said.reason else ""),
        "payloadDescriptors": [{"payloadType": "OPERATING_STATE", "readingType": "DIRECT_READ"}],
        "resources": [{
            "resourceName": resource,
            "intervalPeriod": {"start": said.utc, "duration": "PT0S"},
            "intervals": [{"id": 0, "payloads": [
                {"type": "OPERATING_STATE", "values": [state(said.phase, seen.fills)]}]}]}]}
