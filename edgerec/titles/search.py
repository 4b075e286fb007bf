"""Finds the item that someone means: by its title, in any spelling that is clear, or by its id."""

import difflib
import re
from collections.abc import Sequence
from typing import Final

from edgerec.errors import ItemNotFound, shown
from edgerec.titles.kept import NamedItem

_MOST_LISTED: Final = 10
_MOST_NEAR: Final = 3
# The share of letters in common from which on a title may have been meant.
_LEAST_NEAR: Final = 0.65
# "Kung Fu Panda (2008)" is asked for as "Kung Fu Panda", "Matrix, The" as "The Matrix".
_END: Final = re.compile(r"\s*\([^()]*\)\s*$")
_ARTICLE: Final = re.compile(r"^(.*), (the|a|an)$")


def plain(title: str) -> str:
    """Return a title as it is compared: without case, the year behind it, and a moved article.

    >>> plain("Incredible Hulk, The (2008)")
    'the incredible hulk'
    """
    return _ARTICLE.sub(r"\2 \1", _folded(without_year(title)))


def without_year(title: str) -> str:
    """Return a title without what stands in brackets behind it.

    >>> without_year("Heat (1995)")
    'Heat'
    """
    while (shorter := _END.sub("", title)) and shorter != title:
        title = shorter
    return title


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


class TitleSearch:
    """Items by what they are called.

    >>> search = TitleSearch([NamedItem(5, "Heat (1995)"), NamedItem(7, "Heater, The (1999)")])
    >>> search.find("heat").item_id, search.find("7").item_id, search.find("the heat").item_id
    (5, 7, 7)
    """

    def __init__(self, items: Sequence[NamedItem]) -> None:
        self.items = items
        self._whole: dict[str, list[NamedItem]] = {}
        self._plain: dict[str, list[NamedItem]] = {}
        self._by_id = {str(one.item_id): one for one in items}
        for one in items:
            if one.title:
                self._whole.setdefault(_folded(one.title), []).append(one)
                self._plain.setdefault(plain(one.title), []).append(one)

    def is_exact(self, asked: str) -> bool:
        """Return whether it is a title or an id as it stands."""
        return bool(self._exact(asked))

    def find(self, asked: str) -> NamedItem:
        """Return the item that is meant: a whole title wins, then an id, then a part of a title.

        Raises
        ------
        ItemNotFound
            Nothing is called so: the sentence names the nearest titles. Or several items are: it
            names them with their ids.
        """
        exact = self._exact(asked)
        found = exact or self._containing(plain(asked))
        if len(found) == 1:
            return found[0]
        if not found:
            raise ItemNotFound(f"no item is called {shown(asked)}.{self._nearest(asked)}")
        some = "; ".join(f"{one.item_id} {one.title}" for one in found[:_MOST_LISTED])
        more = f"; and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
        raise ItemNotFound(
            f"{len(found)} {'items are called' if exact else 'titles hold'} {shown(asked)}: "
            f"{some}{more}. Ask by id, or with more of the title."
        )

    def _exact(self, asked: str) -> list[NamedItem]:
        whole = self._whole.get(_folded(asked))
        if whole:
            return whole
        by_id = self._by_id.get(asked.strip())
        return [by_id] if by_id else self._plain.get(plain(asked), [])

    def _containing(self, words: str) -> list[NamedItem]:
        """Return the items whose title holds the words in their order, the shortest first."""
        found = [one for title, items in self._plain.items() if words in title for one in items]
        return sorted(found, key=lambda one: len(one.title)) if words else []

    def _nearest(self, asked: str) -> str:
        near = difflib.get_close_matches(
            plain(asked), list(self._plain), n=_MOST_NEAR, cutoff=_LEAST_NEAR
        )
        named = [f"{one.title} ({one.item_id})" for title in near for one in self._plain[title]]
        if not named:
            return " Ask by a part of its title, or by its id."
        return f" The nearest: {'; '.join(named[:_MOST_LISTED])}."
