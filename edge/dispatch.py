"""One site command becomes a battery's setpoint."""


class Dispatch:
    """Hands the site's command to its battery, inside what the battery says it can do now.

    `command(site_w, now_ms)` leaves the setpoint for site_w (discharge positive) and returns what
    was left, W.
    """

    def __init__(self, storage):
        self.command = _command(storage, storage.now)


def _command(storage, now):
    def command(site_w: int, now_ms: int, storage=storage, now=now) -> int:
        if site_w > 0:
            if site_w > now.discharge_max_w:
                site_w = now.discharge_max_w
        elif site_w < -now.charge_max_w:
            site_w = -now.charge_max_w
        storage.setpoint_w = site_w
        storage.setpoint_ms = now_ms
        return site_w

    return command
