"""Charts as inline SVG: small, readable at the width of a phone, without a script.

Colours stand in the style sheet, so that a chart follows light, dark and paper. Nothing is told
by colour alone: marks differ in form too.
"""

import math
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree

from edgerec.report.content import (
    IntervalChart,
    LineChart,
    Point,
    ReliabilityChart,
    ScatterChart,
)

_WIDTH: Final = 360.0
_HEIGHT: Final = 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 14.0, 26.0, 40.0
_ROW: Final = 34.0
_MOST_WHOLE_TICKS: Final = 12
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def draw(
    chart: LineChart | ScatterChart | ReliabilityChart | IntervalChart, title: str, key: str
) -> str:
    """Return a chart as an <svg> element.

    Parameters
    ----------
    title : str
        What is read out in place of the picture.
    key : str
        Makes the ids of this chart unique on its page.
    """
    if isinstance(chart, IntervalChart):
        return _intervals(chart, title, key)
    if isinstance(chart, LineChart | ScatterChart):
        ys = [value for one in chart.points for value in _extent(one)]
        xs = [one.x for one in chart.points]
        x_ticks = _whole_ticks(xs) if isinstance(chart, LineChart) else ticks(min(xs), max(xs))
        frame = _Frame(x_ticks, ticks(min(ys), max(ys)))
    else:
        fifths = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        frame = _Frame(fifths, fifths)
    svg = _svg(title, key, _HEIGHT)
    frame.draw(svg, chart.x_label, chart.y_label)
    if isinstance(chart, ReliabilityChart):
        _add(svg, "line", "guide", x1=frame.x(0), y1=frame.y(0), x2=frame.x(1), y2=frame.y(1))
    if len(chart.points) > 1 and not isinstance(chart, ScatterChart):
        joined = " ".join(f"{_n(frame.x(one.x))},{_n(frame.y(one.y))}" for one in chart.points)
        _add(svg, "polyline", "curve", points=joined)
    for one in chart.points:
        _point(svg, frame, one)
    return ElementTree.tostring(svg, encoding="unicode")


def ticks(low: float, high: float, n: int = 5, *, whole: bool = False) -> list[float]:
    """Return about `n` round numbers that enclose a range; `whole`: integers alone.

    >>> ticks(0.71, 0.78)
    [0.7, 0.72, 0.74, 0.76, 0.78]
    >>> ticks(1, 3, whole=True)
    [1.0, 2.0, 3.0]
    """
    if high - low < 1e-9:
        low, high = low - (1 if whole else 0.05), high + (1 if whole else 0.05)
    rough = (high - low) / n
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in _STEPS if power * one >= rough * (1 - 1e-9))
    if whole:
        step = float(max(1, math.ceil(step - 1e-9)))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _whole_ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers for epochs and the like: all of them where they are few."""
    first, last = int(min(values)), int(max(values))
    if 0 < last - first <= _MOST_WHOLE_TICKS:
        return [float(number) for number in range(first, last + 1)]
    return ticks(first, last, whole=True)


class _Frame:
    """Maps numbers to places and draws the axes."""

    def __init__(self, x_ticks: Sequence[float], y_ticks: Sequence[float]) -> None:
        self._x_ticks, self._y_ticks = x_ticks, y_ticks

    def x(self, value: float) -> float:
        low, high = self._x_ticks[0], self._x_ticks[-1]
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self._y_ticks[0], self._y_ticks[-1]
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def draw(self, svg: ElementTree.Element, x_label: str, y_label: str) -> None:
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        for value in self._y_ticks:
            at = self.y(value)
            _add(svg, "line", "grid", x1=_LEFT, y1=at, x2=right, y2=at)
            _text(svg, f"{value:g}", _LEFT - 6, at + 4, "end")
        for value in self._x_ticks:
            _text(svg, f"{value:g}", self.x(value), bottom + 15, "middle")
        _add(svg, "line", "axis", x1=_LEFT, y1=bottom, x2=right, y2=bottom)
        _text(svg, x_label, (_LEFT + right) / 2, _HEIGHT - 6, "middle", "label")
        # Above its axis and level, so that it is read without turning the phone.
        _text(svg, y_label, 2, 11, "start", "label")


def _intervals(chart: IntervalChart, title: str, key: str) -> str:
    height = _ROW * len(chart.rows) + 40
    svg = _svg(title, key, height)
    values = [value for one in chart.rows for value in (one.low, one.high, one.mean)]
    marks = ticks(min(values), max(values), 4)
    low, high = marks[0], marks[-1]
    left, right = 12.0, _WIDTH - 24.0

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    bottom = height - 36
    for value in marks:
        _add(svg, "line", "grid", x1=x(value), y1=6, x2=x(value), y2=bottom)
        _text(svg, f"{value:g}", x(value), bottom + 14, "middle")
    _text(svg, chart.label, (left + right) / 2, height - 5, "middle", "label")
    for number, one in enumerate(chart.rows):
        at = 24 + number * _ROW
        first = " first" if number == 0 else ""
        # Above its interval, so that a long name needs no column of its own; it grows to where
        # there is room.
        anchor = "start" if x(one.mean) < _WIDTH / 2 else "end"
        _text(svg, one.name, x(one.mean), at - 9, anchor, f"name{first}")
        _add(svg, "line", f"whisker{first}", x1=x(one.low), y1=at, x2=x(one.high), y2=at)
        for end in (one.low, one.high):
            _add(svg, "line", f"whisker{first}", x1=x(end), y1=at - 4, x2=x(end), y2=at + 4)
        _diamond(svg, x(one.mean), at, 6, f"dot{first}")
    return ElementTree.tostring(svg, encoding="unicode")


def _svg(title: str, key: str, height: float) -> ElementTree.Element:
    svg = ElementTree.Element(
        "svg",
        {
            "viewBox": f"0 0 {_n(_WIDTH)} {_n(height)}",
            "role": "img",
            "aria-labelledby": f"{key}-title",
        },
    )
    ElementTree.SubElement(svg, "title", {"id": f"{key}-title"}).text = title
    return svg


def _extent(point: Point) -> list[float]:
    return [value for value in (point.y, point.low, point.high) if value is not None]


def _point(svg: ElementTree.Element, frame: _Frame, point: Point) -> None:
    x, y = frame.x(point.x), frame.y(point.y)
    if point.low is not None and point.high is not None:
        _add(svg, "line", "whisker", x1=x, y1=frame.y(point.low), x2=x, y2=frame.y(point.high))
    if point.is_marked:
        _diamond(svg, x, y, 7, "dot marked")
    else:
        _add(svg, "circle", "dot", cx=x, cy=y, r=3.5)


def _diamond(svg: ElementTree.Element, x: float, y: float, radius: float, name: str) -> None:
    corners = ((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y))
    _add(svg, "polygon", name, points=" ".join(f"{_n(one)},{_n(two)}" for one, two in corners))


def _add(
    svg: ElementTree.Element, tag: str, name: str, **attributes: float | str
) -> ElementTree.Element:
    given = {
        key: value if isinstance(value, str) else _n(value) for key, value in attributes.items()
    }
    return ElementTree.SubElement(svg, tag, {"class": name, **given})


def _text(
    svg: ElementTree.Element, text: str, x: float, y: float, anchor: str, name: str = "tick"
) -> ElementTree.Element:
    element = _add(svg, "text", name, x=x, y=y)
    element.set("text-anchor", anchor)
    element.text = text
    return element


def _n(value: float) -> str:
    """Return a coordinate: short, and the same on every machine."""
    return f"{round(value, 1):g}"
