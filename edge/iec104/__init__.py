"""IEC 60870-5-104 controlled station: the park's state to a dispatch centre, and a setpoint from
it. Loaded where a site has a table [iec104]; one rule with its lease (edge/rules/dispatch_centre)
brings the setpoint into the beat, everything here is beside it.

No TLS (IEC 62351-3): who is let in says the list of peers, what they may the site's own limits, and
between the two stands the encryption box that the dispatch network has.
"""

from edge.iec104.door import Door
from edge.iec104.outstation import Outstation


def part(app, image: dict):
    """The part of a gateway (edge/app.py) that the image's [iec104] asks for."""
    return Door(Outstation(app.site, image, app.outbox), image["iec104"])
