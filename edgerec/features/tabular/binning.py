"""Numbers by where they stand among the others: bins and quantiles."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.features.tabular.options import choice, integer
from edgerec.features.tabular.scaling import Numbers, NumberTransform, quantile
from edgerec.features.tabular.transform import INDICATOR, Array, Transform, required
from edgerec.features.tabular.values import numbers

# scikit-learn cuts the normal distribution here, so that the ends stay finite.
_EDGE: Final = 1e-7


class KBins(Transform):
    """Intervals of equal width or of equally many rows (KBinsDiscretizer).

    Quantiles are interpolated linearly; bins narrower than 1e-8 are joined with their neighbour.

    >>> KBins(2).fit_columns([[[0, 1, 9, 10]]]).transform_columns([[0, 8, None]]).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """

    kind = "k_bins"
    options = (
        integer("n_bins", 5, "how many bins", 2, 1000),
        choice(
            "strategy",
            "quantile",
            "bins of equally many rows, or of equal width",
            ("quantile", "uniform"),
        ),
        choice("encode", "onehot", "a column per bin, or the bin's number", ("onehot", "ordinal")),
        INDICATOR,
    )
    accepts = ("integer", "number", "boolean")
    fitted_from = "aggregates"
    numeric = True
    fitted = ("bin_edges_",)
    missing = "zeros; -1 with `encode=ordinal`"
    unseen = "the first or the last bin where it lies beyond"

    def __init__(
        self,
        n_bins: int = 5,
        strategy: str = "quantile",
        encode: str = "onehot",
        add_indicator: bool = False,
    ) -> None:
        self.n_bins = n_bins
        self.strategy = strategy
        self.encode = encode
        self.add_indicator = add_indicator

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return the moments, or the quantiles between the bins."""
        if self.strategy == "uniform":
            return StatisticsNeeded(moments=True)
        return StatisticsNeeded(quantiles=self._shares())

    def _shares(self) -> tuple[float, ...]:
        return tuple(np.linspace(0, 1, self.n_bins + 1).tolist())

    def _learn(self, collectors: Sequence[Any]) -> None:
        self.bin_edges_ = [self._edges(collector.statistics()) for collector in collectors]

    def _edges(self, statistics: ColumnStatistics) -> list[float]:
        if self.strategy == "uniform":
            low = required(statistics, "minimum", self.kind)
            high = required(statistics, "maximum", self.kind)
            edges = np.linspace(low, high, self.n_bins + 1).tolist()
            return edges if low < high else [low, high]
        edges = [quantile(statistics, share, self.kind) for share in self._shares()]
        if edges[0] == edges[-1]:
            return [edges[0], edges[-1]]
        kept = edges[:1]
        for before, edge in pairwise(edges):
            if edge - before > 1e-8:
                kept.append(edge)
        return kept if len(kept) > 1 else [edges[0], edges[-1]]

    def _column(self, position: int, values: Sequence[object]) -> Array:
        read = numbers(values)
        edges = self.bin_edges_[position]
        bins = np.searchsorted(edges[1:-1], read, side="right")
        bins[np.isnan(read)] = -1
        if self.encode == "ordinal":
            return bins[:, None]
        one_hot: Array = bins[:, None] == np.arange(len(edges) - 1)
        return one_hot

    def _names(self, position: int, name: str) -> list[str]:
        if self.encode == "ordinal":
            return [name]
        return [f"{name}_{bin_}" for bin_ in range(len(self.bin_edges_[position]) - 1)]

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.isnan(numbers(values))


class Quantile(NumberTransform):
    """The share of the fitted rows that lie below, interpolated (QuantileTransformer).

    >>> Quantile().fit_columns([[[1, 2, 9]]]).transform_columns([[2, 99, None]]).tolist()
    [[0.5], [1.0], [0.5]]
    """

    kind = "quantile"
    options = (
        integer("n_quantiles", 1000, "how many quantiles are kept, at most one per row", 2, 10_000),
        choice(
            "output_distribution",
            "uniform",
            "give the share itself, or the number that has it in the normal distribution",
            ("uniform", "normal"),
        ),
        INDICATOR,
    )
    fitted = ("fill_", "quantiles_")
    missing = "transformed as the column's median"
    unseen = "interpolated; 0 or 1 (normal: -5.2 or 5.2) where it lies beyond"
    fill_value = None

    def __init__(
        self,
        n_quantiles: int = 1000,
        output_distribution: str = "uniform",
        add_indicator: bool = False,
    ) -> None:
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution
        self.add_indicator = add_indicator

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return the quantiles: for few rows, as many as there are rows."""
        return StatisticsNeeded(quantiles=(*self._shares(n_rows), 0.5))

    def _shares(self, n_rows: int | None) -> tuple[float, ...]:
        n = self.n_quantiles if n_rows is None else max(1, min(self.n_quantiles, n_rows))
        return tuple(np.linspace(0, 1, n).tolist())

    def _centre(self, statistics: ColumnStatistics) -> float:
        return quantile(statistics, 0.5, self.kind)

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        self.quantiles_ = []
        for one in statistics:
            known = {round(share, 9): value for share, value in one.quantiles}
            found = [
                known[share] if share in known else quantile(one, share, self.kind)
                for share in (round(share, 9) for share in self._shares(one.n_rows))
            ]
            self.quantiles_.append(np.maximum.accumulate(found).tolist())

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        quantiles = np.array(self.quantiles_[position])
        shares = np.linspace(0, 1, len(quantiles))
        # The mean of both directions, so that repeated values stand in the middle of their share.
        rising = np.interp(values, quantiles, shares)
        falling = np.interp(-values, -quantiles[::-1], -shares[::-1])
        share = 0.5 * (rising - falling)
        if self.output_distribution == "uniform":
            share[values >= quantiles[-1]] = 1.0
            share[values <= quantiles[0]] = 0.0
            return share
        share[values + _EDGE > quantiles[-1]] = 1.0
        share[values - _EDGE < quantiles[0]] = 0.0
        edge = -ndtri(_EDGE - np.spacing(1))
        normal: Numbers = np.clip(ndtri(share), -edge, edge)
        return normal
