"""A settlement for people, and for programs."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cloud_bridge.response.baselines.days import kw
from cloud_bridge.response.curve import clock
from cloud_bridge.response.settle import Settlement


def text(one: Settlement) -> Iterator[str]:
    """Line by line: every day that was looked at and why it does not count, every point."""
    response, programme = one.response, one.programme
    yield (f"{programme.name}  {response.day} {clock(response.start)} .. {clock(response.end)} "
           f"{programme.zone}, {response.kind} {kw(Fraction(response.reply_w))} kW")
    yield f"  {programme.title}; source: {programme.source}"
    for unsure in programme.unverified:
        yield f"  not verified: {unsure}"
    yield ""
    yield f"baseline  {one.baseline.words}" + (f"; {one.adjusted}" if one.adjusted else "")
    for sample in one.baseline.samples:
        mean = f"{kw(sample.mean_w):>14} kW" if sample.mean_w is not None else f"{'-':>14}   "
        yield f"  {sample.day:%Y-%m-%d %a}{mean}  " + (
            f"left out: {sample.left_out}" if sample.left_out else "taken")
    yield ""
    yield f"points {'baseline kW':>14}{'actual kW':>14}{'delivered kW':>15}"
    failed = one.verdict.failed if one.verdict else {}
    for point in one.points:
        yield (f"  {clock(point.minute)}{kw(point.baseline_w):>14}{kw(point.actual_w):>14}"
               f"{kw(point.cut_w):>15}" + (f"  {failed[point.minute]}"
                                           if point.minute in failed else ""))
    for minute in one.missing:
        yield f"  {clock(minute)}{'-':>28}"
    yield ""
    yield from _verdict(one)


def _verdict(one: Settlement) -> Iterator[str]:
    if one.verdict is None:
        yield (f"verdict   open: {len(one.missing)} of {len(one.missing) + len(one.points)} points "
               "are not known; what becomes of them is the operator's to say")
        return
    share = float(one.verdict.delivered_w / one.response.reply_w)
    if one.verdict.effective:
        yield (f"verdict   counts: {kw(one.verdict.delivered_w)} kW delivered in the mean "
               f"({share:.1%} of the reply), {kw(one.verdict.confirmed_w)} kW confirmed")
    else:
        yield (f"verdict   void: {kw(one.verdict.delivered_w)} kW delivered in the mean "
               f"({share:.1%} of the reply)")
        for why in one.verdict.why:
            yield f"  {why}"
        if one.verdict.failed:
            yield f"  {len(one.verdict.failed)} of {len(one.points)} points void it"
    if one.paid:
        yield f"payment   {one.paid.amount:,} {one.paid.currency} = {one.paid.words}"


def plain(one: Settlement) -> dict[str, Any]:
    """For JSON: powers are exact fractions of a W, as texts."""
    response, verdict = one.response, one.verdict
    failed = verdict.failed if verdict else {}
    return {
        "programme": one.programme.name, "unverified": list(one.programme.unverified),
        "day": response.day.isoformat(), "start": clock(response.start),
        "end": clock(response.end), "zone": one.programme.zone, "kind": response.kind,
        "reply_w": response.reply_w, "baseline": one.baseline.words, "adjusted": one.adjusted,
        "days": [{"day": sample.day.isoformat(), "left_out": sample.left_out or None,
                  "mean_w": None if sample.mean_w is None else str(sample.mean_w)}
                 for sample in one.baseline.samples],
        "points": [{"at": clock(point.minute), "baseline_w": str(point.baseline_w),
                    "actual_w": str(point.actual_w), "delivered_w": str(point.cut_w),
                    "failed": failed.get(point.minute)} for point in one.points],
        "missing": [clock(minute) for minute in one.missing],
        "verdict": verdict and {
            "effective": verdict.effective, "delivered_w": str(verdict.delivered_w),
            "confirmed_w": str(verdict.confirmed_w), "why": list(verdict.why)},
        "payment": one.paid and {"amount": str(one.paid.amount), "currency": one.paid.currency,
                                 "words": one.paid.words}}
