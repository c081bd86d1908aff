"""One response, settled: every day that was looked at, every point, the verdict and the money."""

from fractions import Fraction
from typing import NamedTuple

from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.response.baselines import Baseline
from cloud_bridge.response.calendar import Calendar
from cloud_bridge.response.curve import Curve, Response, clock
from cloud_bridge.response.judges import Point, Verdict
from cloud_bridge.response.payment import Paid
from cloud_bridge.response.programme import Programme


class Settlement(NamedTuple):
    """`missing`: judged minutes of which nothing is known; then there is neither verdict nor money,
    as it is for the programme's operator to say what becomes of them."""

    programme: Programme
    response: Response
    baseline: Baseline
    adjusted: str
    points: tuple[Point, ...]
    missing: tuple[int, ...]
    verdict: Verdict | None
    paid: Paid | None


def settle(programme: Programme, curve: Curve, response: Response, calendar: Calendar,
           price: Fraction | None = None) -> Settlement:
    """Settle a response by a programme's rules. DocumentError where that cannot be done."""
    check(programme, curve, response)
    judged = response.points(curve)
    wanted = sorted({*judged, *programme.adjust.window(curve, response)})
    method, keys = programme.baseline
    baseline = method.work_out(curve, response, wanted, keys, calendar)
    adjusted, words = programme.adjust.apply(curve, response, baseline.values)
    points, missing = [], []
    for minute in judged:
        actual_w = curve.at(response.day, minute)
        if actual_w is None:
            missing.append(minute)
        else:
            points.append(Point(minute, adjusted[minute], actual_w,
                                response.cut_w(adjusted[minute], actual_w)))
    verdict = paid = None
    if not missing:
        rule, told = programme.judge
        verdict = rule.judge(response, points, told)
        if programme.payment:
            paid = programme.payment.pay(response, verdict, price)
    return Settlement(programme, response, baseline, words, tuple(points), tuple(missing), verdict,
                      paid)


def check(programme: Programme, curve: Curve, response: Response) -> None:
    """Whether the programme knows such a response, and judges by such a load. DocumentError."""
    if response.kind not in programme.kinds:
        raise mistake("kind", response.kind, f"one that {programme.name} knows: "
                      + " ".join(programme.kinds))
    if curve.minutes != programme.interval_min or curve.instants != programme.instants:
        raise DocumentError(f"load: found {_kind(curve.minutes, curve.instants)}, expected "
                            f"{_kind(programme.interval_min, programme.instants)}")
    if response.reply_w <= 0:
        raise mistake("reply", response.reply_w, "more than 0 W")
    if programme.valid_from and response.day < programme.valid_from:
        raise mistake("start", f"{response.day} {clock(response.start)}",
                      f"from {programme.valid_from} on, when {programme.name} begins")


def _kind(minutes: int, instants: bool) -> str:
    return f"{'instants' if instants else 'means'} every {minutes} min"
