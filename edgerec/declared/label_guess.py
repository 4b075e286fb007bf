"""Which label rule a draft names, out of what the value's column is called and what it holds."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.roles import Roles
from edgerec.names import words_in
from edgerec.source import Engine, RowCondition, read_interactions

_SAMPLE_ROWS: Final = 200_000
# Values on more levels than this are weights, as quantities are, and no ratings.
_MOST_LEVELS: Final = 20
# Words of a column that says how much was taken, and not how well it was liked.
_AMOUNTS: Final = frozenset(
    {"quantity", "quantities", "qty", "amount", "count", "counts", "playcount", "plays", "units"}
    | {"price", "cost", "total", "revenue"}
)


@dataclass(frozen=True)
class LabelGuess:
    """The label rule that the values suggest."""

    above: float | None
    """threshold of the rule "above"; None: the rule "taken\""""
    reason: str
    """why, in words that follow "since\""""
    has_untaken: bool = False
    """by the rule "taken", some values are not above 0, as returned goods are"""
    are_ratings: bool = False
    """there are more values than two: who rates has chosen what, and who is shown has not"""

    def sentence(self) -> str:
        """Say which rule it is, why, and what to write where it is wrong."""
        if self.above is None:
            return (
                f'label: the rule "taken", every row is a positive, since {self.reason}. If the '
                'rows hold a rating, write rule = "above" and above = NUMBER under [label].'
            )
        return (
            f'label: the rule "above", a value above {self.above:g} is liked, since {self.reason}. '
            'If every row is a positive, write rule = "taken" under [label].'
        )


def guess_label(engine: Engine, roles: Roles, known: list[RowCondition]) -> LabelGuess:
    """Return the rule that fits the first rows.

    Parameters
    ----------
    known : list of RowCondition
        Which rows have a user and an item.
    """
    column = roles.columns.value
    if column is None:
        return LabelGuess(None, "no column is recognised as a value")
    chunks = read_interactions(
        engine, roles.interactions, roles.columns, chunk_rows=_SAMPLE_ROWS, where=known
    )
    values = next((chunk.values for chunk in islice(chunks, 1)), np.zeros(0))
    values = values[~np.isnan(values)]
    levels = Counter(values.tolist())
    is_flag = len(levels) == 2 and min(levels) == 0
    if is_amount(column) and not is_flag:
        return LabelGuess(
            None, f"{column} says how much and not how well liked", bool((values <= 0).any())
        )
    if (values < 0).any():
        return LabelGuess(None, f"{column} has values below 0", has_untaken=True)
    if len(levels) > _MOST_LEVELS:
        return LabelGuess(None, f"{column} has more than {_MOST_LEVELS} levels, as weights have")
    if len(levels) < 2:
        return LabelGuess(None, f"{column} does not tell rows apart")
    above = _most_even(values, sorted(levels))
    share = float((values > above).mean())
    return LabelGuess(
        above,
        f"{column} has {len(levels)} levels and this divides them most evenly ({share:.0%} above)",
        are_ratings=len(levels) > 2,
    )


def is_amount(column: str) -> bool:
    """Say whether a column is called as amounts are.

    >>> [is_amount(one) for one in ("OrderQty", "unit_price", "QUANTITY", "discount", "rating")]
    [True, True, True, False, False]
    """
    return not _AMOUNTS.isdisjoint(words_in(column))


def _most_even(values: NDArray[np.float64], levels: list[float]) -> float:
    shares = [abs(float((values > level).mean()) - 0.5) for level in levels[:-1]]
    return levels[int(np.argmin(shares))]
