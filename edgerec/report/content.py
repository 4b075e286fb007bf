"""What a page is made of: plain frozen pieces. A section may be any list of them.

Texts are plain text: whoever writes the page escapes them, so that titles out of a database
cannot become markup.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and what they are."""

    caption: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    small: str = ""
    """under the text, for example its interval"""
    share: float | None = None
    """a bar behind the text, from 0 to 1; negative: none is drawn"""


@dataclass(frozen=True)
class Table:
    """Rows under column headings; the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Point:
    """A point of a chart, perhaps with an interval."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    is_marked: bool = False


@dataclass(frozen=True)
class LineChart:
    """Points joined by a line."""

    x_label: str
    y_label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class ScatterChart:
    """Points in their own right, each with a place on two scales."""

    x_label: str
    y_label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class ReliabilityChart:
    """What was said against what was so, both from 0 to 1, beside the diagonal."""

    x_label: str
    y_label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class NamedInterval:
    """A row of an interval chart."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class IntervalChart:
    """A dot and its interval per name."""

    label: str
    rows: tuple[NamedInterval, ...]


@dataclass(frozen=True)
class Figure:
    """A chart with what it shows in words."""

    caption: str
    description: str
    """for those who cannot see it: the same in a sentence"""
    chart: LineChart | ScatterChart | ReliabilityChart | IntervalChart


@dataclass(frozen=True)
class ListedItem:
    """An item with its title."""

    title: str
    detail: str = ""
    mark: str = ""
    """a word that stands out, for example "liked later"; empty: none"""


@dataclass(frozen=True)
class Lists:
    """Lists beside each other, under one heading."""

    heading: str
    note: str
    lists: tuple[tuple[str, tuple[ListedItem, ...]], ...]
    """(heading, items) each"""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and how it came out."""

    name: str
    outcome: str
    """"passed", "failed", or another word where it is neither"""
    detail: str = ""


@dataclass(frozen=True)
class Checks:
    """What was checked."""

    caption: str
    rows: tuple[Check, ...]


Block = Text | Facts | Table | Figure | Lists | Checks


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it."""

    anchor: str
    """a word for links: letters and hyphens"""
    title: str
    lead: str
    """how to read it, for someone who has never seen one"""
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Tile:
    """A figure that stands out at the top."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    lead: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    footer: str = ""
