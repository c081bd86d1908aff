"""A gateway with [response] round a simulated plant, second by second."""

from edge.blocks import RamBlocks
from edge.keep import Keep
from edge.response.engine import RESPONSE, Engine
from edge.response.event import RECORD_BYTES
from hil.plants import Battery, Plant
from tests.core.loop import Loop
from tests.core.park import DAY, image
from tests.response.events import record

KEYS = {"events": 2, "prep_s": 3600, "lead_s": 60, "hold_s": 60, "recover_s": 3600, "import_w": 0,
        "clock_s": 2, "over_demand": 0}
T0 = DAY * 1440 + 10 * 60  # two hours after the loop begins
CAPACITY_WH, POWER_W = 400_000, 200_000


class Outbox:
    def __init__(self):
        self.frames = []

    def append(self, kind, buf, n):
        self.frames.append((kind, bytes(buf[:n])))
        return len(self.frames)


class Bench(Loop):
    """`soc_pm`: how full it begins. Frames that went out are in `outbox.frames`."""

    def __init__(self, soc_pm=800, without=("self_use", "export"), keys=None, rules=None, tau_s=1):
        made = image(without=without, rules=rules or {})
        super().__init__(made=made, discharge_max_w=POWER_W, tau_s=tau_s)
        self.battery = Battery(CAPACITY_WH, POWER_W, POWER_W, soc_pm=soc_pm, tau_s=tau_s)
        self.plant = Plant(self.battery)
        self.park.site.clock_set = True
        self.outbox = Outbox()
        self.flash = RamBlocks(sectors=2)
        self.image = {**made, "response": {**KEYS, **(keys or {})}}
        self.start()

    def start(self):
        """As after a power cut: the engine knows what it has kept."""
        self.engine = Engine(self.park.site, self.image, self.outbox)
        most = self.image["response"]["events"] * (3 + RECORD_BYTES)
        self.engine.recall(Keep(self.flash, most))

    def offer(self, **event):
        return self.engine.offer(record(**event))

    def step(self, load_w):
        grid_w = super().step(load_w)
        self.engine.step(self.second * 1000)
        return grid_w

    def until(self, minute, load_w):
        """The grid power of each second up to a minute; `load_w` W, or of the second of the day."""
        end = (minute - DAY * 1440) * 60
        seen = []
        while self.second < end:
            seen.append(self.step(load_w(self.second) if callable(load_w) else load_w))
        return seen

    @property
    def soc_pm(self):
        return self.battery.soc_now_pm

    def told(self):
        """(id, rev, phase, reason) of each frame."""
        import msgpack

        return [tuple(msgpack.unpackb(body)[1:5]) for kind, body in self.outbox.frames
                if kind == RESPONSE]
