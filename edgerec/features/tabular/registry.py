"""All feature kinds by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from edgerec.columns import ColumnKind, StatisticsNeeded
from edgerec.errors import ConfigurationError, StateError
from edgerec.features.tabular.binning import KBins, Quantile
from edgerec.features.tabular.categories import Hashing, MultiHot, OneHot, Ordinal
from edgerec.features.tabular.conditions import When
from edgerec.features.tabular.dates import Age, DateParts
from edgerec.features.tabular.extract import Extract
from edgerec.features.tabular.options import Option, check_options
from edgerec.features.tabular.scaling import Identity, MaxAbs, MinMax, Robust, Standard
from edgerec.features.tabular.shaping import Clip, Log, Normalize
from edgerec.features.tabular.target import TargetMean
from edgerec.features.tabular.transform import FittedFrom, Transform
from edgerec.features.tabular.words import CharNGrams, Count, TfIdf
from edgerec.names import nearest


@dataclass(frozen=True)
class TransformKind:
    """What there is to know of a feature kind."""

    name: str
    """as in a rule"""
    transform: type[Transform]
    """the scikit-learn transformer"""
    options: tuple[Option, ...]
    """what can be set, with defaults"""
    accepts: tuple[ColumnKind, ...]
    """kinds of columns that it is meant for"""
    n_columns: tuple[int, int | None]
    """the least and the most columns of a rule"""
    fitted_from: FittedFrom
    """aggregates of a column, every value with its count, rows with labels, or nothing at all"""
    doc: str
    """what it gives, in one sentence"""
    missing: str
    """what a missing value gives"""
    unseen: str
    """what a value gives that was not there when fitting"""

    def needs(self, options: Mapping[str, object], n_rows: int | None = None) -> StatisticsNeeded:
        """Return which aggregates suffice to fit it with these options to so many rows.

        >>> TRANSFORMS["min_max"].needs({}).moments
        True
        """
        return build(self.name, options).needs(n_rows)


def _kind(transform: type[Transform]) -> TransformKind:
    return TransformKind(
        name=transform.kind,
        transform=transform,
        options=transform.options,
        accepts=transform.accepts,
        n_columns=transform.n_columns,
        fitted_from=transform.fitted_from,
        doc=(transform.__doc__ or "").strip().splitlines()[0],
        missing=transform.missing,
        unseen=transform.unseen,
    )


TRANSFORMS: Final[Mapping[str, TransformKind]] = MappingProxyType(
    {
        transform.kind: _kind(transform)
        for transform in (
            *(Identity, MinMax, Standard, MaxAbs, Robust, Log, Clip, KBins, Quantile, Normalize),
            *(OneHot, Ordinal, Hashing, MultiHot, TargetMean),
            *(Count, TfIdf, CharNGrams, DateParts, Age, Extract, When),
        )
    }
)


def build(kind: str, options: Mapping[str, Any] | None = None) -> Transform:
    """Return a transformer that is not fitted yet.

    Raises
    ------
    ConfigurationError
        There is no such kind or option, or its value is not allowed.

    Examples
    --------
    >>> build("min_max", {"clip": True})
    MinMax(clip=True)
    """
    if kind not in TRANSFORMS:
        hint = nearest(kind, TRANSFORMS, "'")
        raise ConfigurationError(
            f"There is no feature kind {kind!r}.{hint} The kinds are {', '.join(TRANSFORMS)}."
        )
    given = dict(options or {})
    check_options(kind, TRANSFORMS[kind].options, given)
    transform = TRANSFORMS[kind].transform(**given)
    transform.check()
    return transform


def transform_from_state(state: Mapping[str, Any]) -> Transform:
    """Return the transformer whose `to_state` it is.

    >>> transform_from_state(build("hashing").fit_columns([]).to_state())
    Hashing()
    """
    kind = str(state.get("kind"))
    if kind not in TRANSFORMS:
        raise StateError(
            f"The state of a feature is of kind {kind!r}, which does not exist. Fit the features "
            "again."
        )
    return TRANSFORMS[kind].transform.from_state(dict(state))
