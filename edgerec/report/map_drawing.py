"""The map of items as inline SVG: a mark for each item, its title where the pointer rests on it."""

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree

from edgerec.report.content import MapChart, Mark

_WIDTH, _HEIGHT, _MARGIN = 640.0, 520.0, 14.0
_LEGEND_ROW: Final = 24.0
_COLUMNS: Final = 3
_LETTER: Final = 6.2
"""width of a letter of a label, about"""
_N_LABELS: Final = 22
_N_ON_A_PHONE: Final = 8


def draw_map(chart: MapChart, title: str, key: str) -> str:
    """Return the map as an <svg> element."""
    n_rows = -(-len(chart.categories) // _COLUMNS)
    height = _HEIGHT + n_rows * _LEGEND_ROW + (8 if n_rows else 0)
    svg = ElementTree.Element(
        "svg",
        {
            "viewBox": f"0 0 {_WIDTH:g} {height:g}",
            "class": "map",
            "role": "img",
            "aria-labelledby": f"{key}-title",
        },
    )
    ElementTree.SubElement(svg, "title", {"id": f"{key}-title"}).text = title
    ElementTree.SubElement(
        svg, "rect", {"class": "sea", "width": f"{_WIDTH:g}", "height": f"{_HEIGHT:g}", "rx": "8"}
    )
    # The popular ones last, so that they lie on top.
    for mark in reversed(chart.marks):
        shape = _mark(svg, *_place(mark), 1.7 + 4.3 * mark.size, mark.category)
        ElementTree.SubElement(shape, "title").text = mark.title
    for number, (mark, x, y, anchor) in enumerate(_labels(chart.marks)):
        name = "place" if number < _N_ON_A_PHONE else "place minor"
        text = ElementTree.SubElement(
            svg, "text", {"class": name, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
        )
        text.text = mark.label
    for number, category in enumerate(chart.categories):
        row, column = divmod(number, _COLUMNS)
        x = _MARGIN + column * (_WIDTH - _MARGIN) / _COLUMNS
        y = _HEIGHT + 18 + row * _LEGEND_ROW
        _mark(svg, x, y, 5.5, number)
        text = ElementTree.SubElement(
            svg, "text", {"class": "legend", "x": f"{x + 12:.1f}", "y": f"{y + 4:.1f}"}
        )
        text.text = category
    return ElementTree.tostring(svg, encoding="unicode")


def _place(mark: Mark) -> tuple[float, float]:
    x = _MARGIN + mark.x * (_WIDTH - 2 * _MARGIN)
    return x, _HEIGHT - _MARGIN - mark.y * (_HEIGHT - 2 * _MARGIN)


def _mark(
    svg: ElementTree.Element, x: float, y: float, radius: float, category: int
) -> ElementTree.Element:
    """Add a mark: of its own colour and, for those who do not see it, form."""
    r = radius
    name = f"c{category}"
    if category < 0 or category % 4 == 0:
        name = "other" if category < 0 else name
        place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{r:.1f}"}
        return ElementTree.SubElement(svg, "circle", {"class": name, **place})
    path = {
        1: f"M{x - r:.1f} {y - r:.1f}h{2 * r:.1f}v{2 * r:.1f}h{-2 * r:.1f}z",
        2: f"M{x:.1f} {y - 1.2 * r:.1f}l{1.2 * r:.1f} {2.1 * r:.1f}h{-2.4 * r:.1f}z",
        3: f"M{x:.1f} {y - 1.3 * r:.1f}l{1.3 * r:.1f} {1.3 * r:.1f}l{-1.3 * r:.1f} {1.3 * r:.1f}"
        f"l{-1.3 * r:.1f} {-1.3 * r:.1f}z",
    }[category % 4]
    return ElementTree.SubElement(svg, "path", {"class": name, "d": path})


def _labels(marks: Sequence[Mark]) -> list[tuple[Mark, float, float, str]]:
    """Return where the names of the most popular items stand, none over another."""
    taken: list[tuple[float, float, float, float]] = []
    labels: list[tuple[Mark, float, float, str]] = []
    for mark in marks:
        if len(labels) == _N_LABELS:
            break
        x, y = _place(mark)
        # On a phone, where the picture is half as large, letters are larger in it.
        wider = 1.7 if len(labels) < _N_ON_A_PHONE else 1.0
        width, half = _LETTER * len(mark.label) * wider, 9 * wider
        is_left = x + width + 10 < _WIDTH
        left, right = (x, x + width + 8) if is_left else (x - width - 8, x)
        box = (left, y - half, right, y + half)
        apart = all(
            box[2] < one[0] or one[2] < box[0] or box[3] < one[1] or one[3] < box[1]
            for one in taken
        )
        if mark.label and apart:
            taken.append(box)
            labels.append((mark, x + (8 if is_left else -8), y + 4, "start" if is_left else "end"))
    return labels
