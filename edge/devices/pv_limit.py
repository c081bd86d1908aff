"""The driver of a SunSpec PV inverter that is limited by [rules.curtail].

It is commanded by that rule's role, and by no battery's.
"""

from edge.compat import TYPE_CHECKING
from edge.devices import sunspec

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]") -> "Any":
    """What speaks with the device (edge/app.py)."""
    roof = [role for role in roles if hasattr(role, "limits_pv")]
    return sunspec.driver(image, roof + [role for role in roles if not hasattr(role, "setpoint_w")])
