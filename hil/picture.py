"""One day as a picture: our own SVG, no script, coloured by the page's style sheet.

Drawn at a width in CSS pixels, because text that shrinks with a picture cannot be read on a phone:
a page holds it once wide and once narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_LEFT, _RIGHT, _TOP, _GAP = 44, 8, 20, 14  # px
_SOC_PX, _PRICE_PX, _STRIP_PX, _AXIS_PX = 64, 56, 12, 18
_TICKS = (1, 2, 2.5, 5, 10)
_NARROW_PX = 600

Point = tuple[float, float]


class Day(NamedTuple):
    """One day: powers of the minutes, kW; values of the quarter-hours. `strip` is whose command
    stood, as the number of a colour, -1 for nobody's."""

    load: Sequence[float]
    grid: Sequence[float]
    battery: Sequence[float]
    demand: Sequence[float]
    target: Sequence[float]
    soc: Sequence[float]  # per cent, at the start and at each end
    price: Sequence[float]
    strip: Sequence[int]
    dark: Sequence[tuple[float, float]] = ()  # from hour to hour without the grid


class _Frame(NamedTuple):
    """Where values lie: `hours` across, `low` .. `high` over `height` px from `top` down, with a
    line at each `step`."""

    width: int
    hours: float
    top: float
    height: float
    low: float
    high: float
    step: float = 1

    def x(self, hour: float) -> float:
        return _LEFT + (self.width - _LEFT - _RIGHT) * hour / self.hours

    def y(self, value: float) -> float:
        return self.top + self.height * (self.high - value) / (self.high - self.low)


def draw(day: Day, width: int) -> str:
    """The SVG element."""
    hours = len(day.load) / 60
    height = 240 if width < _NARROW_PX else 320
    main = _Frame(width, hours, _TOP, height, *_range(day))
    soc = _Frame(width, hours, _TOP + height + _GAP, _SOC_PX, 0, 100)
    price = _Frame(width, hours, soc.top + _SOC_PX + _GAP, _PRICE_PX, *_price_range(day.price))
    strip = _Frame(width, hours, price.top + _PRICE_PX + _GAP / 2, _STRIP_PX, 0, 1)
    bottom = strip.top + _STRIP_PX + _AXIS_PX
    parts = [*_bands(day.price, main), *_dark(day.dark, main), *_grid_lines(main),
             *_hours(main, strip), *_powers(day, main), *_peak(day.demand, main),
             *_store(day.soc, soc), *_price(day.price, price), *_strip(day.strip, strip)]
    return (f'<svg class="day" viewBox="0 0 {width} {bottom:.0f}" role="img" aria-label="Load, '
            'grid, battery, demand, state of charge and price of the day">'
            f'{"".join(parts)}</svg>')


def _range(day: Day) -> tuple[float, float, float]:
    """From the lowest power to a little above the highest, in whole steps, and the step."""
    high = max(0.0, *day.load, *day.grid, *day.battery, *day.target) * 1.05
    low = min(0.0, *day.grid, *day.battery, *day.load)
    step = _step(high - low)
    return step * (low // step), -step * (-max(high, step) // step), step


def _step(span: float) -> float:
    """A round distance that gives five or six lines."""
    size = 1.0
    while size * 10 < span / 5:
        size *= 10
    while size > span / 5 > 0:
        size /= 10
    return next(size * tick for tick in _TICKS if size * tick >= span / 6)


def _bands(prices: Sequence[float], frame: _Frame) -> list[str]:
    """The price behind the powers: the dearer, the darker."""
    levels = sorted(set(prices))
    bands = []
    for first, end in _runs(prices):
        left, right = frame.x(first / 4), frame.x(end / 4)
        shade = levels.index(prices[first]) / max(len(levels) - 1, 1)
        bands.append(f'<rect class="band" x="{left:.1f}" y="{frame.top}" width="{right - left:.1f}"'
                     f' height="{frame.height}" style="--shade:{shade:.2f}"/>')
    return bands


def _dark(spans: Sequence[tuple[float, float]], frame: _Frame) -> list[str]:
    """Where there was no grid."""
    return [f'<rect class="dark" x="{frame.x(begin):.1f}" y="{frame.top}" '
            f'width="{frame.x(min(end, frame.hours)) - frame.x(begin):.1f}" '
            f'height="{frame.height}"/>' for begin, end in spans if begin < frame.hours]


def _price_range(prices: Sequence[float]) -> tuple[float, float]:
    """From nothing, or the lowest price below it, to the highest, with room for its figure."""
    low, high = min(0.0, *prices), max(0.0, *prices)
    return low, high + (high - low or 1.0) * 0.45


def _price(prices: Sequence[float], frame: _Frame) -> list[str]:
    """The price of each quarter-hour, its figure above wherever there is room."""
    zero, axis = frame.y(0), _LEFT - 5
    parts = [f'<path class="zero" d="M{_LEFT} {zero:.1f}H{frame.width - _RIGHT}"/>',
             _text(axis, zero + 4, "0", "end"), _text(axis, frame.top + 8, "price", "end"),
             f'<path class="price" d="{_stairs(prices, frame)}"/>']
    ends = {prices.index(min(prices)), prices.index(max(prices))}  # told in any case
    for first, end in _runs(prices):
        text = f"{prices[first]:.4f}".rstrip("0").rstrip(".")
        left, right = frame.x(first / 4), frame.x(end / 4)
        if right - left > 7 * len(text) or first in ends:
            parts.append(_text((left + right) / 2, frame.y(prices[first]) - 5, text, "middle"))
    return parts


def _runs(values: Sequence[object]) -> list[tuple[int, int]]:
    """Stretches of equal values as first, end."""
    edges = [at for at in range(1, len(values)) if values[at] != values[at - 1]]
    return list(zip([0, *edges], [*edges, len(values)], strict=True))


def _grid_lines(frame: _Frame) -> list[str]:
    lines = []
    for number in range(round(frame.low / frame.step), round(frame.high / frame.step) + 1):
        y = frame.y(number * frame.step)
        kind = "line" if number else "zero"
        lines.append(f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{frame.width - _RIGHT}"/>')
        lines.append(_text(_LEFT - 5, y + 4, f"{number * frame.step:g}", "end"))
    return [*lines, _text(_LEFT - 5, frame.top - 6, "kW", "end")]


def _hours(main: _Frame, last: _Frame) -> list[str]:
    every = 6 if main.width < _NARROW_PX else 2
    lines = []
    for hour in range(0, int(main.hours) + 1, every):
        x = main.x(hour)
        anchor = "end" if hour == main.hours else "middle"
        lines.append(f'<path class="line" d="M{x:.1f} {main.top}V{last.top + last.height}"/>')
        lines.append(_text(x, last.top + last.height + 14, f"{hour:02d}:00", anchor))
    return lines


def _powers(day: Day, frame: _Frame) -> list[str]:
    zero = frame.y(0)
    parts = []
    for name, part in (("out", [max(kw, 0.0) for kw in day.battery]),
                       ("in", [min(kw, 0.0) for kw in day.battery])):
        points = _curve(part, frame)
        parts.append(f'<path class="{name}" d="{_path(points)}'
                     f'L{points[-1][0]:.1f} {zero:.1f}L{points[0][0]:.1f} {zero:.1f}Z"/>')
    parts.append(f'<path class="load" d="{_path(_curve(day.load, frame))}"/>')
    parts.append(f'<path class="grid" d="{_path(_curve(day.grid, frame))}"/>')
    parts.append(f'<path class="demand" d="{_stairs(day.demand, frame)}"/>')
    if any(day.target):
        parts.append(f'<path class="target" d="{_stairs(day.target, frame, gap=0)}"/>')
    return parts


def _curve(values: Sequence[float], frame: _Frame) -> list[Point]:
    """Points of a line, at most the lowest and the highest value of each pixel: a mean would
    hide the very peak that is billed."""
    pixels = frame.width - _LEFT - _RIGHT
    each = max(1, len(values) * 2 // pixels)
    points = []
    for start in range(0, len(values), each):
        part = values[start:start + each]
        low, high = min(part), max(part)
        pair = (low, high) if part[0] <= part[-1] else (high, low)
        places = (start, start + len(part)) if low != high else (start,)
        points += [(frame.x(at / 60), frame.y(value))
                   for at, value in zip(places, pair, strict=False)]
    return [*points, (frame.x(len(values) / 60), frame.y(values[-1]))]


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _stairs(values: Sequence[float], frame: _Frame, gap: float | None = None) -> str:
    """A line of steps; where `gap` is given, that value leaves a gap."""
    steps, pen = [], "M"
    for first, end in _runs(values):
        if values[first] == gap:
            pen = "M"
            continue
        steps.append(f"{pen}{frame.x(first / 4):.1f} {frame.y(values[first]):.1f}"
                     f"H{frame.x(end / 4):.1f}")
        pen = "L"
    return "".join(steps)


def _peak(demand: Sequence[float], frame: _Frame) -> list[str]:
    """The quarter-hour that is billed."""
    highest = max(demand)
    at = demand.index(highest)
    x, y = frame.x((at + 0.5) / 4), frame.y(highest)
    anchor = "start" if at < 8 else "end" if at > len(demand) - 8 else "middle"
    return [f'<circle class="peak" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
            _text(x, y - 8, f"{highest:.0f} kW {at // 4:02d}:{at % 4 * 15:02d}", anchor, "mark")]


def _store(soc: Sequence[float], frame: _Frame) -> list[str]:
    points = [(frame.x(at / 4), frame.y(value)) for at, value in enumerate(soc)]
    floor = frame.y(0)
    area = f"{_path(points)}L{points[-1][0]:.1f} {floor:.1f}L{points[0][0]:.1f} {floor:.1f}Z"
    lines = [f'<path class="line" d="M{_LEFT} {frame.y(value):.1f}H{frame.width - _RIGHT}"/>'
             + _text(_LEFT - 5, frame.y(value) + 4, f"{value} %", "end") for value in (0, 100)]
    return [*lines, f'<path class="soc" d="{area}"/>']


def _strip(whose: Sequence[int], frame: _Frame) -> list[str]:
    return [f'<rect class="who{whose[first]}" x="{frame.x(first / 4):.1f}" y="{frame.top}" '
            f'width="{frame.x(end / 4) - frame.x(first / 4):.1f}" height="{frame.height}"/>'
            for first, end in _runs(whose) if whose[first] >= 0]


def _text(x: float, y: float, text: str, anchor: str, kind: str = "note") -> str:
    return (f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f"{escape(text)}</text>")
