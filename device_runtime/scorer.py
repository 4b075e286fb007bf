"""Score candidates with a bundle: one ONNX Runtime session, no HTTP.

The only module that imports ONNX Runtime. ``device_runtime/__init__`` has switched its telemetry
off before this import can happen.
"""

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from .bundle import Bundle, read_bundle
from .errors import BundleError, RequestError, shown
from .golden import difference
from .manifest import INPUTS, OUTPUTS
from .results import Answer, Similar
from .similar import nothing_similar, require_known, similar_feeds
from .tensors import DTYPES, PADDING, from_json, ids_tensor, neutral_values, values_tensor

_ORT_TYPES = {
    "int64": "tensor(int64)",
    "string": "tensor(string)",
    "float32": "tensor(float)",
    "bool": "tensor(bool)",
}
_SEVERITY_ERROR = 3
_NOTHING: tuple[()] = ()


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
        self._session = _open_session(bundle, threads)
        self._user_dtype = DTYPES[bundle.user_id_type]
        self._item_dtype = DTYPES[bundle.item_id_type]
        self._neutral = neutral_values(bundle)
        self._outputs = list(OUTPUTS)
        self._empty: dict[str, NDArray[Any]] = {
            name: np.empty(0, dtype=DTYPES[kind])
            for name, kind in bundle.tensor_types(OUTPUTS).items()
        }

    @classmethod
    def from_path(cls, path: str | Path, threads: int = 1) -> "Scorer":
        """Audit the bundle at `path` and open it.

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
        return cls(read_bundle(path), threads)

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
        if item_ids is not None:
            candidates = ids_tensor("item_ids", item_ids, self._item_dtype)
            if not candidates.size:
                return Answer(**self._empty)
            feeds["item_ids"] = candidates
        if user_id is not None:
            feeds["user_id"] = ids_tensor("user_id", [user_id], self._user_dtype)
        if history is not _NOTHING:
            items = ids_tensor("history", history, self._item_dtype)
            feeds["history"] = items if items.size else feeds["history"]
        if history_values is not None:
            feeds["history_values"] = values_tensor(history_values)
        if history_times is not None:
            feeds["history_times"] = ids_tensor("history_times", history_times, np.int64)
        if now is not None:
            feeds["now"] = ids_tensor("now", [now], np.int64)
        if exclude is not _NOTHING:
            excluded = ids_tensor("exclude", exclude, self._item_dtype)
            feeds["exclude"] = excluded if excluded.size else feeds["exclude"]
        if k > 0:
            # No list is longer than this, and a larger k would not fit its tensor.
            feeds["k"] = np.array([min(k, 2**31)], dtype=np.int64)
        if outputs is None:
            answer = Answer(*self._session.run(self._outputs, feeds))
        else:
            names = list(outputs)
            if not names or not set(names) <= set(OUTPUTS):
                raise ValueError(
                    f"outputs: expected some of {', '.join(OUTPUTS)}, got {shown(names)}"
                )
            answer = Answer(
                **{**self._empty, **dict(zip(names, self._session.run(names, feeds), strict=True))}
            )
        # The sum is finite exactly when every score is, since scores lie between 0 and 1.
        checked = answer.scores if answer.scores.size else answer.top_scores
        if not math.isfinite(np.add.reduce(checked)):
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
        feeds, asked = similar_feeds(self.bundle, self._neutral, item_ids, minus, among, exclude, k)
        require_known(asked, self.run(item_ids=asked, k=1, outputs=("known", "top_scores")).known)
        ids, cosines = self._session.run(["similar_ids", "similarities"], feeds)
        if among is None and not len(ids):
            raise nothing_similar(asked)
        return Similar(ids, np.clip(cosines, -1, 1))

    def run_golden(self) -> None:
        """Run every golden request of the manifest, to be done before serving.

        Raises
        ------
        BundleError
            The graph answers a request otherwise here than where it was exported: names the
            request and the difference.
        """
        inputs = self.bundle.tensor_types(INPUTS)
        outputs = self.bundle.tensor_types(self.bundle.outputs)
        for request in self.bundle.golden:
            where = f"{self.bundle.onnx_path}: golden request {shown(request['name'])}"
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
                found = dict(zip(outputs, self._session.run(list(outputs), feeds), strict=True))
            except Exception as error:
                raise BundleError(f"{where} fails ({_one_line(error)}); export again") from None
            if message := difference(feeds, expected, found, PADDING[self.bundle.item_id_type]):
                raise BundleError(
                    f"{where}: {message}; this ONNX Runtime ({onnxruntime.__version__}) or "
                    "processor does not agree with the exporter, export again or use another one"
                )

    def _no_score(self, history_values: NDArray[np.float32]) -> ValueError:
        if np.isnan(history_values).all():
            return BundleError(
                f"{self.bundle.onnx_path}: the graph answered a score that is not finite; "
                "export the model again"
            )
        return RequestError(
            "history values: no finite score follows from them; send values like those of the "
            "training data"
        )


def _open_session(bundle: Bundle, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = threads
    # A spinning thread would use a whole core of a device while nobody asks anything; arenas and
    # memory patterns keep memory that these small models do not need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _SEVERITY_ERROR
    try:
        session = onnxruntime.InferenceSession(
            str(bundle.onnx_path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's own exceptions have no common base of their own.
        raise BundleError(
            f"{bundle.onnx_path}: ONNX Runtime {onnxruntime.__version__} cannot load the graph "
            f"({_one_line(error)}); export the model again"
        ) from None
    for which, found, named in (
        ("inputs", session.get_inputs(), INPUTS),
        ("outputs", session.get_outputs(), bundle.outputs),
    ):
        expected = {n: _ORT_TYPES[kind] for n, kind in bundle.tensor_types(named).items()}
        # Outputs that this reader does not know are for others.
        types = {one.name: one.type for one in found if which == "inputs" or one.name in named}
        if types != expected:
            wrong = sorted(set(types.items()) ^ set(expected.items()))
            raise BundleError(
                f"{bundle.onnx_path}: {which} of the graph: expected those of format version 1, "
                f"got a difference in {', '.join(sorted({n for n, _ in wrong}))}; export again"
            )
    return session


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
