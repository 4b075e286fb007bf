"""Looks into an exported graph: the feature vectors it computes, and its scores of others."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import EvaluationError
from edgerec.export.id_list import ids_of
from edgerec.export.parity import open_session
from edgerec.graph.cut import SEEN, cut_at_features
from edgerec.graph.idmaps import hashed_tensors
from edgerec.ids import IdType
from edgerec.recsys import Id
from edgerec.schema import Request


class Seen(NamedTuple):
    """What the graph computed on the way to its scores."""

    features: NDArray[np.float32]
    """[N, width]"""
    history: list[Id]
    """the effective history, oldest first: what the file knows and what the request said"""
    history_values: NDArray[np.float32]
    """as `history`; NaN: not stated"""

    @property
    def n_history(self) -> int:
        """Length of the effective history."""
        return len(self.history)


class FeatureProbe:
    """The exported graph, cut in two at its feature vector.

    Parameters
    ----------
    path : path
        NAME.onnx, with its manifest beside it.

    Raises
    ------
    EvaluationError
        The file was written by another version, which cannot be looked into.
    """

    def __init__(self, path: str | Path) -> None:
        described = json.loads(Path(path).with_suffix(".json").read_text("utf-8"))
        before, after, self._between = cut_at_features(Path(path).read_bytes())
        self._before, self._after = open_session(before), open_session(after)
        self._types: tuple[IdType, IdType] = (
            described["id_types"]["user"],
            described["id_types"]["item"],
        )
        self._seeds = {role: one["seed"] for role, one in described.get("id_hashes", {}).items()}
        self.names: tuple[str, ...] = tuple(described.get("features", ()))
        """of each feature, in the order of the graph"""
        *parts, _, _, catalogue = self._run(Request())
        self._ends = np.cumsum([part.shape[1] for part in parts])
        self.catalogue: list[Id] = (
            [*ids_of(Path(path))] if "item" in self._seeds else catalogue.tolist()
        )
        """raw ids; item row r is position r - 1"""
        width = int(self._ends[-1])
        if len(self.names) != width:
            raise EvaluationError(
                f"{Path(path).with_suffix('.json')} names {len(self.names)} features, but the "
                f"graph has {width}. Export the model again with `edgerec export`."
            )

    def see(self, request: Request) -> Seen:
        """Run the graph up to its feature vector."""
        *parts, rows, values, _ = self._run(request)
        # Newest first in the graph, and a slot of row 0 that holds nothing.
        real = np.flatnonzero(rows > 0)[::-1]
        history = [self.catalogue[row - 1] for row in rows[real].tolist()]
        return Seen(_joined(parts), history, values[real])

    def catalogue_column(self, name: str) -> NDArray[np.float32]:
        """Return one feature of every item for an unknown user: float32 [n_items]."""
        *parts, _, _, _ = self._run(Request())
        return _joined(parts)[:, self.names.index(name)]

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the rest of the graph on feature vectors [n, width]: float32 [n]."""
        parts = np.split(features, self._ends[:-1], axis=1)
        feeds = dict(zip(self._between, map(np.ascontiguousarray, parts), strict=True))
        scores: NDArray[np.float32] = self._after.run(None, feeds)[0]
        return scores

    def _run(self, request: Request) -> list[NDArray[np.float32]]:
        tensors = hashed_tensors(request.tensors(*self._types), self._seeds)
        wanted = {one.name for one in self._before.get_inputs()}
        answered: list[NDArray[np.float32]] = self._before.run(
            [*self._between, *SEEN],
            {name: tensor for name, tensor in tensors.items() if name in wanted},
        )
        return answered


def _joined(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the features of each candidate beside those of the user: [N, width]."""
    n_rows = max(len(part) for part in parts)
    return np.concatenate(
        [np.broadcast_to(part, (n_rows, part.shape[1])) for part in parts], axis=1
    )
