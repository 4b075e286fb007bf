"""Names: their words, how they are listed in a sentence, and the nearest one to what came."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def listed(names: Sequence[str]) -> str:
    """Return the names quoted, with commas between.

    >>> listed(["users", "items"]), listed([])
    ('"users", "items"', 'none')
    """
    return ", ".join(f'"{name}"' for name in names) if names else "none"


def words_in(name: str) -> list[str]:
    """Return the words that a name is joined from, in lower case.

    >>> words_in("OrderQty"), words_in("unit_price"), words_in("ISBN")
    (['order', 'qty'], ['unit', 'price'], ['isbn'])
    """
    return [word.lower() for word in _WORD.findall(name)]


def nearest(name: object, valid: Iterable[str], quote: str = '"') -> str:
    """Return a sentence that suggests the valid name nearest to what came, or nothing.

    >>> nearest("minmax", ["min_max", "standard"]), nearest("x", ["min_max"])
    (' Did you mean "min_max"?', '')
    """
    lowered = {candidate.lower(): candidate for candidate in valid}
    matches = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.5)
    return f" Did you mean {quote}{lowered[matches[0]]}{quote}?" if matches else ""
