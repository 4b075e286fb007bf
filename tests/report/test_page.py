"""The page asks for nothing, runs nothing, and is what it says for those who cannot see it."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from edgerec.report.content import (
    Cell,
    Check,
    Checks,
    Facts,
    Figure,
    IntervalChart,
    LineChart,
    ListedItem,
    Lists,
    NamedInterval,
    Page,
    Point,
    ReliabilityChart,
    Section,
    Table,
    Text,
    Tile,
)
from edgerec.report.page import html, write_page

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)> \"' & \u202e{{ 7*7 }}"
VOID = {"meta", "link", "br", "wbr", "img"}


def page(text=EVIL):
    points = (Point(1, 0.5, 0.4, 0.6), Point(2, 0.7, is_marked=True))
    blocks = (
        Text(text),
        Facts(text, ((text, text),)),
        Table(text, ("", text), ((Cell(text, text), Cell(text, text, 0.4)),), text),
        Table(text, ("", "a", "b", text), ((Cell("1"), Cell("2"), Cell("3"), Cell(text)),)),
        Figure(text, text, LineChart(text, text, points)),
        Figure(text, text, ReliabilityChart(text, text, (Point(0.1, 0.2),))),
        Figure(text, text, IntervalChart(text, (NamedInterval(text, 0.5, 0.4, 0.6),))),
        Lists(text, text, ((text, (ListedItem(text, text, text),)), ("nothing", ()))),
        Checks(text, (Check(text, "passed", text), Check(text, "failed"), Check(text, text))),
    )
    sections = (Section("one", text, text, blocks), Section("two", text, text, blocks))
    return Page(text, text, (Tile(text, text, text),), sections, text)


class Elements(HTMLParser):
    """Every element with its attributes; fails where tags do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)

    def named(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]


def test_titles_out_of_a_database_are_text_and_never_markup():
    elements = Elements(html(page()))
    assert not elements.named("script", "img", "iframe", "object", "embed", "form", "base")
    attributes = [name for _, given in elements.found for name in given]
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    written = "".join(elements.texts)
    assert written.count("<script>alert(1)</script>") > 20
    assert "{{ 7*7 }}" in written and "49" not in written


def test_nothing_is_asked_for():
    text = html(page())
    for _, given in Elements(text).found:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
            assert name not in given or re.fullmatch(r"#[\w-]+|data:,", given[name])
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style and "@import" not in style and "://" not in style


def test_the_policy_allows_this_style_sheet_alone():
    text = html(page())
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [
        one["content"]
        for one in Elements(text).named("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"


def test_what_is_drawn_and_listed_is_named_for_those_who_cannot_see_it():
    elements = Elements(html(page("words")))
    ids = [given["id"] for _, given in elements.found if "id" in given]
    assert len(ids) == len(set(ids))
    for svg in elements.named("svg"):
        assert svg.get("aria-hidden") == "true" or svg["aria-labelledby"] in ids
    assert len(elements.named("table")) == len(elements.named("caption")) == 6
    assert all(th.get("scope") in ("row", "col") for th in elements.named("th"))
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    links = {one["href"].removeprefix("#") for one in elements.named("a")}
    assert links <= set(ids) and {"one", "two", "content"} <= links
    (root,) = elements.named("html")
    assert root["lang"] == "en"


def test_outcomes_differ_in_words_and_signs_and_not_in_colour_alone():
    text = "".join(Elements(html(page("not decidable"))).texts)
    assert "✓ passed" in text and "✗ failed" in text and "✓ not decidable" not in text


def test_what_html_cannot_hold_is_replaced(tmp_path):
    write_page(page("a\x00b\x1bc\ud800d"), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "a\ufffdb\ufffdc\ufffdd" in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)


def test_the_same_page_is_the_same_bytes_and_nothing_is_left_beside_it(tmp_path):
    sizes = {write_page(page(), tmp_path / name) for name in ("a.html", "b.html")}
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sizes == {(tmp_path / "a.html").stat().st_size}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("share", "width"), [(-0.2, "0.0"), (0.25, "25.0"), (3.0, "100.0")])
def test_bars_stay_within_their_cells(share, width):
    table = Table("bars", ("", "b"), ((Cell("a"), Cell("1", share=share)),))
    text = html(Page("t", "l", (), (Section("one", "t", "l", (table,)),)))
    assert f'<rect class="fill" width="{width}" height="6"/>' in text
