"""Sums of items as people write them: "Toy Story" + "Heat" - "Casino"."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from edgerec.errors import ItemNotFound

_OPERATOR: Final = re.compile(r"(?:^|\s)([+\-−])(?=\s|$)")


class Term(NamedTuple):
    """An item that is added or taken away."""

    sign: int
    """1 or -1"""
    text: str


def terms(line: str, is_title: Callable[[str], bool]) -> list[Term]:
    """Return what a line adds and takes away.

    A plus or minus between spaces divides, unless what stands around it is one title: "Star Wars:
    Episode IV - A New Hope". Quotation marks around a title are dropped.

    Parameters
    ----------
    is_title : callable
        Tells whether a text is a title or id as it stands.

    Raises
    ------
    ItemNotFound
        Something is missing beside a plus or minus.

    >>> terms('Heat - Alien + "Up"', lambda text: False)
    [Term(sign=1, text='Heat'), Term(sign=-1, text='Alien'), Term(sign=1, text='Up')]
    """
    pieces = _OPERATOR.split(line)
    texts, operators = [one.strip() for one in pieces[::2]], pieces[1::2]
    ends = [0, *(found.end() for found in _OPERATOR.finditer(line))]
    starts = [*(found.start() for found in _OPERATOR.finditer(line)), len(line)]
    found: list[Term] = []
    at = 0
    while at < len(texts):
        last = at
        for end in range(len(texts) - 1, at, -1):
            if is_title(_unquoted(line[ends[at] : starts[end]])):
                last = end
                break
        text = _unquoted(line[ends[at] : starts[last]])
        if not text:
            beside = f" beside {operators[max(at - 1, 0)]!r}" if operators else ""
            raise ItemNotFound(
                f"an item is missing{beside}. Write A + B - C, with a title or an id for each."
            )
        found.append(Term(-1 if at and operators[at - 1] != "+" else 1, text))
        at = last + 1
    return found


def _unquoted(text: str) -> str:
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if is_quoted else text
