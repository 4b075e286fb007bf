"""The wire, outwards: what the scorer answered, as JSON. No HTTP, no ONNX Runtime."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from device_runtime.http.requests import RecommendRequest

if TYPE_CHECKING:
    from device_runtime.results import Answer
    from device_runtime.scorer import Scorer

_quote = json.encoder.encode_basestring_ascii


def answer_request(request: RecommendRequest, scorer: "Scorer") -> str:
    """Score a request and write the answer.

    Parameters
    ----------
    request : RecommendRequest
        What `parse_request` returned.
    scorer : Scorer
        Of the same bundle.

    Returns
    -------
    str
        JSON: ``{"itemScoreList": [{"itemId": …, "score": …}, …]}``.

    Raises
    ------
    RequestError
        No finite score follows from the values of the history.
    """
    if request.item_ids is not None and not request.item_ids:
        return '{"itemScoreList":[]}'
    answer = scorer.run(
        user_id=request.user_id,
        item_ids=request.item_ids,
        # An empty tuple is what is left out: no tensor is made of it.
        history=request.history or (),
        history_values=request.history_values,
        exclude=request.exclude or (),
        k=request.k or 0,
        context=request.context,
        outputs=_wanted(request),
    )
    return format_answer(request, answer)


def _wanted(request: RecommendRequest) -> tuple[str, ...]:
    """Return the outputs that the answer is written from; the others are not copied."""
    if request.item_ids is None:
        return ("top_ids", "top_scores")
    if request.k is None:
        return ("scores", "known")
    return ("known", "top_positions", "top_scores")


def format_answer(request: RecommendRequest, answer: "Answer") -> str:
    """Write an answer as JSON, its ids in the form they were asked in.

    Parameters
    ----------
    request : RecommendRequest
        What was asked.
    answer : Answer
        What the scorer answered to it.

    Returns
    -------
    str
        JSON: ``{"itemScoreList": [{"itemId": …, "score": …}, …]}``; an item that was not in
        training also has ``"known": false``.
    """
    known: list[bool]
    if request.item_ids is None:
        ids = answer.top_ids.tolist()
        if request.catalogue_as_text:
            ids = list(map(str, ids))
        scores, known = answer.top_scores.tolist(), []
    elif request.k is None:
        ids, scores, known = request.asked_ids, answer.scores.tolist(), answer.known.tolist()
        if request.exclude:
            excluded = set(request.exclude)
            kept = [at for at, each in enumerate(request.item_ids) if each not in excluded]
            ids = [ids[at] for at in kept]
            scores = [scores[at] for at in kept]
            known = [known[at] for at in kept]
    else:
        positions = answer.top_positions
        ids = [request.asked_ids[at] for at in positions.tolist()]
        scores, known = answer.top_scores.tolist(), answer.known[positions].tolist()
    return write_list(ids, scores, known)


def write_list(ids: Sequence[int | str], scores: list[float], known: list[bool]) -> str:
    """Write ids with their scores as JSON; ``known`` of each, or nothing where all are."""
    # One format of the whole list: several times faster than encoding an object for each item.
    # Nine digits tell every float32 apart.
    each = '{"itemId":%s,"score":%.9g},'
    if str in map(type, ids):
        ids = [_quote(one) if isinstance(one, str) else one for one in ids]
    parts: list[Any] = [None] * (2 * len(ids))
    parts[::2], parts[1::2] = ids, scores
    template = each * len(ids)
    if False in known:
        unknown = each.replace("}", ',"known":false}')
        template = "".join([each if one else unknown for one in known])
    return '{"itemScoreList":[' + template[:-1] % tuple(parts) + "]}"
