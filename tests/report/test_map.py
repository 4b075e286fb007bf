"""The map as a section and as a picture: titles are text, colours have a legend."""

import dataclasses
from xml.etree import ElementTree

import numpy as np

from edgerec.evaluate.item_map import ItemMap
from edgerec.report.content import Page
from edgerec.report.map import map_section
from edgerec.report.map_drawing import draw_map
from edgerec.report.page import html
from edgerec.titles.kept import NamedItem

CATALOGUE = [10, 20, 30, 40]
FOUND = ItemMap(
    np.array([2, 0, 1]), np.array([[0, 0], [1, 1], [0.2, 0.9]]), np.array([1.0, 0.5, 0.1])
)
NAMED = {
    10: NamedItem(10, "<i>Heat</i> & Co (1995)", "Crime|Drama"),
    20: NamedItem(20, "Toy Story (1995)", "Drama"),
}


def test_marks_are_in_order_of_popularity_and_coloured_by_the_rarest_category():
    chart = map_section(FOUND, CATALOGUE, NAMED).blocks[0].chart
    assert chart.categories == ("Drama", "Crime")
    assert [mark.category for mark in chart.marks] == [-1, 1, 0]
    assert [mark.title for mark in chart.marks] == [
        "30",
        "<i>Heat</i> & Co (1995) · Crime, Drama",
        "Toy Story (1995) · Drama",
    ]
    assert [mark.label for mark in chart.marks] == ["", "<i>Heat</i> & Co", "Toy Story"]


def test_the_picture_stands_on_its_page():
    section = map_section(FOUND, CATALOGUE, NAMED)
    page = html(Page("toy", "", (), (section,)))
    assert "<script" not in page and "<i>Heat" not in page
    assert "&lt;i&gt;Heat" in page
    assert "The 3 most popular items of 4." in page
    svg = ElementTree.fromstring(draw_map(section.blocks[0].chart, "a map", "map-1"))
    titles = [one.text for one in svg.iter("title")]
    # The popular ones last, so that they lie on top; the whole picture has a name too.
    assert titles == ["a map", "Toy Story (1995) · Drama", titles[2], "30"]
    width, height = map(float, svg.get("viewBox").split()[2:])
    for one in svg.iter("circle"):
        assert 0 <= float(one.get("cx")) <= width and 0 <= float(one.get("cy")) <= height


def test_every_form_and_no_category():
    chart = map_section(FOUND, CATALOGUE, NAMED).blocks[0].chart
    marks = tuple(
        dataclasses.replace(chart.marks[0], x=number / 8, y=0.5, category=number, label="a" * 20)
        for number in range(8)
    )
    drawn = draw_map(dataclasses.replace(chart, marks=marks, categories=()), "a map", "m")
    assert all(f'class="c{number}"' in drawn for number in range(8))
    # Those that would stand over another are left out.
    assert 0 < drawn.count('class="place') < 8
