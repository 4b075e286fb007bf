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
Written with P = 1 + R and Q = R - 1, the next are Q' = c P Q and P' = Q' + 2: squares of R itself
would round so much that what is left over had to go through all factors once more.

References: Saad 2003, "Iterative methods for sparse linear systems", section 6.11.4 (Chebyshev
polynomials); Pan and Schreiber 1991, "An improved Newton iteration for the generalized inverse of
a matrix, with applications", section 4 (their scaled iteration, which squares like this).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.columns import COLUMNS, N_WEIGHTINGS, part_mask, recency
from edgerec.features.taste.stiffness import stiffest, stiffness
from edgerec.features.taste.tables import SIGNALS, Array, TasteTables
from edgerec.graph.history import SlotTensors
from edgerec.graph.nodes import GraphBuilder

# How far the factors solve: rounding leaves as much.
_LEFT_OVER: Final = 1e-6


class TasteFeatures:
    """Adds the columns of one request.

    Axes: S signals, W weightings, H slots, D directions of a signal, L latent ones, F directions
    of all signals: the known ones, which are the same, and the latent ones of each.

    Parameters
    ----------
    history : SlotTensors
        Their weight says that a history does not say what was liked, where it does not.
    added_items : int64, optional
        Rows of items that were added after training; the solver is that of the others.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        tables: TasteTables,
        history: SlotTensors,
        n_history: int,
        added_items: NDArray[np.int64] | None = None,
    ) -> None:
        self._graph = graph
        self._tables = tables
        self._n_history = n_history
        self._added_items = added_items
        self._n_signals = len(tables.signals)
        self._n_latent = tables.latent.shape[3]
        self._size = tables.root.shape[-1]
        self._every = np.concatenate([tables.basis[-1], *tables.latent[-1]], axis=1)
        self._roots = _among_all(tables, tables.root[-1])
        # [F, S * D]
        self._root = graph.table("taste_root", np.concatenate([*self._roots], axis=1))
        # [S, W, D, 1]
        self._solution = self._solved(*self._system(history))

    def candidate_columns(self, rows: str, numbers: str) -> str:
        """Return [N, S * len(COLUMNS)].

        `numbers` [N, 3 S] are level, spread and weight of each signal.
        """
        graph = self._graph
        n_signals, width, size = self._roots.shape
        # The same numbers as [S, 1, F, D]: turned once, by ONNX Runtime when it loads the graph.
        root = graph.add("Reshape", [self._root, graph.constant([width, n_signals, 1, size])])
        root = graph.add("Transpose", [root], perm=[1, 2, 0, 3])
        tastes = graph.add("MatMul", [root, self._solution])
        tastes = graph.add("Reshape", [tastes, graph.constant([-1, width])])
        # Of which signal and weighting a column is, picked by a product; which directions it has.
        every = np.eye(self._n_signals * N_WEIGHTINGS, dtype=np.float32)
        weighting = [number if number < N_WEIGHTINGS else 0 for number in range(len(COLUMNS))]
        picked = [
            signal * N_WEIGHTINGS + one for signal in range(self._n_signals) for one in weighting
        ]
        by_column = graph.add("MatMul", [graph.table("taste_picks", every[picked]), tastes])
        by_column = self._mul(by_column, graph.table("taste_columns", self._mask()))
        levels = graph.add(
            "MatMul", [numbers, graph.table("taste_as_they_are", self._as_they_are())]
        )
        return graph.add("Gemm", [self._directions(rows), by_column, levels], transB=1)

    def _mask(self) -> Array:
        """Return which directions make up each column: [S * len(COLUMNS), F]."""
        own = np.stack([part_mask(self._tables)] * self._n_signals)
        columns = _among_all(self._tables, own).swapaxes(1, 2)
        return columns.reshape(-1, columns.shape[2])

    def _as_they_are(self) -> Array:
        """Return what columns have of level, spread and weight: [3 S, S * len(COLUMNS)]."""
        n_signals = self._n_signals
        wide = np.zeros((3, n_signals, n_signals, len(COLUMNS)), np.float32)
        for signal in range(n_signals):
            wide[0, signal, signal, :N_WEIGHTINGS] = 1
            wide[0, signal, signal, COLUMNS.index("of_item")] = 1
            wide[1, signal, signal, COLUMNS.index("spread_of_item")] = 1
        return wide.reshape(3 * n_signals, -1)

    def _directions(self, rows: str) -> str:
        """Return the directions of items: [n, F]."""
        return self._graph.rows("taste_directions", self._every, rows)

    def _system(self, history: SlotTensors) -> tuple[str, str]:
        """Return A - 1 [S, W, D, D] and b [S, W, D, 1]."""
        graph, n_latent, size = self._graph, self._n_latent, self._size
        n_signals = self._n_signals
        scaled = [self._directions(history.rows), self._root]
        scaled_rows = graph.add("Transpose", [graph.add("MatMul", scaled)], perm=[1, 0])
        slots = graph.add("Reshape", [scaled_rows, graph.constant([n_signals, 1, size, -1])])
        signal = history.value_and_liked if n_signals == len(SIGNALS) else history.liked
        rest = graph.add("Sub", [signal, history.level])
        rest = graph.add("Reshape", [rest, graph.constant([n_signals, 1, -1, 1])])
        every = graph.table("taste_recency", recency(self._n_history)[None, :, None])
        bounds = [graph.constant([0]), history.count, graph.constant([3])]
        factors = graph.add("Slice", [every, *bounds])
        weight = self._mul(history.weight, history.stated)
        weight = graph.add("Reshape", [weight, graph.constant([n_signals, 1, 1, -1])])
        # [S, W, 1, H]
        weight = self._mul(weight, factors)
        weighted = self._mul(slots, weight)
        turned = graph.add("Transpose", [slots], perm=[0, 1, 3, 2])
        system = graph.add("MatMul", [weighted, turned])
        variances = self._tables.latent_variance[-1]
        if variances.any():
            if (variances == variances[..., :1]).all():
                # One number an item serves all its directions.
                variances = np.ascontiguousarray(variances[..., :1])
            variance = graph.rows("taste_variance", variances, history.rows, 1)
            variance = graph.add("Unsqueeze", [variance, graph.constant([1])])
            uncertain = graph.add("MatMul", [weight, variance])
            of_latent = self._tables.root[-1][:, None, -n_latent:]
            transposed = graph.table("taste_latent_columns", of_latent.swapaxes(2, 3))
            product = [self._mul(transposed, uncertain), graph.table("taste_latent", of_latent)]
            system = graph.add("Add", [system, graph.add("MatMul", product)])
        return system, graph.add("MatMul", [weighted, rest])

    def _solved(self, above_one: str, target: str) -> str:
        """Return A⁻¹ · target [S, W, D, 1], where A is 1 + `above_one`."""
        graph = self._graph
        factors = solver_factors(self._tables, self._n_history, self._added_items)
        identity = graph.table("taste_identity", np.eye(self._size, dtype=np.float32))
        # Multiplied and repeated once, by ONNX Runtime when it loads the graph: sums of equal
        # shapes are the fast ones.
        shape = graph.constant([self._n_signals, N_WEIGHTINGS, self._size, self._size])
        one = graph.add("Expand", [identity, shape])
        two = self._mul(one, graph.number(2.0))
        matrix = graph.add("Add", [above_one, one])
        less = self._mul(matrix, graph.number(-factors.first))
        more = [graph.add("Add", [less, two])]
        for factor in factors.doubling:
            less = self._mul(graph.add("MatMul", [more[-1], less]), graph.number(factor))
            more.append(graph.add("Add", [less, two]))
        solution = self._mul(target, graph.number(factors.of_all))
        for one in more:
            solution = graph.add("MatMul", [one, solution])
        return solution

    def _mul(self, left: str, right: str) -> str:
        return self._graph.add("Mul", [left, right])


def _among_all(tables: TasteTables, own: Array) -> Array:
    """Return rows of each signal's directions where these stand among all: [S, D, …] to [S, F, …].

    The others are 0.
    """
    n_signals, size, width = own.shape
    n_latent = tables.latent.shape[3]
    n_known = size - n_latent
    wide = np.zeros((n_signals, n_known + n_signals * n_latent, width), np.float32)
    for signal in range(n_signals):
        latent = n_known + signal * n_latent
        wide[signal, :n_known] = own[signal, :n_known]
        wide[signal, latent : latent + n_latent] = own[signal, n_known:]
    return wide


@dataclass(frozen=True)
class SolverFactors:
    """The numbers of the solver's polynomial; see the head of this module."""

    first: float
    """R₀ is 1 - first · A"""
    doubling: tuple[float, ...]
    """c of R₁, R₂, …"""
    of_all: float
    """q c₀ c₁ …: what the solution is scaled with"""


def solver_factors(
    tables: TasteTables, n_history: int, added_items: NDArray[np.int64] | None = None
) -> SolverFactors:
    """Return what solves the stiffest system that `n_history` items can make.

    Added items are none of them: `no_stiffer` saw to it.
    """
    of_trained = np.delete(stiffness(tables)[-1], [] if added_items is None else added_items, 1)
    return chebyshev_factors(1 + float(stiffest(of_trained, n_history).sum(axis=1).max()))


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
