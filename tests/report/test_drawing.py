import math
import re
from xml.etree import ElementTree

import pytest

from edgerec.report.content import IntervalChart, LineChart, NamedInterval, Point, ReliabilityChart
from edgerec.report.drawing import draw, ticks

CHARTS = {
    "line": LineChart("epoch", "AUC", tuple(Point(n, 0.8 + n / 1000) for n in range(1, 8))),
    "one point": LineChart("epoch", "AUC", (Point(1, 0.8),)),
    "all alike": LineChart("epoch", "AUC", (Point(1, 0.8), Point(2, 0.8))),
    "many epochs": LineChart("epoch", "AUC", tuple(Point(n, math.sin(n)) for n in range(1, 101))),
    "negative": LineChart("epoch", "AUC", (Point(1, -3.5, -5, 2), Point(2, 1e4))),
    "reliability": ReliabilityChart("score", "share", (Point(0, 0), Point(0.5, 0.2), Point(1, 1))),
    "intervals": IntervalChart("AUC", tuple(NamedInterval(f"n{n}", n, n, n) for n in range(5))),
    "one interval": IntervalChart("AUC", (NamedInterval("only", 0.5, 0.5, 0.5),)),
}


@pytest.mark.parametrize("name", CHARTS)
def test_everything_is_within_the_picture(name):
    svg = ElementTree.fromstring(draw(CHARTS[name], "what it shows", "key"))
    left, top, width, height = map(float, svg.get("viewBox").split())
    assert (left, top, width) == (0, 0, 360)
    xs, ys = [], []
    for element in svg.iter():
        xs += [float(element.get(name)) for name in ("x", "x1", "x2", "cx") if element.get(name)]
        ys += [float(element.get(name)) for name in ("y", "y1", "y2", "cy") if element.get(name)]
        pairs = re.findall(r"([-\d.]+),([-\d.]+)", element.get("points", ""))
        xs += [float(x) for x, _ in pairs]
        ys += [float(y) for _, y in pairs]
    assert xs and min(xs) >= 0 and max(xs) <= width
    assert ys and min(ys) >= 0 and max(ys) <= height


def test_the_picture_is_named_and_its_texts_are_escaped():
    svg = draw(CHARTS["line"], "<b>AUC</b> & more", "curve-1")
    assert "&lt;b&gt;AUC&lt;/b&gt; &amp; more" in svg and "<b>" not in svg
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-labelledby") == "curve-1-title"
    assert root.find("title").get("id") == "curve-1-title"


def test_the_marked_point_has_another_form():
    svg = draw(LineChart("x", "y", (Point(1, 1), Point(2, 2, is_marked=True))), "t", "k")
    assert svg.count("<circle") == 1 and svg.count('class="dot marked"') == 1


@pytest.mark.parametrize(("low", "high"), [(0.7, 0.7), (0, 1e-6), (-3, 17), (0.001, 99_999)])
def test_ticks_are_few_and_enclose_the_range(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 8
    assert found[0] <= low and found[-1] >= high
    assert found == sorted(set(found))
