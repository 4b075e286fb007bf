"""The wire, inwards: what users did, in JSON, checked; and how it counts. No HTTP, no SQLite."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError, shown
from device_runtime.events.table import Event
from device_runtime.http.requests import RecommendRequest, parse_object
from device_runtime.http.wire_ids import one_id
from device_runtime.settings import ServerSettings

_KEYS: Final = ("userId", "itemId", "event", "value", "time")
_EXAMPLE: Final = '{"userId": 1, "itemId": 2, "event": "liked"}'
_ALL_KEYS: Final = (*_KEYS, "events")
# Beyond these no clock of a device is right, and SQLite's integers end.
_FIRST_SECOND: Final = 0
_LAST_SECOND: Final = 2**40


def parse_events(body: bytes, bundle: Bundle, settings: ServerSettings) -> list[Event]:
    """Check the body of a request: one event, or several in a list.

    Parameters
    ----------
    body : bytes
        UTF-8 JSON: ``{"userId": …, "itemId": …, "event": "liked"}``, or such objects in
        ``{"events": […]}``. ``value`` (a number) and ``time`` (Unix seconds) are optional.
    bundle : Bundle
        Says of which types ids are, and which events there are with which values.
    settings : ServerSettings
        Says how long the list may be.

    Returns
    -------
    list of Event
        In the order they were sent; those without a time have the present one.

    Raises
    ------
    RequestError
        Status 400 or 413; the sentence names the field, and the position in the list.
    """
    fields = parse_object(body, _ALL_KEYS, _EXAMPLE)
    if "events" not in fields:
        return [_event("", fields, bundle)]
    if len(fields) > 1:
        raise RequestError(
            'events: expected nothing beside the list; send {"events": […]}, or one event alone'
        )
    entries = fields["events"]
    if not isinstance(entries, list):
        raise RequestError(f"events: expected a list of objects, got {shown(entries)}")
    if len(entries) > settings.max_events:
        raise RequestError(
            f"events: expected at most {settings.max_events}, got {len(entries)}; send fewer",
            status=413,
        )
    return [_event(f"events[{at}].", entry, bundle) for at, entry in enumerate(entries)]


def _event(where: str, fields: Any, bundle: Bundle) -> Event:
    if not isinstance(fields, dict):
        raise RequestError(f"{where[:-1]}: expected an object, got {shown(fields)}")
    for key in fields:
        if key not in _KEYS:
            raise RequestError(f"{where}{shown(key)}: unknown key; the keys are {', '.join(_KEYS)}")
    for key in ("userId", "itemId", "event"):
        if fields.get(key) is None:
            what = "null stands for nobody and nothing" if key in fields else "it is missing"
            known = f"one of {', '.join(bundle.event_values)}"
            needed = {"userId": "the id of a user", "itemId": "the id of an item", "event": known}
            raise RequestError(f"{where}{key}: {what}; send {needed[key]}")
    kind = fields["event"]
    if not isinstance(kind, str) or kind not in bundle.event_values:
        known = ", ".join(bundle.event_values)
        raise RequestError(f"{where}event: expected one of {known}, got {shown(kind)}")
    value = bundle.event_values[kind]
    if fields.get("value") is not None:
        value = _number(f"{where}value", fields["value"])
    return Event(
        one_id(f"{where}userId", fields["userId"], bundle.user_id_type, "send a user's id"),
        one_id(f"{where}itemId", fields["itemId"], bundle.item_id_type, "send an item's id"),
        kind,
        value,
        _second(f"{where}time", fields.get("time")),
    )


def _number(name: str, value: Any) -> float:
    if type(value) in (int, float) and abs(value) <= 1e30 and math.isfinite(value):
        return float(value)
    raise RequestError(
        f"{name}: expected a number from -1e30 to 1e30, got {shown(value)}; or leave it out"
    )


def _second(name: str, value: Any) -> int:
    if value is None:
        return int(time.time())
    if type(value) in (int, float) and _FIRST_SECOND <= value <= _LAST_SECOND:
        return int(value)
    raise RequestError(
        f"{name}: expected Unix seconds, such as 1700000000, got {shown(value)}; or leave it out"
    )


def with_events(
    asked: RecommendRequest, events: Sequence[Event], bundle: Bundle
) -> RecommendRequest:
    """Return a request whose history begins with what the user did here.

    Parameters
    ----------
    asked : RecommendRequest
        What was asked.
    events : sequence of Event
        Of the same user, oldest first. Those of ids of another type, of a model before this one,
        are passed over.
    bundle : Bundle
        Says of which type ids are.

    Returns
    -------
    RecommendRequest
        The same in all else.
    """
    kind = int if bundle.item_id_type == "int64" else str
    known = [one for one in events if type(one.item_id) is kind]
    if not known:
        return asked
    told = asked.history_values or [math.nan] * len(asked.history)
    values = [math.nan if one.value is None else one.value for one in known]
    return replace(
        asked,
        history=[*(one.item_id for one in known), *asked.history],
        history_values=[*values, *told],
    )
