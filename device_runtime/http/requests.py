"""The wire, inwards: the body of a request in JSON, checked. No HTTP, no ONNX Runtime.

What a client sends is described in the README of this package.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError, shown
from device_runtime.http.wire_ids import one_id, parse_ids
from device_runtime.settings import ServerSettings
from device_runtime.tensors import context_tensor

DEFAULT_K = 10

EXAMPLE = '{"userId": 1, "itemIdList": [2]}'
_KEYS = ("userId", "itemIdList", "k", "history", "exclude", "context")
_MAX_FLOAT32 = 3.4028234e38


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """A request whose ids are of the types of the bundle, none of them padding."""

    user_id: int | str | None
    """None: anonymous."""
    item_ids: Sequence[int | str] | None
    """Candidates in the order they were sent; None: the catalogue."""
    asked_ids: Sequence[int | str]
    """`item_ids` in the form they were sent, integers or strings, for the answer."""
    k: int | None
    """How many to return, best first; None: all, in the order they were sent."""
    history: Sequence[int | str]
    """Items, oldest first."""
    history_values: Sequence[float] | None
    """Value of each; NaN: not stated. None: none is stated."""
    exclude: Sequence[int | str]
    """Items that are not in the answer."""
    context: Mapping[str, float | None] | Sequence[float | None]
    """Numbers of this moment, by name or in order; None: not stated."""
    catalogue_as_text: bool
    """Whether integer ids of the catalogue are answered as strings, as the user's id came."""


def parse_request(body: bytes, bundle: Bundle, settings: ServerSettings) -> RecommendRequest:
    """Check the body of a request.

    Parameters
    ----------
    body : bytes
        UTF-8 JSON.
    bundle : Bundle
        Says of which types ids are, and how many items the catalogue has.
    settings : ServerSettings
        Says how long lists may be.

    Returns
    -------
    RecommendRequest
        What was asked.

    Raises
    ------
    RequestError
        Status 400 or 413; the sentence names the field, and the position in it.
    """
    return parse_fields(parse_json(body, EXAMPLE), bundle, settings)


def parse_fields(content: Any, bundle: Bundle, settings: ServerSettings) -> RecommendRequest:
    """Check a request that JSON held; as `parse_request` in all else."""
    fields = check_object(content, _KEYS, EXAMPLE)
    if "userId" not in fields:
        raise RequestError(
            "userId: it is missing; send the id of the user, null for an unknown one"
        )
    user, item = bundle.user_id_type, bundle.item_id_type
    asked_user = fields["userId"]
    advice = "send null for an unknown user"
    user_id = None if asked_user is None else one_id("userId", asked_user, user, advice)
    asked_ids: Sequence[int | str] = ()
    item_ids = None
    if "itemIdList" in fields:
        asked_ids = _list("itemIdList", fields, settings.max_candidates)
        item_ids = parse_ids("itemIdList", asked_ids, item)
    k = fields.get("k")
    if "k" in fields and (type(k) is not int or k < 1):
        raise RequestError(f"k: expected an integer of 1 or more, got {shown(k)}; or leave it out")
    if item_ids is None:
        k = min(k or min(DEFAULT_K, settings.max_candidates), max(bundle.n_items, 1))
        if k > settings.max_candidates:
            raise RequestError(
                f"k: at most {settings.max_candidates} items of the catalogue are returned, got "
                f"{k}; send a smaller k",
                status=413,
            )
    history, values = _split_history(_list("history", fields, settings.max_history))
    return RecommendRequest(
        user_id=user_id,
        item_ids=item_ids,
        asked_ids=asked_ids,
        k=k,
        history=parse_ids("history", history, item),
        history_values=values,
        exclude=parse_ids("exclude", _list("exclude", fields, settings.max_exclude), item),
        context=_context(fields, bundle),
        catalogue_as_text=item == "string" or (user == "int64" and isinstance(asked_user, str)),
    )


def parse_object(body: bytes, keys: Sequence[str], example: str) -> dict[str, Any]:
    """Return an object of JSON that has none but the given keys; else name an example of one.

    Raises
    ------
    RequestError
        It is something else; the sentence says what.
    """
    return check_object(parse_json(body, example), keys, example)


def parse_json(body: bytes, example: str) -> Any:
    """Return what a body of JSON holds; else name an example of what this route takes.

    Raises
    ------
    RequestError
        It is no JSON, or nested deeper than Python's parser goes.
    """
    try:
        text = body.decode("utf-8").strip(" \t\n\r")
        content, end = _DECODER.raw_decode(text)
        if end != len(text):
            raise json.JSONDecodeError("Extra data", text, end)
        return content
    except UnicodeDecodeError as error:
        raise RequestError(
            f"body: expected UTF-8, got another byte at {error.start}; send JSON in UTF-8"
        ) from None
    except RecursionError:
        raise RequestError("body: nested too deeply; send one flat JSON object") from None
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError) and "digits" in str(error):
            # Python's own sentence tells how to lift a limit that protects this server.
            raise RequestError(
                "body: holds an integer of thousands of digits; ids have 19 at most"
            ) from None
        raise RequestError(
            f"body: expected JSON ({error}); send an object like {example}"
        ) from None


def check_object(content: Any, keys: Sequence[str], example: str) -> dict[str, Any]:
    """Return an object that has none but the given keys; else name an example of one.

    Raises
    ------
    RequestError
        It is something else; the sentence says what.
    """
    if not isinstance(content, dict):
        raise RequestError(
            f"body: expected a JSON object, got {shown(content)}; send one like {example}"
        )
    for key in content:
        if key not in keys:
            raise RequestError(f"{shown(key)}: unknown key; {_advice(key, keys)}")
    return content


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not a number of JSON")


# Made once: json.loads makes one for each body where it is to refuse something.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _advice(key: str, keys: Sequence[str]) -> str:
    import difflib  # Here: apps that are finished misspell nothing.

    lowered = {each.lower(): each for each in keys}
    near = difflib.get_close_matches(key[:40].lower(), lowered, n=1)
    return f"did you mean {lowered[near[0]]}?" if near else f"the keys are {', '.join(keys)}"


def _list(name: str, fields: dict[str, Any], longest: int) -> list[Any]:
    """Return a list of the request, empty where it is left out."""
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise RequestError(f"{name}: expected a list, got {shown(value)}; or leave it out")
    if len(value) > longest:
        raise RequestError(
            f"{name}: expected at most {longest} elements, got {len(value)}; send "
            + (f"the newest {longest} alone" if name == "history" else "fewer"),
            status=413,
        )
    return value


def _context(
    fields: dict[str, Any], bundle: Bundle
) -> Mapping[str, float | None] | Sequence[float | None]:
    """Return the context, whose names and numbers are checked here, before anything is scored."""
    if "context" not in fields:
        return ()
    stated = fields["context"]
    if not isinstance(stated, dict | list):
        raise RequestError(
            f'context: expected an object like {{"hour": 9}} or a list of numbers, got '
            f"{shown(stated)}; or leave it out"
        )
    context_tensor(stated, bundle.context)
    return stated


def _split_history(entries: list[Any]) -> tuple[list[Any], list[float] | None]:
    """Return the ids, unchecked, and the values of a history of ids and [id, value] pairs."""
    if set(map(type, entries)).isdisjoint((list, dict)):
        return entries, None
    ids, values = [], []
    for index, entry in enumerate(entries):
        item_id, value = entry, None
        kind = type(entry)
        if kind is list or kind is dict:
            if kind is dict or len(entry) != 2:
                raise RequestError(
                    f"history[{index}]: expected an id or a pair [id, value], got {shown(entry)}; "
                    "send [id, 4.5] or the id alone, the oldest first: times are not sent"
                )
            item_id, value = entry
        # type() rather than isinstance(): true must not pass for the value 1.
        if value is None:
            value = math.nan
        elif type(value) not in (int, float) or not -_MAX_FLOAT32 <= value <= _MAX_FLOAT32:
            raise RequestError(
                f"history[{index}]: expected a finite number or null as the value, got "
                f"{shown(value)}; send [id, 4.5], or the id alone"
            )
        ids.append(item_id)
        values.append(float(value))
    return ids, values
