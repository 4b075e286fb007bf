"""What is known of a column: its distribution from the database, its form from rows."""

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.declared.auto.things import ThingRows, some_values
from edgerec.errors import SourceError
from edgerec.features.tabular.values import keys, moment, numbers, tokens
from edgerec.source import Engine, column_statistics, quantiles

Form = Literal["number", "flag", "moment", "members", "category", "words", "code", "other"]

SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_N_LOOKED_AT: Final = 5000
_SEPARATORS: Final = ("|", ";", ",")
_MOST_MEMBERS: Final = 300
_YEAR: Final = re.compile(r"\((\d{4})\)\s*$")
_ID_NAME: Final = re.compile(r"(?:^id|_id|Id|ID|No|_no|_number)$")
# Unix seconds of 1990 and 2100: an integer between them in every row is a time.
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a table of users or items."""

    name: str
    form: Form
    """what its values are, whatever type they are stored in"""
    n_rows: int
    n_values: int
    """rows that have one"""
    n_distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    spread: float | None = None
    """the population's standard deviation"""
    quantiles: tuple[float, ...] = ()
    """at SHARES, of numbers"""
    is_whole: bool = False
    """numbers without a fraction"""
    separator: str = "|"
    """what stands between members"""
    n_members: int = 0
    """different members of the lists that were looked at"""
    has_year: bool = False
    """texts end in a year in brackets"""
    has_hours: bool = False
    """moments are not all at midnight"""
    n_words: float = 0.0
    """words of a text, on average"""

    @property
    def filled(self) -> float:
        """The share of rows that have a value."""
        return self.n_values / self.n_rows if self.n_rows else 0.0

    @property
    def is_skewed(self) -> bool:
        """Whether the upper half of the middle 90 % is several times as wide as the lower.

        >>> ColumnProfile("x", "number", 9, 9, 9, 0, 90, quantiles=(1, 2, 4, 9, 50)).is_skewed
        True
        """
        if len(self.quantiles) != len(SHARES) or self.minimum is None or self.minimum < 0:
            return False
        low, _, middle, _, high = self.quantiles
        return high - middle > 3 * max(middle - low, 1e-12)


def looks_like_id(name: str) -> bool:
    """Say whether a column is called as ids are.

    >>> looks_like_id("imdbId"), looks_like_id("director_id"), looks_like_id("width")
    (True, True, False)
    """
    return bool(_ID_NAME.search(name))


def profile_columns(engine: Engine, rows: ThingRows) -> dict[str, ColumnProfile]:
    """Return the profile of each column.

    Counts, moments and quantiles are the database's where the table has one row per thing, and of
    the rows that were read where it has several.
    """
    counted = _from_database(engine, rows) if rows.has_one_row_each else {}
    return {
        name: _profile(engine, rows, name, values, counted.get(name))
        for name, values in rows.columns.items()
    }


def _from_database(engine: Engine, rows: ThingRows) -> Mapping[str, ColumnStatistics]:
    names = list(rows.columns)
    if not names:
        return {}
    all_of_it = StatisticsNeeded(moments=True, n_distinct=True)
    try:
        return column_statistics(engine, rows.table, dict.fromkeys(names, all_of_it))
    except SourceError:
        # One cell that is no number spoils the query; that column is counted from rows.
        found: dict[str, ColumnStatistics] = {}
        for name in names:
            try:
                found |= column_statistics(engine, rows.table, {name: all_of_it})
            except SourceError:
                continue
        return found


def _profile(
    engine: Engine,
    rows: ThingRows,
    name: str,
    values: Sequence[object],
    counted: ColumnStatistics | None,
) -> ColumnProfile:
    there = [value for value in values if value is not None]
    n_distinct = len(set(keys(there)))
    n_rows, n_values = len(values), len(there)
    if counted is not None and counted.n_distinct is not None:
        n_rows, n_values = counted.n_rows, counted.n_rows - counted.n_null
        n_distinct = counted.n_distinct
    sample = some_values(values, _N_LOOKED_AT)
    form = _form(rows.kinds[name], sample, n_values, n_distinct)
    if form == "number" and looks_like_id(name):
        form = "category"  # of what another table holds
    if form == "number":
        read = numbers(there)
        read = read[~np.isnan(read)]
        points: tuple[float, ...] = ()
        if counted is not None and counted.mean is not None:
            mean, spread = counted.mean, counted.standard_deviation
            found = quantiles(engine, rows.table, name, SHARES)
            points = tuple(one for one in found if one is not None)
            low, high = _as_number(counted.minimum), _as_number(counted.maximum)
        elif len(read):
            mean, spread = statistics.fmean(read.tolist()), float(read.std())
            points = tuple(np.quantile(read, SHARES).tolist())
            low, high = float(read.min()), float(read.max())
        else:
            return ColumnProfile(name, "other", n_rows, n_values, n_distinct)
        is_whole = bool((read == np.floor(read)).all())
        return ColumnProfile(
            *(name, form, n_rows, n_values, n_distinct, low, high, mean, spread, points),
            is_whole=is_whole,
        )
    texts = [value for value in sample if isinstance(value, str)]
    separator = _separator(texts) or "|"
    members = {one for value in sample for one in tokens(value, separator) or ()}
    return ColumnProfile(
        *(name, form, n_rows, n_values, n_distinct),
        separator=separator,
        n_members=len(members) if form == "members" else 0,
        has_year=bool(texts) and sum(map(bool, map(_YEAR.search, texts))) > 0.8 * len(texts),
        has_hours=form == "moment" and any(_has_hours(value) for value in sample),
        n_words=statistics.fmean(len(text.split()) for text in texts) if texts else 0.0,
    )


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _form(kind: str, sample: Sequence[object], n_values: int, n_distinct: int) -> Form:
    if not sample:
        return "other"
    if kind in ("date", "datetime"):
        return "moment"
    if kind == "boolean" or all(type(value) is bool for value in sample):
        return "flag"
    if kind in ("integer", "number"):
        read = numbers(sample)
        if np.isnan(read).mean() > 0.5:
            return "other"
        is_time = kind == "integer" and np.nanmin(read) >= _FIRST_SECOND
        if is_time and np.nanmax(read) <= _LAST_SECOND:
            return "moment"
        return "number"
    if kind == "json":
        return "members" if all(isinstance(value, list) for value in sample) else "other"
    return _form_of_texts([str(value) for value in sample], n_values, n_distinct)


def _form_of_texts(texts: Sequence[str], n_values: int, n_distinct: int) -> Form:
    if sum(moment(text) is not None and len(text.strip()) >= 8 for text in texts) > 0.95 * len(
        texts
    ):
        return "moment"
    if all(text.strip().startswith("[") and text.strip().endswith("]") for text in texts):
        return "members"
    if _separator(texts) is not None:
        return "members"
    if n_distinct <= n_values / 2:
        return "category"
    return "words" if statistics.fmean(len(text.split()) for text in texts) >= 1.5 else "code"


def _separator(texts: Sequence[str]) -> str | None:
    """Return what separates the members of lists, whose members recur as those of prose do not."""
    for separator in _SEPARATORS:
        if sum(separator in text for text in texts) <= 0.3 * len(texts):
            continue
        members = Counter(member for text in texts for member in tokens(text, separator) or ())
        if len(members) <= min(_MOST_MEMBERS, len(texts) / 5):
            return separator
    return None


def _has_hours(value: object) -> bool:
    time = moment(value)
    return time is not None and (time.hour, time.minute) != (0, 0)
