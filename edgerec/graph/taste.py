"""The taste columns as ONNX nodes: `edgerec.features.taste.columns`, for one request.

ONNX has no solver and no inverse. The reference solves A·taste = b exactly; here the solution is
a polynomial of A in factored form. A is 1 plus something positive, so its eigenvalues lie between
1 and `largest`, 1 plus the trace of that something at most. Of all polynomials R with R(0) = 1, a
Chebyshev polynomial, scaled, is the smallest between these bounds, and 1 - R is A times an
approximate inverse. Chebyshev polynomials of doubled degree come by squaring,
T_2n = 2 T_n² - 1, and so

    A⁻¹ b = … c₂ (1 + R₂) c₁ (1 + R₁) c₀ (1 + R₀) q b,    R of the next = c R² - (c - 1)

where c and q depend on `largest` alone. Each factor takes one product of matrices, and there are
half as many as a Neumann series needs, whose factors are 1 + E, 1 + E², 1 + E⁴ ….
Squaring rounds, so what is left over goes through the factors once more.

References: Saad 2003, "Iterative methods for sparse linear systems", section 6.11.4 (Chebyshev
polynomials); Pan and Schreiber 1991, "An improved Newton iteration for the generalized inverse of
a matrix, with applications", section 4 (their scaled iteration, which squares like this).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgerec.features.taste.columns import COLUMNS, N_WEIGHTINGS, part_mask, recency
from edgerec.features.taste.tables import SIGNALS, TasteTables
from edgerec.graph.nodes import GraphBuilder

# How far the factors solve by themselves; what is left over is then solved as far again.
_LEFT_OVER: Final = 1e-3


class TasteFeatures:
    """Adds the columns of one request.

    Axes: S signals, W weightings, H slots, D directions, L latent ones.

    Parameters
    ----------
    history_rows : str
        int64 [H]: item rows, newest first.
    stated : str
        float32 [H, 1]: 1 where a slot states a value.
    value_and_liked : str
        float32 [H, 2]
    labels_known : bool
        False: a history does not say what was liked.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        tables: TasteTables,
        history_rows: str,
        stated: str,
        value_and_liked: str,
        n_history: int,
        labels_known: bool,
    ) -> None:
        self._graph = graph
        self._tables = tables
        self._n_history = n_history
        self._n_signals = len(tables.signals)
        self._n_known = tables.basis.shape[2]
        self._n_latent = tables.latent.shape[3]
        self._size = self._n_known + self._n_latent
        weight = tables.weight[-1].copy()
        if not labels_known:
            weight[-1] = 0
        self._levels = np.stack([tables.level[-1], tables.spread[-1], weight], axis=2)
        self._root = graph.table("taste_root", tables.root[-1])
        # [S, D, W]
        self.taste = self._solved(*self._system(history_rows, stated, value_and_liked))

    def candidate_columns(self, rows: str) -> str:
        """Return [N, S * len(COLUMNS)]."""
        graph = self._graph
        # Level and spread are as two directions more, which the last columns read as they are.
        levels = self._slice(self._level_of(rows), 0, 2)
        directions = self._concat([self._directions(rows), levels], 2)
        mask = part_mask(self._tables)
        weighting = [number if number < N_WEIGHTINGS else 0 for number in range(len(COLUMNS))]
        by_column = graph.add("Gather", [self.taste, graph.constant(weighting)], axis=2)
        by_column = self._mul(by_column, graph.table("taste_columns", mask))
        as_they_are = np.zeros((self._n_signals, 2, len(COLUMNS)), np.float32)
        as_they_are[:, 0, :N_WEIGHTINGS] = 1
        as_they_are[:, 0, COLUMNS.index("of_item")] = 1
        as_they_are[:, 1, COLUMNS.index("spread_of_item")] = 1
        by_column = self._concat([by_column, graph.table("taste_as_they_are", as_they_are)], 1)
        columns = graph.add("MatMul", [directions, by_column])
        by_candidate = graph.add("Transpose", [columns], perm=[1, 0, 2])
        width = self._n_signals * len(COLUMNS)
        return graph.add("Reshape", [by_candidate, graph.constant([-1, width])])

    def _directions(self, rows: str) -> str:
        """Return the directions of items: [S, n, D]."""
        graph, tables = self._graph, self._tables
        known = graph.rows("taste_basis", tables.basis[-1], rows)
        known = graph.add("Expand", [known, graph.constant([self._n_signals, 1, 1])])
        if not self._n_latent:
            return known
        latent = graph.rows("taste_latent_directions", tables.latent[-1], rows, 1)
        return self._concat([known, latent], 2)

    def _level_of(self, rows: str) -> str:
        """Return level, its spread, and the weight of an event: [S, n, 3]."""
        return self._graph.rows("taste_levels", self._levels, rows, 1)

    def _system(self, rows: str, stated: str, value_and_liked: str) -> tuple[str, str]:
        """Return A - 1 [S, W, D, D] and b [S, W, D, 1]."""
        graph, n_latent, size = self._graph, self._n_latent, self._size
        directions, levels = self._directions(rows), self._level_of(rows)
        scaled = graph.add("MatMul", [directions, self._root])
        signal = graph.add("Transpose", [value_and_liked], perm=[1, 0])
        if self._n_signals < len(SIGNALS):
            signal = graph.add("Gather", [signal, graph.constant([1])], axis=0)
        signal = graph.add("Unsqueeze", [signal, graph.constant([2])])
        rest = graph.add("Sub", [signal, self._slice(levels, 0, 1)])
        weight = self._mul(self._slice(levels, 2, 3), stated)
        factors = graph.add(
            "Slice",
            [
                graph.table("taste_recency", recency(self._n_history)),
                graph.constant([0]),
                graph.add("Shape", [rows]),
                graph.constant([1]),
            ],
        )
        # [S, W, 1, H]
        weight = self._mul(graph.add("Transpose", [weight], perm=[0, 2, 1]), factors)
        axis = graph.constant([2])
        weight = graph.add("Unsqueeze", [weight, axis])
        axis = graph.constant([1])
        transposed = graph.add("Transpose", [scaled], perm=[0, 2, 1])
        weighted = self._mul(graph.add("Unsqueeze", [transposed, axis]), weight)
        other = graph.add("Unsqueeze", [self._concat([scaled, rest], 2), axis])
        total = graph.add("MatMul", [weighted, other])
        system = self._slice(total, 0, size, 3)
        variances = self._tables.latent_variance[-1]
        if variances.any():
            if (variances == variances[..., :1]).all():
                # One number an item serves all its directions.
                variances = np.ascontiguousarray(variances[..., :1])
            variance = graph.rows("taste_variance", variances, rows, 1)
            variance = graph.add("Unsqueeze", [variance, axis])
            uncertain = graph.add("MatMul", [weight, variance])
            of_latent = self._tables.root[-1][:, None, -n_latent:]
            transposed = graph.table("taste_latent_columns", of_latent.swapaxes(2, 3))
            product = [self._mul(transposed, uncertain), graph.table("taste_latent", of_latent)]
            system = graph.add("Add", [system, graph.add("MatMul", product)])
        return system, self._slice(total, size, size + 1, 3)

    def _solved(self, above_one: str, target: str) -> str:
        """Return the tastes [S, D, W]: root · A⁻¹ · target, where A is 1 + `above_one`."""
        graph = self._graph
        factors = solver_factors(self._tables, self._n_history)
        identity = graph.table("taste_identity", np.eye(self._size, dtype=np.float32))

        # Multiplied once, by ONNX Runtime when it loads the graph.
        def times_identity(factor: float) -> str:
            return self._mul(identity, graph.number(factor))

        scaled = self._mul(above_one, graph.number(factors.first))
        left_over = [graph.add("Sub", [times_identity(1 - factors.first), scaled])]
        for factor in factors.doubling:
            square = graph.add("MatMul", [left_over[-1], left_over[-1]])
            square = self._mul(square, graph.number(factor))
            left_over.append(graph.add("Sub", [square, times_identity(factor - 1)]))

        def inverse_of(vector: str) -> str:
            vector = self._mul(vector, graph.number(factors.of_all))
            for one in left_over:
                vector = graph.add("Add", [vector, graph.add("MatMul", [one, vector])])
            return vector

        solution = inverse_of(target)
        product = graph.add("Add", [solution, graph.add("MatMul", [above_one, solution])])
        missing = graph.add("Sub", [target, product])
        solution = graph.add("Add", [solution, inverse_of(missing)])
        # [S, W, D, 1] to [S, D, W]
        by_direction = graph.add("Squeeze", [solution, graph.constant([3])])
        by_direction = graph.add("Transpose", [by_direction], perm=[0, 2, 1])
        return graph.add("MatMul", [self._root, by_direction])

    def _slice(self, name: str, start: int, end: int, axis: int = 2) -> str:
        graph = self._graph
        bounds = [graph.constant([one]) for one in (start, end, axis)]
        return graph.add("Slice", [name, *bounds])

    def _concat(self, names: list[str], axis: int) -> str:
        return self._graph.add("Concat", names, axis=axis)

    def _mul(self, left: str, right: str) -> str:
        return self._graph.add("Mul", [left, right])


@dataclass(frozen=True)
class SolverFactors:
    """The numbers of the solver's polynomial; see the head of this module."""

    first: float
    """R₀ is 1 - first · A"""
    doubling: tuple[float, ...]
    """c of R₁, R₂, …"""
    of_all: float
    """q c₀ c₁ …: what the solution is scaled with"""


def solver_factors(tables: TasteTables, n_history: int) -> SolverFactors:
    """Return what solves the stiffest system that `n_history` items can make."""
    squares = (tables.scaled[-1].astype(np.float64) ** 2).sum(axis=2)
    n_latent = tables.latent.shape[3]
    of_latent = tables.root[-1][:, tables.root.shape[3] - n_latent :].astype(np.float64)
    squares += (tables.latent_variance[-1] * (of_latent**2).sum(axis=2)[:, None]).sum(axis=2)
    trace = np.sort(tables.weight[-1] * squares, axis=1)[:, -n_history:].sum(axis=1).max()
    return chebyshev_factors(1 + float(trace))


def chebyshev_factors(largest: float) -> SolverFactors:
    """Return the factors for eigenvalues from 1 to `largest`.

    >>> factors = chebyshev_factors(100.0)
    >>> left_over, solution = 1 - factors.first * 50.0, factors.of_all
    >>> for c in (*factors.doubling, 0):
    ...     solution *= 1 + left_over
    ...     left_over = c * left_over**2 - (c - 1)
    >>> abs(50.0 * solution - 1) < 1e-3
    True
    """
    # Where nothing is learned from a history the interval would be a point, and 1 / 0 below.
    largest = max(largest, 1 + 1e-3)
    # T_n(start) is 1 over the largest value of R; it grows as exp(2 n / sqrt(largest)) / 2.
    degree = math.sqrt(largest) * math.log(2 / _LEFT_OVER) / 2
    n_factors = max(1, math.ceil(math.log2(degree)))
    of_all = first = 2 / (largest + 1)
    chebyshev = (largest + 1) / (largest - 1)
    doubling = []
    for _ in range(n_factors):
        squared = 2 * chebyshev * chebyshev
        doubling.append(squared / (squared - 1))
        of_all *= doubling[-1]
        chebyshev = squared - 1
    return SolverFactors(first, tuple(doubling[:-1]), of_all)
