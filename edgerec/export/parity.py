"""Train and serve agree, or no file is written: real and adversarial requests, both ways.

The graph runs in ONNX Runtime on the very bytes that would be written, and each answer is
compared with what the ranker computes in Python.
"""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgerec.errors import ParityError
from edgerec.export.answer_difference import difference
from edgerec.export.parity_context import context_requests, random_context
from edgerec.export.parity_similar import similar_requests
from edgerec.graph.idmaps import choose_seed, hashed_tensors, hashed_texts
from edgerec.ids import id_array, padding_id
from edgerec.recsys import Id
from edgerec.schema import TOLERANCE, Answer, Request
from edgerec.training.ranker import Ranker

N_REQUESTS: Final = 240
INFINITE: Final = "infinite values"
"""name of the one request that JSON, and so the manifest, cannot hold"""
_OUTPUTS: Final = tuple(field.name for field in dataclasses.fields(Answer))


@dataclass(frozen=True)
class Parity:
    """How far graph and ranker are apart."""

    n_requests: int
    max_abs_difference: float
    tolerance: float = TOLERANCE


def open_session(graph: Path | bytes, *, mapped: bool = False) -> onnxruntime.InferenceSession:
    """Return a graph, a file or its bytes, in ONNX Runtime, on one thread.

    `mapped`: it is an .ort file, to be mapped by the versions that can, and read by the others.
    """
    assert os.environ.get("ORT_DISABLE_TELEMETRY") == "1"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if mapped:
        options.add_session_config_entry("session.load_model_format", "ORT")
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
        options.add_session_config_entry("session.use_ort_model_bytes_for_initializers", "1")
    return onnxruntime.InferenceSession(
        graph if isinstance(graph, bytes) else str(graph),
        options,
        providers=["CPUExecutionProvider"],
    )


class GraphSession:
    """A graph, as a file or as its bytes, in ONNX Runtime, asked as Python asks the ranker."""

    def __init__(self, graph: Path | bytes, ranker: Ranker, *, mapped: bool = False) -> None:
        self._types = ranker.user_id_type, ranker.item_id_type
        self._catalogue = ranker.item_ids
        self._session = open_session(graph, mapped=mapped)
        given = {one.name: one.type for one in self._session.get_inputs()}
        # A graph that is given integers for strings is given their hashes.
        self._seeds = {
            role: choose_seed(ids)
            for role, name, ids, kind in (
                ("user", "user_id", ranker.user_ids, ranker.user_id_type),
                ("item", "item_ids", ranker.item_ids, ranker.item_id_type),
            )
            if kind == "string" and given[name] == "tensor(int64)"
        }

    def answer(self, request: Request) -> Answer:
        """Run the graph."""
        tensors = hashed_tensors(request.tensors(*self._types), self._seeds)
        answer = Answer(*self._session.run(list(_OUTPUTS), tensors))
        return self._in_text(request, answer) if "item" in self._seeds else answer

    def _in_text(self, request: Request, answer: Answer) -> Answer:
        """Return the answer with ids in place of their hashes."""
        given = [id_ for id_ in request.item_ids if id_ != padding_id("string")]
        scored = id_array(given, "string") if given else self._catalogue
        ids, similar = scored[answer.top_positions], scored[answer.similar_positions]
        for texts, hashes in ((ids, answer.top_ids), (similar, answer.similar_ids)):
            if not np.array_equal(hashed_texts(texts, self._seeds["item"]), hashes):
                raise ParityError(
                    f"The graph answers {request.name!r} with hashes of other items than those at "
                    "its positions, so no file was written. Please report this."
                )
        return dataclasses.replace(answer, top_ids=ids, similar_ids=similar)


def unknown_id(ranker: Ranker, role: str, number: int = 0) -> Id:
    """Return an id that was not in training."""
    ids = ranker.user_ids if role == "user" else ranker.item_ids
    known = set(ids.tolist())
    is_integer = ids.dtype == np.int64
    while (id_ := (2**62 + number) if is_integer else f"unknown-{number}") in known:
        number += 1
    return id_


def parity_requests(ranker: Ranker, n_requests: int = N_REQUESTS) -> list[Request]:
    """Return adversarial requests first, then random ones that look like real use."""
    random = np.random.default_rng([ranker.settings.random_state, 2])
    return [
        *_adversarial(ranker, random),
        *(_random_request(ranker, random, number) for number in range(n_requests)),
    ][: max(n_requests, 1)]


def _pick(ids: NDArray[Any], random: np.random.Generator, count: int) -> list[Id]:
    picked: list[Id] = random.choice(ids, count).tolist()
    return picked


def _user(ranker: Ranker, random: np.random.Generator) -> Id:
    """Return a known user; a made-up one where the file knows none."""
    if not len(ranker.user_ids):
        return unknown_id(ranker, "user")
    return _pick(ranker.user_ids, random, 1)[0]


def _adversarial(ranker: Ranker, random: np.random.Generator) -> list[Request]:
    nobody, nothing = unknown_id(ranker, "user"), unknown_id(ranker, "item")
    padding = padding_id(ranker.item_id_type)
    items = _pick(ranker.item_ids, random, 40)
    user = _user(ranker, random)
    low, high = ranker.tables.value_range
    n = ranker.settings.n_history
    full = _pick(ranker.item_ids, random, 2 * n)
    ratings = np.linspace(low, high, 2 * n).tolist()
    late = ranker.facts.last_timestamp + 10
    return [
        Request(name="known user", user_id=user, item_ids=items[:6], k=3),
        Request(name="unknown user", user_id=nobody, item_ids=items[:6], k=3),
        Request(name="no user", item_ids=items[:6]),
        Request(
            name="unknown items", user_id=user, item_ids=[nothing, items[0], nothing, padding], k=4
        ),
        Request(name="one candidate", user_id=nobody, item_ids=items[:1], k=10),
        *context_requests(ranker, items[:6]),
        Request(
            name="history with values",
            item_ids=items[:6],
            history=items[6:10],
            history_values=[high, low, high, low],
            k=6,
        ),
        Request(
            name="history not stated", item_ids=items[:6], history=[nothing, *items[6:10], padding]
        ),
        Request(
            name="repeated items",
            user_id=user,
            item_ids=[items[0], items[0], items[1]],
            history=[items[0], items[2], items[0]],
            history_values=[low, high, high],
            k=2,
        ),
        Request(
            name="excluded",
            item_ids=[items[0], nothing, items[1], items[2]],
            exclude=[items[1], nothing, padding],
            k=4,
        ),
        Request(name="everything excluded", item_ids=items[:2], exclude=items[:2], k=2),
        Request(
            name="later than now",
            user_id=user,
            item_ids=items[:6],
            history=items[6:9],
            history_values=[high, low, high],
            history_times=[late - 5, late, late + 5],
            now=late,
        ),
        Request(name="catalogue", user_id=nobody, k=10),
        Request(
            name="catalogue but what is had",
            history=items[6:20],
            history_values=[high, low] * 7,
            exclude=items[6:30],
            k=20,
        ),
        Request(name="catalogue but one", user_id=user, exclude=_pick(ranker.item_ids, random, 1)),
        Request(name="full history", item_ids=items, history=full, history_values=ratings),
        Request(
            name="values out of range",
            item_ids=items[:6],
            history=items[6:9],
            history_values=[high * 1e6 + 1e6, -1e30, 0.0],
        ),
        Request(
            name=INFINITE,
            item_ids=items[:6],
            history=items[6:8],
            history_values=[float("inf"), float("-inf")],
        ),
        *similar_requests(items, [nothing, padding], high),
        Request(name="padding only", item_ids=[padding, padding], history=[padding], k=1),
    ]


def _random_request(ranker: Ranker, random: np.random.Generator, number: int) -> Request:
    n_history = int(random.integers(0, 2 * ranker.settings.n_history))
    n_candidates = int(random.integers(1, 101))
    low, high = ranker.tables.value_range
    values = random.uniform(low, high, n_history).astype(np.float32)
    values[random.random(n_history) < 0.1] = np.nan
    candidates = _pick(ranker.item_ids, random, n_candidates)
    if number % 5 == 0:
        candidates[0] = unknown_id(ranker, "item", number)
    known_user = bool(number % 3)
    # Often where a list finds the best, since it is then no more work than any other request.
    of_catalogue = ranker.shortlist is not None and number % 6 == 1
    first, last = ranker.facts.first_timestamp, ranker.facts.last_timestamp
    stated_now = number % 2 == 0
    # Below 0: similar items are listed too.
    k = int(random.integers(of_catalogue, 20))
    return Request(
        name=f"random {number}",
        user_id=_user(ranker, random) if known_user else unknown_id(ranker, "user"),
        item_ids=[] if of_catalogue else candidates,
        history=_pick(ranker.item_ids, random, n_history),
        history_values=values.tolist(),
        history_times=random.integers(first, last + 1, n_history).tolist() if stated_now else [],
        now=int(random.integers(first, last + 2)) if stated_now else Request().now,
        exclude=_pick(ranker.item_ids, random, 3),
        k=-k if number % 8 == 7 and not of_catalogue else k,
        context=random_context(ranker, number),
    )


def check_parity(
    ranker: Ranker, session: GraphSession, requests: Sequence[Request]
) -> tuple[Parity, list[Answer]]:
    """Run every request both ways.

    Raises
    ------
    ParityError
        A difference above the tolerance; the sentence names the request.
    """
    largest, answers = 0.0, []
    for request in requests:
        expected, came = ranker.answer(request), session.answer(request)
        apart = difference(expected, came)
        if apart > TOLERANCE:
            raise ParityError(
                f"The graph answers the request {request.name!r} {apart:.2g} apart from the "
                f"ranker; at most {TOLERANCE:g} is allowed, so no file was written. Please report "
                "this with the settings that you trained with."
            )
        largest = max(largest, apart)
        answers.append(came)
    return Parity(len(requests), largest), answers
