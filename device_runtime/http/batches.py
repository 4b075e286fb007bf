"""Several requests in one body, each answered or refused by itself. No HTTP, no ONNX Runtime."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError
from device_runtime.http.requests import RecommendRequest, parse_fields
from device_runtime.settings import ServerSettings


def parse_batch(
    entries: Sequence[Any], bundle: Bundle, settings: ServerSettings
) -> list[RecommendRequest | RequestError]:
    """Check a list of requests.

    Parameters
    ----------
    entries : sequence
        What JSON held: each should be what is sent alone otherwise.
    bundle : Bundle
        Says of which types ids are.
    settings : ServerSettings
        Says how many requests there may be, and how many candidates of all together.

    Returns
    -------
    list of RecommendRequest or RequestError
        One for each, in their order: what was asked, or why it is refused.

    Raises
    ------
    RequestError
        Status 413: the list as a whole is too much.
    """
    if len(entries) > settings.max_batch:
        raise RequestError(
            f"body: expected at most {settings.max_batch} requests in a list, got {len(entries)}; "
            "send them in several",
            status=413,
        )
    parsed: list[RecommendRequest | RequestError] = []
    n_candidates = 0
    for entry in entries:
        try:
            request = parse_fields(entry, bundle, settings)
        except RequestError as error:
            # What it was raised in knows this list: a circle, which would keep a replaced model.
            parsed.append(error.with_traceback(None))
            continue
        parsed.append(request)
        # Of the catalogue only the best are answered; the list bounds how often it is scored.
        n_candidates += request.k or 0 if request.item_ids is None else len(request.item_ids)
        if n_candidates > settings.max_candidates:
            raise RequestError(
                f"body: expected at most {settings.max_candidates} candidates in all requests of a "
                f"list together, got more by the request at {len(parsed) - 1}, counted from 0; "
                "send them in several",
                status=413,
            )
    return parsed


def answer_batch(
    requests: Sequence[RecommendRequest | RequestError], answer: Callable[[RecommendRequest], str]
) -> str:
    """Answer a list of requests.

    Parameters
    ----------
    requests : sequence of RecommendRequest or RequestError
        What `parse_batch` returned.
    answer : callable
        Returns the JSON of the answer to one; a RequestError that it raises is that one's alone.

    Returns
    -------
    str
        JSON: a list with one object for each, either ``{"itemScoreList": […]}`` or
        ``{"error": …, "status": 400}``.
    """
    texts = []
    for request in requests:
        try:
            if isinstance(request, RequestError):
                texts.append(_refusal(request))
            else:
                texts.append(answer(request))
        except RequestError as error:
            texts.append(_refusal(error))
    return f"[{','.join(texts)}]"


def _refusal(error: RequestError) -> str:
    return json.dumps({"error": str(error), "status": error.status})
