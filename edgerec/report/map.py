"""The section that shows the catalogue as a map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from edgerec.evaluate.item_map import ItemMap
from edgerec.recsys import Id
from edgerec.report.content import Figure, MapChart, Mark, Section, Text
from edgerec.report.words import count
from edgerec.titles.kept import NamedItem
from edgerec.titles.search import without_year

_MOST_CATEGORIES: Final = 8
_LONGEST_LABEL: Final = 24


def map_section(found: ItemMap, catalogue: Sequence[Id], named: Mapping[Id, NamedItem]) -> Section:
    """Return the map, coloured by category where categories are known."""
    items = [_named(catalogue[at], named) for at in found.positions.tolist()]
    members = [[part for part in one.category.split("|") if part] for one in items]
    counts = Counter(part for parts in members for part in parts)
    legend = sorted(counts, key=lambda one: (-counts[one], one))[:_MOST_CATEGORIES]
    marks = tuple(
        Mark(
            x,
            y,
            size,
            _colour(parts, legend),
            _title(one),
            _label(one),
        )
        for one, parts, (x, y), size in zip(
            items, members, found.places.tolist(), found.size.tolist(), strict=True
        )
    )
    coloured = (
        " Colour and form tell the category; of several, the rarest of those named below the map."
        if legend
        else ""
    )
    n_items, n_shown = len(catalogue), len(items)
    shown = "all items" if n_shown == n_items else f"the {count(n_shown)} most popular items"
    return Section(
        "map",
        "A map of the catalogue",
        "What is near is similar: it has the same audience, stands in the same histories, and is "
        f"of the same kind or of like text. A larger mark is more popular.{coloured}",
        (
            Figure(
                f"{shown[0].upper()}{shown[1:]} of {count(n_items)}. On a screen, rest the "
                "pointer on a mark to read its title.",
                f"A map of {shown}; what is similar lies together.",
                MapChart(marks, tuple(legend)),
            ),
            Text(
                "The vectors are those that the file lists similar items by, laid out by t-SNE. "
                "Neighbourhoods mean something; directions and far distances do not."
            ),
        ),
    )


def _named(item_id: Id, named: Mapping[Id, NamedItem]) -> NamedItem:
    return named.get(item_id, NamedItem(item_id, ""))


def _colour(parts: Sequence[str], legend: Sequence[str]) -> int:
    return max((legend.index(part) for part in parts if part in legend), default=-1)


def _title(one: NamedItem) -> str:
    title = one.title or str(one.item_id)
    return f"{title} · {one.category.replace('|', ', ')}" if one.category else title


def _label(one: NamedItem) -> str:
    label = without_year(one.title)
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"
