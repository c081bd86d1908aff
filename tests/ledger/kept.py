"""A made-up park whose ledger is kept: runs on both interpreters.

Arguments: quarter-hours, power cuts (0: none, n: one after every n-th slice). Prints every message
that went to the outbox.
"""

import sys
from binascii import hexlify

from edge.blocks import RamBlocks
from edge.compat import heap_lock, heap_unlock
from edge.evidence.keeper import Keeper
from edge.ledger.gather import join

DAY, SECOND = 9680, 28_800  # of July 2026
SEED = bytes(range(32))
ORIGIN = "demo/mill"
LIMITS = [1 << 40, 4_000_000]
FACTORS = [[832_500, 832_500, 832_500, 0, 0], [530_600, 827_300, 827_300, 0, 41_700]]
TENANTS = ["press", "weaving"]


def keys_of(tenants, terms=b"{}", terms_id="0011223344556677", head_quarters=4):
    return {"factors": FACTORS, "meters": [LIMITS, [], LIMITS, LIMITS, LIMITS, LIMITS, LIMITS],
            "tenants": [[name, LIMITS] for name in tenants], "lines": ["direct"],
            "slack_wh": 401, "batteries": 1, "head_quarters": head_quarters,
            "terms": terms.decode(), "terms_id": terms_id}


class Thing:
    """Anything with attributes."""

    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


def new_site(keys):
    """As much of a site as a ledger sees."""
    site = Thing(
        flows=Thing(import_ws=0, export_ws=0, charge_ws=0, discharge_ws=0, pv_ws=0, seconds=0),
        grid_meter=Thing(import_wh=-1, export_wh=-1), pv=Thing(pv_wh=-1),
        fleet=[Thing(charge_wh=-1, discharge_wh=-1)], battery={"capacity_wh": 400_000},
        now=Thing(soc_age_ms=0, soc_pm=500, day=DAY, second=SECOND), clock_set=True,
        close_minute=lambda d, s, m: None)
    join(site, {"ledger": keys})
    return site


class Outbox:
    """Keeps what it is given."""

    def __init__(self):
        self.messages = []

    def append(self, kind, data, n):
        self.messages.append((kind, bytes(data[:n])))


class Park:
    """Powers that change every minute, and the registers that count them."""

    def __init__(self, keys):
        self.keys = keys
        self.outbox = Outbox()
        self.devices = [RamBlocks(4096, 4), RamBlocks(4096, 4)]
        self.seed = 1
        self.minutes = DAY * 1440 + SECOND // 60
        self.ws = [10**9 * 3600] * 7
        self.sub_ws = [10**6 * 3600] * len(keys["tenants"])
        self.store_ws = 200_000 * 3600
        self.start()

    def start(self):
        """Switch the gateway on: nothing is left of it but its devices."""
        self.site = new_site(self.keys)
        self.keeper = Keeper(self.site, self.keys, self.outbox, ORIGIN, SEED, *self.devices)

    def again(self, images=None, messages=None):
        """The same park, its gateway just switched on with these devices and this outbox."""
        other = Park(self.keys)
        for name in ("minutes", "seed", "store_ws"):
            setattr(other, name, getattr(self, name))
        other.ws[:], other.sub_ws[:] = self.ws, self.sub_ws
        for i in range(2):
            other.devices[i].memory[:] = images[i] if images else self.devices[i].memory
        other.outbox.messages[:] = self.outbox.messages if messages is None else messages
        other.start()
        return other

    def below(self, n):
        self.seed = (self.seed * 1109 + 12345) % 65536
        return self.seed * n >> 16

    def minute(self):
        """Live through one, and end it on the beat."""
        load_w = 200_000 + self.below(5000) * 40
        pv_w = self.below(5000) * 20
        battery_w = (self.below(5000) - 2500) * 40
        if not 20_000 * 3600 <= self.store_ws - battery_w * 60 <= 390_000 * 3600:
            battery_w = 0
        grid_w = load_w - pv_w - battery_w
        w = (max(grid_w, 0), 0, max(battery_w, 0), 0, pv_w, max(-battery_w, 0), max(-grid_w, 0))
        for i in range(7):
            self.ws[i] += 60 * w[i]
        self.store_ws -= battery_w * 60 + (abs(battery_w) * 3)
        site, flows = self.site, self.site.flows
        flows.import_ws, flows.discharge_ws, flows.pv_ws = 60 * w[0], 60 * w[2], 60 * w[4]
        flows.charge_ws, flows.export_ws, flows.seconds = 60 * w[5], 60 * w[6], 60
        site.now.soc_pm = self.store_ws // (400_000 * 3600 // 1000)
        for i, name in enumerate(self.keys["tenants"]):
            name = name[0]
            self.sub_ws[i] += load_w * (i + 1) // 4 * 60
            site.ledger.lines[name].take("grid_w", load_w * (i + 1) // 4, 0)
        self.minutes += 1

    def quarter(self):
        """Live through one."""
        for minute in range(15):
            self.minute()
            if minute == 14:
                self.read()
            now = self.site.now
            now.day, now.second = day, second = self.minutes // 1440, self.minutes % 1440 * 60
            heap_lock()
            self.site.close_minute(day, second, 1)
            heap_unlock()

    def read(self):
        """Every register is read."""
        site, wh = self.site, [ws // 3600 for ws in self.ws]
        site.grid_meter.import_wh, site.grid_meter.export_wh = wh[0], wh[6]
        site.pv.pv_wh = wh[4]
        site.fleet[0].charge_wh, site.fleet[0].discharge_wh = wh[5], wh[2]
        site.ledger.lines["direct"].take("import_wh", wh[3], 0)
        for i, name in enumerate(self.keys["tenants"]):
            site.ledger.lines[name[0]].take("import_wh", self.sub_ws[i] // 3600, 0)

    def work(self, most=1 << 30):
        """Slices until nothing is left to do, or as many; how many there were."""
        done = 0
        while done < most and self.keeper.step(0) < 1000:
            done += 1
        return done


def main(quarters, every):
    """Print all that left."""
    park = Park(keys_of(TENANTS))
    slices = 0
    for _ in range(quarters):
        park.quarter()
        while True:
            done = park.work(every - slices % every) if every else park.work()
            slices += done
            if not every or slices % every or done == 0:
                break
            park.start()
    for kind, data in park.outbox.messages:
        print(kind, hexlify(data).decode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
