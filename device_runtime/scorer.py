"""Score candidates with a bundle: one ONNX Runtime session, no HTTP."""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from device_runtime.bundle import Bundle, read_bundle
from device_runtime.errors import BundleError, NoScoreError, shown
from device_runtime.golden import difference
from device_runtime.manifest import INPUTS, OUTPUTS
from device_runtime.results import Answer, Similar
from device_runtime.session import VERSION, can_map, let_go_of_code, one_line, open_session
from device_runtime.similar import nothing_similar, require_known, similar_feeds
from device_runtime.tensors import (
    DTYPES,
    PADDING,
    context_tensor,
    from_json,
    ids_tensor,
    neutral_values,
    values_tensor,
)
from device_runtime.text_ids import POSITIONS, IdList, hash_ids

_NOTHING: tuple[()] = ()
_log = logging.getLogger(__name__)


class Scorer:
    """Answers requests with the graph of a bundle.

    One scorer may be used by several threads at once.

    Parameters
    ----------
    bundle : Bundle
        What `device_runtime.bundle.read_bundle` returned.
    threads : int, default 1
        Threads of one inference. These models are small: more seldom help.

    Raises
    ------
    BundleError
        ONNX Runtime cannot load the graph, or its inputs and outputs are not the contract's.

    Examples
    --------
    >>> scorer = Scorer.from_path("models/demo.onnx")            # doctest: +SKIP
    >>> scorer.run(user_id=108, item_ids=[1, 2, 39]).scores      # doctest: +SKIP
    array([0.75, 0.5 , 0.25], dtype=float32)
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self._session = open_session(bundle, threads)
        self._user_dtype = DTYPES[bundle.user_id_type]
        self._item_dtype = DTYPES[bundle.item_id_type]
        self._seeds = bundle.hash_seeds
        self._ids = None if bundle.ids_path is None else IdList(bundle.ids_path, bundle.n_items)
        self._neutral = neutral_values(bundle)
        self._outputs = list(OUTPUTS)
        self._empty: dict[str, NDArray[Any]] = {
            name: np.empty(0, dtype=DTYPES[kind])
            for name, kind in bundle.tensor_types(OUTPUTS).items()
        }
        self._empty["top_ids"] = np.empty(0, dtype=self._item_dtype)

    @classmethod
    def from_path(cls, path: str | Path, threads: int = 1) -> "Scorer":
        """Audit the bundle at `path` and open it.

        Where the manifest names ``NAME.ort`` and this ONNX Runtime can map files, that is opened;
        where it is named and not opened, the log says why.

        Parameters
        ----------
        path : str or Path
            ``NAME.onnx``, with ``NAME.json`` beside it.
        threads : int, default 1
            Threads of one inference.

        Returns
        -------
        Scorer
            Ready to answer; `run_golden` has not been called.

        Raises
        ------
        BundleError
            The bundle is missing, damaged, or not what the contract asks for.
        """
        bundle = read_bundle(path, mapped=can_map())
        if "mapped" in bundle.manifest and bundle.mapped_path is None:
            why = "it is not there" if can_map() else f"ONNX Runtime {VERSION} cannot map files"
            name = bundle.onnx_path.with_suffix(".ort")
            _log.info("%s is not mapped, since %s; %s is read", name, why, bundle.onnx_path.name)
        return cls(bundle, threads)

    def run(
        self,
        *,
        user_id: int | str | None = None,
        item_ids: ArrayLike | None = None,
        history: ArrayLike = _NOTHING,
        history_values: ArrayLike | None = None,
        history_times: ArrayLike | None = None,
        now: int | None = None,
        exclude: ArrayLike = _NOTHING,
        k: int = 0,
        context: Mapping[str, float | None] | Sequence[float | None] | ArrayLike = _NOTHING,
        outputs: Collection[str] | None = None,
    ) -> Answer:
        """Score and rank candidates for one user. What is left out is filled in neutrally.

        Parameters
        ----------
        user_id : int or str, optional
            Raw id; None: an unknown user.
        item_ids : array-like of shape (N,), optional
            Raw ids of the candidates. None: the whole catalogue, ids ascending. An empty list is
            answered with nothing, and padding is dropped before anything is scored.
        history : array-like of shape (H,)
            Raw ids of what the user touched since the bundle's `history_until`, oldest first.
        history_values : array-like of float of shape (H,), optional
            Rating or weight of each; NaN: not stated.
        history_times : array-like of int of shape (H,), optional
            Unix seconds of each; −2**63: not stated.
        now : int, optional
            The moment that is asked about, Unix seconds. None: nothing passed is too late.
        exclude : array-like of shape (E,)
            Raw ids that never stand in the ``top_`` outputs.
        k : int, default 0
            How many to return in the ``top_`` outputs; 0 or less: all.
        context : mapping of str to float, or array-like of float
            Numbers of this moment by the names in the bundle's `context`, or in their order. What
            is left out or NaN is the default.
        outputs : collection of str, optional
            Names of the outputs that are wanted. None: all five.

        Returns
        -------
        Answer
            Arrays; no score is ever NaN.

        Raises
        ------
        RequestError
            An id is not of the bundle's type or not within int64, a value is infinite, or the
            values stated lead to no finite score.
        BundleError
            The graph has no finite score although no history value was stated.
        ValueError
            `outputs` names none, or one that the contract does not have.
        """
        feeds = self._neutral.copy()
        candidates: NDArray[Any] | None = None
        if item_ids is not None:
            candidates = ids_tensor("item_ids", item_ids, self._item_dtype)
            if not candidates.size:
                return Answer(**self._empty)
            feeds["item_ids"] = self._given("item", candidates)
        if user_id is not None:
            user = ids_tensor("user_id", [user_id], self._user_dtype)
            feeds["user_id"] = self._given("user", user)
        if history is not _NOTHING:
            items = self._given("item", ids_tensor("history", history, self._item_dtype))
            feeds["history"] = items if items.size else feeds["history"]
        if history_values is not None:
            feeds["history_values"] = values_tensor(history_values)
        if history_times is not None:
            feeds["history_times"] = ids_tensor("history_times", history_times, np.int64)
        if now is not None:
            feeds["now"] = ids_tensor("now", [now], np.int64)
        if exclude is not _NOTHING:
            excluded = self._given("item", ids_tensor("exclude", exclude, self._item_dtype))
            feeds["exclude"] = excluded if excluded.size else feeds["exclude"]
        if k > 0:
            # No list is longer than this, and a larger k would not fit its tensor.
            feeds["k"] = np.array([min(k, 2**31)], dtype=np.int64)
        if context is not _NOTHING:
            feeds["context"] = context_tensor(context, self.bundle.context)
        names = self._outputs if outputs is None else list(outputs)
        if not names or not set(names) <= set(OUTPUTS):
            raise ValueError(f"outputs: expected some of {', '.join(OUTPUTS)}, got {shown(names)}")
        found = self._run(names, feeds, candidates)
        answer = Answer(**(found if outputs is None else {**self._empty, **found}))
        # The sum is finite exactly when every score is: they lie between 0 and 1. NumPy is slower.
        checked = answer.scores if answer.scores.size else answer.top_scores
        if not math.isfinite(sum(checked.data)):
            raise self._no_score(feeds["history_values"])
        return answer

    def similar(
        self,
        item_ids: ArrayLike,
        minus: ArrayLike = _NOTHING,
        *,
        among: ArrayLike | None = None,
        exclude: ArrayLike = _NOTHING,
        k: int = 10,
    ) -> Similar:
        """Return what is most similar to a sum of items less others, the nearest first.

        Parameters
        ----------
        item_ids, minus : array-like of shape (H,)
            Raw ids that are added, and that are taken away. None of them is answered.
        among : array-like of shape (N,), optional
            Raw ids of the candidates. None: the whole catalogue.
        exclude : array-like of shape (E,)
            Raw ids that are not answered.
        k : int, default 10
            How many to return at most.

        Raises
        ------
        RequestError
            Status 404: the file cannot say, an item was not in training, or has no vector.
        """
        feeds, given = similar_feeds(self.bundle, self._neutral, item_ids, minus, among, exclude, k)
        asked = feeds["history"]
        require_known(asked, self.run(item_ids=asked, k=1, outputs=("known", "top_scores")).known)
        candidates = feeds["item_ids"] if "item_ids" in given else None
        feeds |= {name: self._given("item", feeds[name]) for name in given}
        found = self._run(["similar_ids", "similarities"], feeds, candidates)
        if among is None and not len(found["similar_ids"]):
            raise nothing_similar(asked)
        return Similar(found["similar_ids"], np.clip(found["similarities"], -1, 1))

    def run_golden(self) -> None:
        """Run every golden request of the manifest, to be done before serving.

        Raises
        ------
        BundleError
            The graph answers otherwise here than where it was exported; says which request.
        """
        inputs = self.bundle.tensor_types(INPUTS)
        outputs = self.bundle.tensor_types(self.bundle.outputs)
        # Ids of text stand there as text, so that the hash is checked too.
        for role in self._seeds:
            inputs |= {name: "string" for name, kind in INPUTS.items() if kind == role}
            outputs |= {n: "string" for n, kind in self.bundle.outputs.items() if kind == role}
        for request in self.bundle.golden:
            where = f"{self.bundle.graph_path}: golden request {shown(request['name'])}"
            try:
                feeds = {name: from_json(request["inputs"][name], inputs[name]) for name in INPUTS}
                expected = {
                    name: from_json(values, outputs[name])
                    for name, values in request["outputs"].items()
                    if name in outputs
                }
            except (ValueError, TypeError, OverflowError) as error:
                raise BundleError(f"{where} cannot be read ({error}); export again") from None
            try:
                given = {name: self._given(INPUTS[name], values) for name, values in feeds.items()}
                found = self._run(list(outputs), given, feeds["item_ids"])
            except Exception as error:
                raise BundleError(f"{where} fails ({one_line(error)}); export again") from None
            if message := difference(feeds, expected, found, PADDING[self.bundle.item_id_type]):
                raise BundleError(
                    f"{where}: {message}; the manifest is another graph's, or this ONNX Runtime "
                    f"({VERSION}) or processor does not agree with the exporter's: export again"
                )
        let_go_of_code()

    def _given(self, role: str, ids: NDArray[Any]) -> NDArray[Any]:
        """Return what the graph is given for ids of ``"user"`` or ``"item"``: they or hashes."""
        return hash_ids(ids.tolist(), self._seeds[role]) if role in self._seeds else ids

    def _run(
        self, names: list[str], feeds: dict[str, NDArray[Any]], candidates: NDArray[Any] | None
    ) -> dict[str, NDArray[Any]]:
        """Run the graph; ids that it has hashes of are those at the positions beside them."""
        hashed = {} if self._ids is None else {n: POSITIONS[n] for n in names if n in POSITIONS}
        if self._ids is None or not hashed:
            return dict(zip(names, self._session.run(names, feeds), strict=True))
        asked = [*dict.fromkeys(hashed.get(name, name) for name in names)]
        found = dict(zip(asked, self._session.run(asked, feeds), strict=True))
        scored = candidates[candidates != ""] if candidates is not None else ()
        for name, positions in hashed.items():
            at = found[positions]
            found[name] = np.array(scored[at] if len(scored) else self._ids.at(at), dtype=object)
        return {name: found[name] for name in names}

    def _no_score(self, history_values: NDArray[np.float32]) -> ValueError:
        if np.isnan(history_values).all():
            return BundleError(
                f"{self.bundle.graph_path}: the graph answered a score that is not finite; "
                "export the model again"
            )
        return NoScoreError(
            "history values: no finite score follows from them; send values like those of the "
            "training data"
        )
