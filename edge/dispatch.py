"""One site command becomes a battery's setpoint."""


class Dispatch:
    """Hands the site's command to its battery, inside what the battery says it can do now."""

    def __init__(self, storage):
        self.storage = storage

    def command(self, site_w: int, now_ms: int) -> int:
        """Leave the setpoint for site_w (discharge positive); returns what was left, W."""
        storage, now = self.storage, self.storage.now
        if site_w > now.discharge_max_w:
            site_w = now.discharge_max_w
        elif site_w < -now.charge_max_w:
            site_w = -now.charge_max_w
        storage.setpoint_w = site_w
        storage.setpoint_ms = now_ms
        return site_w
