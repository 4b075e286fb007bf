"""The one door to device_runtime: its scorer, run on rows of a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_runtime.bundle import read_bundle
from device_runtime.errors import BundleError, RequestError
from device_runtime.scorer import Scorer
from edgerec.errors import ItemNotFound
from edgerec.recsys import Id, Interaction

__all__ = ["BundleError", "TableScorer", "verified"]


def verified(path: str | Path) -> tuple[Mapping[str, Any], list[str]]:
    """Check a bundle as a device does, each form of its graph that stands there.

    Returns
    -------
    manifest, list of str
        And the names of the files that answered the golden requests.

    Raises
    ------
    device_runtime.errors.BundleError
        A file is missing, damaged, or answers otherwise here than at export.
    """
    bundles = [read_bundle(path)]
    mapped = read_bundle(path, mapped=True)
    if mapped.mapped_path is not None:
        bundles.append(mapped)
    for bundle in bundles:
        Scorer(bundle).run_golden()
    return mapped.manifest, [one.graph_path.name for one in bundles]


class TableScorer:
    """Scores rows through the exported file, exactly as a device does.

    Parameters
    ----------
    path : path
        The .onnx file, with its manifest beside it.

    Raises
    ------
    device_runtime.errors.BundleError
        The file or its manifest is missing, damaged or of another version.
    """

    def __init__(self, path: str | Path) -> None:
        self._scorer = Scorer.from_path(path)
        self._scorer.run_golden()
        bundle = self._scorer.bundle
        self.label_above = bundle.label_above
        self.n_history = bundle.n_history
        self.name = bundle.name
        self.manifest = bundle.manifest
        # Of a file that says nothing of its training, nothing is known but that it ranks.
        settings = bundle.manifest.get("training", {}).get("settings", {})
        self.objective: str = settings.get("objective", "samples")
        self.user_id_type = bundle.user_id_type
        self.item_id_type = bundle.item_id_type

    def catalogue(self) -> list[Id]:
        """Return the ids of every item that the file knows, in the file's order."""
        ids: list[Id] = sorted(self._scorer.run().top_ids.tolist())
        return ids

    def scores(
        self,
        user_id: Id,
        item_ids: Sequence[Id],
        history: Sequence[Interaction],
        now: int,
        context: Sequence[float] = (),
    ) -> NDArray[np.float32]:
        """Score candidates at the moment `now` (Unix seconds): float32 [len(item_ids)]."""
        values = [np.nan if one.value is None else one.value for one in history]
        return self._scorer.run(
            user_id=user_id,
            item_ids=item_ids,
            history=[one.item_id for one in history],
            history_values=values or None,
            history_times=[one.timestamp for one in history] or None,
            now=now,
            context=list(context),
            k=1,
            outputs=("scores",),
        ).scores

    def top(
        self,
        user_id: Id,
        history: Sequence[Interaction],
        now: int,
        exclude: Sequence[Id],
        k: int,
        context: Sequence[float] = (),
    ) -> list[Id]:
        """Return the best `k` of the whole catalogue at the moment `now`, best first.

        Equal scores stand in the order of the catalogue. Fewer than `k` come where `exclude`
        leaves fewer.
        """
        values = [np.nan if one.value is None else one.value for one in history]
        ids: list[Id] = self._scorer.run(
            user_id=user_id,
            history=[one.item_id for one in history],
            history_values=values or None,
            history_times=[one.timestamp for one in history] or None,
            now=now,
            exclude=exclude,
            context=list(context),
            k=k,
            outputs=("top_ids", "top_scores"),
        ).top_ids.tolist()
        return ids

    def similar(
        self, item_ids: Sequence[Id], minus: Sequence[Id] = (), k: int = 10
    ) -> list[tuple[Id, float]]:
        """Return the `k` items most like a sum of items less others, with their cosines.

        Raises
        ------
        ItemNotFound
            An item was not in training or has no vector, or the file is too old to say.
        """
        try:
            found = self._scorer.similar(item_ids, minus, k=k)
        except RequestError as error:
            raise ItemNotFound(str(error)) from None
        return list(zip(found.ids.tolist(), found.similarities.tolist(), strict=True))
