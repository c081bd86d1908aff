"""The site's one command becomes a setpoint for every battery."""

from edge.compat import const
from edge.fleet.roster import choose
from edge.fleet.split import split

_CHOOSE_S = const(300)  # how often who runs is thought over, while those who run can do it
_GAIN = const(20)  # a state of charge 1 per mille above the mean does 20 per mille more of the work
_EVEN = const(1000)
_MOST = const(2000)
_LEAST = const(250)  # whoever runs, runs for something


def bind_command(now, units: list, allow_w, ramp_w: int, beat_s: int):
    """Bind what Dispatch.command is for one battery. No battery's power grows by more than ramp_w a
    beat, `allow_w` has the last word on each."""
    wait_s = 0

    def command(site_w: int, now_ms: int, now=now, units=units, allow_w=allow_w, choose=choose,
                split=split, ramp_w=ramp_w, beat_s=beat_s) -> int:
        """Leave the setpoints for site_w (discharge positive); returns their sum, W.

        The fuller ones discharge more, the emptier ones charge more, so that they meet. All of them
        run in one direction.
        """
        nonlocal wait_s
        if wait_s > 0:
            wait_s -= beat_s
        if site_w == 0:
            for unit in units:
                unit.wish_w = 0
            return allow_w(0, now_ms)
        mean_pm = now.soc_pm
        sum_w = 0  # what those that run can do
        for unit in units:
            w = unit.setpoint_w
            if site_w > 0:
                fuller_pm = unit.soc_pm - mean_pm
                unit.least_w = 0
                w = w + ramp_w if w > 0 else ramp_w
                unit.most_w = w = w if w < unit.hi_w else unit.hi_w
                unit.merit = (unit.soc_pm - unit.floor_pm) * unit.duty_pm // 1000
            else:
                fuller_pm = mean_pm - unit.soc_pm
                unit.most_w = 0
                w = w - ramp_w if w < 0 else -ramp_w
                unit.least_w = w = w if w > unit.lo_w else unit.lo_w
                unit.merit = (unit.ceiling_pm - unit.soc_pm) * unit.duty_pm // 1000
            share = _EVEN + _GAIN * fuller_pm
            if share > _MOST:
                share = _MOST
            elif share < _LEAST:
                share = _LEAST
            weight = unit.work * share // _MOST
            unit.weight = weight if weight > 0 else 1
            if unit.on:
                sum_w += w
        if wait_s <= 0 or (sum_w < site_w if site_w > 0 else sum_w > site_w):
            wait_s = _CHOOSE_S
            choose(site_w, units)
        for unit in units:
            if not unit.on:
                unit.least_w = unit.most_w = 0
        split(site_w, units)
        return allow_w(site_w, now_ms)

    return command
