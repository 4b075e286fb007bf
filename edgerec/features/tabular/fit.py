"""Fitting rules: to statistics where they suffice, else to rows; target means to labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgerec.columns import ColumnStatistics
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.block import Chunk, FeatureBlock, count_rows, selected
from edgerec.features.tabular.rules import FeatureRule
from edgerec.features.tabular.target import TargetMean
from edgerec.features.tabular.transform import Transform


@dataclass(frozen=True)
class LabelledChunk:
    """Interactions with the columns of their item (or user), for target means."""

    columns: Chunk
    """by name"""
    labels: Sequence[float]
    """0 or 1 of each row"""
    folds: Sequence[int]
    """the fold of each row's user, from 0"""


def fit_block(
    rules: Sequence[FeatureRule],
    chunks: Iterable[Chunk] | None = None,
    statistics: Mapping[str, ColumnStatistics] | None = None,
    labelled: Iterable[LabelledChunk] | None = None,
) -> FeatureBlock:
    """Fit rules to a table.

    Parameters
    ----------
    rules : sequence of FeatureRule
    chunks : iterable of mappings, optional
        The rows, read once and only where statistics do not suffice; memory is that of one chunk
        and of the statistics.
    statistics : mapping, optional
        Aggregates of columns; `statistics_needed` says which. They stand for the rows.
    labelled : iterable of LabelledChunk, optional
        What target means are fitted to.

    Raises
    ------
    ConfigurationError
        A column is not there, or a target mean has no labels.

    Examples
    --------
    >>> rules = [
    ...     FeatureRule("price", ("price",), "min_max"),
    ...     FeatureRule("genre", ("genres",), "multi_hot"),
    ... ]
    >>> chunks = [{"price": [1, 3], "genres": ["a|b", "b"]}, {"price": [5], "genres": [None]}]
    >>> block = fit_block(rules, chunks)
    >>> block.names
    ('price', 'genre_a', 'genre_b')
    >>> block.transform({"price": [3, None], "genres": ["b", None]}).tolist()
    [[0.5, 0.0, 1.0], [0.5, 0.0, 0.0]]
    """
    fitted: dict[int, Transform] = {}
    rows: dict[int, Transform] = {}
    labels: dict[int, TargetMean] = {}
    for position, rule in enumerate(rules):
        transform = rule.build()
        if isinstance(transform, TargetMean):
            labels[position] = transform
        elif transform.fitted_from == "nothing":
            fitted[position] = transform.fit_columns((), len(rule.columns))
        elif (given := _from_statistics(rule, transform, statistics or {})) is not None:
            fitted[position] = given
        else:
            rows[position] = transform
    fitted |= _fit_rows(rules, rows, chunks) if rows else {}
    fitted |= _fit_labelled(rules, labels, labelled) if labels else {}
    return FeatureBlock(tuple(rules), tuple(fitted[position] for position in range(len(rules))))


def _from_statistics(
    rule: FeatureRule, transform: Transform, statistics: Mapping[str, ColumnStatistics]
) -> Transform | None:
    """Return the rule's transformer, or None where it takes the rows to fit it."""
    if rule.when is not None or not all(column in statistics for column in rule.columns):
        return None
    try:
        return transform.from_statistics(
            [statistics[column] for column in rule.columns], **rule.build().get_params(deep=False)
        )
    except ConfigurationError:  # they hold something else than is needed
        return None


def _fit_rows(
    rules: Sequence[FeatureRule],
    transforms: Mapping[int, Transform],
    chunks: Iterable[Chunk] | None,
) -> dict[int, Transform]:
    chosen = {position: rules[position] for position in transforms}
    if chunks is None:
        raise ConfigurationError(
            f"Feature rule {next(iter(chosen.values())).name!r} needs the rows of its columns to "
            "be fitted, and neither rows nor statistics that suffice are given. Pass chunks."
        )
    collectors = {
        position: transform.start(len(rules[position].columns))
        for position, transform in transforms.items()
    }
    for chunk in chunks:
        count_rows(tuple(chosen.values()), chunk)
        for position, rule in chosen.items():
            for collector, values in zip(collectors[position], selected(rule, chunk), strict=True):
                collector.add(values)
    return {
        position: transform.finish(collectors[position])
        for position, transform in transforms.items()
    }


def _fit_labelled(
    rules: Sequence[FeatureRule],
    transforms: Mapping[int, TargetMean],
    labelled: Iterable[LabelledChunk] | None,
) -> dict[int, Transform]:
    chosen = {position: rules[position] for position in transforms}
    if labelled is None:
        raise ConfigurationError(
            f"Feature rule {next(iter(chosen.values())).name!r}: a target mean is fitted to "
            "interactions with their labels, and none are given. Pass labelled, or use another "
            "kind."
        )
    n_folds = {transform.n_folds for transform in transforms.values()}
    if len(n_folds) > 1:
        raise ConfigurationError(
            "Feature rules of kind 'target_mean' must have one n_folds, but have "
            f"{', '.join(map(str, sorted(n_folds)))}. Give each the number that the folds of the "
            "users were drawn with."
        )
    sums = {
        position: transform.start_labelled(len(rules[position].columns))
        for position, transform in transforms.items()
    }
    for chunk in labelled:
        count_rows(tuple(chosen.values()), chunk.columns)
        for position, rule in chosen.items():
            transforms[position].add_labelled(
                sums[position], selected(rule, chunk.columns), chunk.labels, chunk.folds
            )
    return {
        position: transform.finish_labelled(sums[position])
        for position, transform in transforms.items()
    }
