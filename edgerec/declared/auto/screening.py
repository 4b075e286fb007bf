"""Which columns are not tried, for what they are: constants, ids in disguise, duplicates."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.auto.profile import ColumnProfile
from edgerec.declared.auto.things import ThingRows
from edgerec.features.tabular.values import Key, keys, numbers, seconds

# Values of which nearly none comes twice.
_UNIQUE: Final = 0.95
# Fewer rows than this say nothing of what is unique or one-to-one.
_FEWEST_ROWS: Final = 20
# Further rows of one user or item have its first value, but for slips of the pen.
_AGREEMENT: Final = 0.9
# How far quantiles may lie from those of evenly spread numbers, as a share of the range.
_EVENLY: Final = 0.06


def drop_by_form(rows: ThingRows, profiles: Mapping[str, ColumnProfile]) -> dict[str, str]:
    """Return the columns that carry nothing about their user or item, each with the reason."""
    dropped: dict[str, str] = {}
    for name, profile in profiles.items():
        reason = _reason(rows, profile)
        if reason is not None:
            dropped[name] = reason
    values = {name: keys(column) for name, column in rows.columns.items() if name not in dropped}
    coded = {name: _codes(column) for name, column in values.items()}
    for first, second in combinations(values, 2):
        if first in dropped or second in dropped:
            continue
        if np.array_equal(coded[first], coded[second]):
            how = _one_to_one(coded[first], values[first] == values[second])
        else:
            how = None
        if how is None and _is_multiple(rows, profiles[first], profiles[second]):
            how = "a multiple of"
        if how is not None:
            dropped[second] = f"{how} {first}"
    return dropped


def _reason(rows: ThingRows, profile: ColumnProfile) -> str | None:
    name = profile.name
    if profile.n_values == 0:
        return "empty"
    if profile.n_distinct < 2 and profile.n_values == profile.n_rows:
        return "constant"
    if profile.n_distinct < 2:
        return "constant where it is filled"
    if rows.agreement[name] < _AGREEMENT:
        return (
            f"differs between rows of one {rows.id} ({1 - rows.agreement[name]:.0%}): it describes "
            "the interaction"
        )
    if profile.form == "other":
        return "of a type that no kind of feature takes"
    if _is_id(rows, profile):
        return f"an id in disguise: {profile.n_distinct} values in {profile.n_values} rows"
    return None


def _is_id(rows: ThingRows, profile: ColumnProfile) -> bool:
    """Say whether values tell rows apart and nothing else.

    Texts of several words, moments and numbers with a fraction are measured or written, however
    few come twice. Whole numbers are ids where they rise with the rows, or are spread as evenly as
    numbers that are handed out; amounts crowd somewhere.
    """
    is_unique = profile.n_distinct >= max(_UNIQUE * profile.n_values, _FEWEST_ROWS)
    if not is_unique:
        return False
    if profile.form in ("code", "category"):
        return True
    return profile.form == "number" and profile.is_whole and _is_handed_out(rows, profile)


def _is_handed_out(rows: ThingRows, profile: ColumnProfile) -> bool:
    values = numbers(rows.columns[profile.name])
    values = values[~np.isnan(values)]
    steps = np.diff(values)
    if len(steps) and max((steps > 0).mean(), (steps < 0).mean()) >= _UNIQUE:
        return True
    low, high = values.min(), values.max()
    shares = np.linspace(0, 1, 21)
    even = low + shares * (high - low)
    return bool(np.abs(np.quantile(values, shares) - even).max() <= _EVENLY * (high - low))


def _one_to_one(codes: NDArray[np.int64], is_equal: bool) -> str | None:
    """Return what two columns with the same codes are; None: that they have them says nothing."""
    if is_equal:
        return "equal to"
    n_values = int((codes >= 0).sum())
    # Where nearly every value is its row's own, any two columns are one-to-one.
    recurs = n_values >= _FEWEST_ROWS and codes.max() + 1 <= n_values / 2
    return "one-to-one with" if recurs else None


def _is_multiple(rows: ThingRows, first: ColumnProfile, second: ColumnProfile) -> bool:
    forms = {first.form, second.form}
    if forms not in ({"number"}, {"moment"}):
        return False
    read = numbers if forms == {"number"} else _moments
    one, other = read(rows.columns[first.name]), read(rows.columns[second.name])
    return np.array_equal(np.isnan(one), np.isnan(other)) and _is_linear(one, other)


def _moments(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array([seconds(value) for value in values])


def _is_linear(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    there = ~np.isnan(one) & ~np.isnan(other)
    if there.sum() < _FEWEST_ROWS or one[there].std() == 0 or other[there].std() == 0:
        return False
    return bool(abs(np.corrcoef(one[there], other[there])[0, 1]) > 1 - 1e-9)


def _codes(values: Sequence[Key | None]) -> NDArray[np.int64]:
    """Return a number per different value, in order of appearance; -1: missing."""
    number: dict[object, int] = {}
    return np.array(
        [-1 if value is None else number.setdefault(value, len(number)) for value in values],
        np.int64,
    )
