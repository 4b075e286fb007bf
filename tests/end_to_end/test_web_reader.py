"""examples/web/edgerec.js answers what the ranker in Python answers, whatever ids are made of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.config import ExportSettings
from edgerec.model import Model
from edgerec.recsys import Id
from edgerec.schema import Request
from tests.javascript import node, run_lines
from tests.trained import enormous_model, generated_model

READER = Path(__file__).with_name("web_reader.mjs")
MODELS = {
    "integers": generated_model,
    "strings": lambda: generated_model(strings=True),
    "hashed": lambda: generated_model(strings=True),
    "enormous": enormous_model,
}
HASHED = ExportSettings(n_encoded_strings=0)


def ask(
    model: Model,
    folder: Path,
    requests: list[dict[str, Any]],
    settings: ExportSettings | None = None,
) -> list[dict[str, Any]]:
    model.export(folder / "model.onnx", settings=settings)
    return run_lines(node(), READER, folder / "model.onnx", json.dumps(requests))


@pytest.mark.parametrize("kind", MODELS)
def test_answers_are_those_of_the_ranker(kind: str, tmp_path: Path) -> None:
    model: Model = MODELS[kind]()
    items: list[Id] = model.ranker.item_ids.tolist()
    user: Id = model.ranker.user_ids.tolist()[3]
    last = model.ranker.facts.last_timestamp
    requests = [
        Request(),
        Request(k=7, history=items[2:5], history_values=[5.0, 1.0, 4.0], exclude=items[2:5]),
        Request(user_id=user, item_ids=items[10:30], now=last - 1000),
        Request(item_ids=items[:9], history=items[40:43], history_times=[5, last, 7], k=3),
        Request(exclude=items, k=5),
    ]
    written = [
        {
            "userId": written_id(request.user_id),
            "candidates": list(map(written_id, request.item_ids)) or None,
            "history": list(map(written_id, request.history)),
            "values": list(request.history_values),
            "times": list(request.history_times),
            "now": request.now if request.now > 0 else None,
            "exclude": list(map(written_id, request.exclude)),
            "k": request.k,
        }
        for request in requests
    ]
    answers = ask(model, tmp_path, written, HASHED if kind == "hashed" else None)
    for request, found in zip(requests, answers, strict=True):
        expected = model.ranker.answer(request)
        np.testing.assert_allclose(found["all"], expected.scores, atol=1e-5)
        np.testing.assert_allclose(found["scores"], expected.top_scores, atol=1e-5)
        assert found["known"] == expected.known.tolist()
        candidates = list(request.item_ids) or items
        assert found["ids"] == [str(candidates[position]) for position in found["positions"]]
        assert not set(found["ids"]) & set(map(str, request.exclude))


def written_id(id_: Id | None) -> str | None:
    return None if id_ is None else str(id_)


def test_without_candidates_there_is_no_answer(tmp_path: Path) -> None:
    (found,) = ask(generated_model(), tmp_path, [{"candidates": []}])
    assert found == {"ids": [], "scores": [], "positions": [], "all": [], "known": []}


def test_a_number_that_is_no_exact_id_is_refused(tmp_path: Path) -> None:
    safe, enormous = ask(
        generated_model(), tmp_path, [{"history": [2**53 - 1]}, {"history": [2**53]}]
    )
    assert len(safe["ids"]) == len(generated_model().ranker.item_ids)
    assert enormous["error"] == (
        "9007199254740992 is no exact id. Pass ids above 2^53 as strings or BigInts."
    )
