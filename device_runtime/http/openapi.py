"""The description of the HTTP interface: OpenAPI 3.1. No HTTP.

Written from the settings and the bundle of this very server, so that its limits and types are those
that hold here.
"""

from typing import Any, Final

from device_runtime import __version__
from device_runtime.bundle import Bundle
from device_runtime.http.inference_openapi import inference_paths
from device_runtime.http.openapi_parts import errors, reference, responses, with_body
from device_runtime.settings import ServerSettings

_MAX_FLOAT32: Final = 3.4028234e38
# A pattern knows digits and no bound: ids from 9.2 * 10^18 on are to be sent as numbers.
_WHOLE_NUMBER = "^-?([0-9]{1,18}|[1-8][0-9]{18}|9[01][0-9]{17})$"


def openapi(bundle: Bundle, settings: ServerSettings) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a server."""
    paths = {
        settings.route: {"post": _recommend(bundle, settings)},
        "/api/v1/events": {"post": _events(bundle, settings)},
        "/api/v1/users/{userId}": {"delete": _erase()},
        "/api/v1/similar/{itemId}": {"get": _similar(settings)},
        **{path: {"get": _plain(summary)} for path, summary in _PLAIN.items()},
        **inference_paths(bundle, settings),
        "/updates": {"get": _updates()},
        "/metrics": {"get": _text("Counts and times for Prometheus.", "text/plain")},
        "/docs": {"get": _text("This description as a page.", "text/html")},
    }
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"edgeRec: {bundle.name}",
            "version": __version__,
            "description": "Ranks items for a user on this device, with one ONNX file.",
        },
        "paths": paths,
        "components": {"schemas": _schemas(bundle, settings)},
    }
    if settings.access.token is None:
        for methods in paths.values():
            for operation in methods.values():
                operation["responses"].pop("401", None)
    else:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready"):
            paths[path]["get"]["security"] = []
    return document


_REFUSED: Final = {"error": {"type": "string"}, "status": {"type": "integer"}}
_PLAIN: Final = {
    "/livez": "200 while the process answers.",
    "/readyz": "200 while requests are taken; 503 once the server has been told to stop.",
    "/healthz": "The model that is served: name, items, users.",
    "/openapi.json": "This description.",
}


def _schemas(bundle: Bundle, settings: ServerSettings) -> dict[str, Any]:
    return {
        "UserId": _id(bundle.user_id_type),
        "ItemId": _id(bundle.item_id_type),
        "HistoryEntry": {
            "description": "An item, or an item and its value (a rating or weight).",
            "anyOf": [
                reference("ItemId"),
                {
                    "type": "array",
                    "prefixItems": [reference("ItemId"), {"type": ["number", "null"]}],
                    "items": False,
                    "minItems": 2,
                },
            ],
        },
        "ItemScore": {
            "type": "object",
            "required": ["itemId", "score"],
            "properties": {
                "itemId": {"type": ["integer", "string"]},
                "score": {"type": "number", "minimum": 0, "maximum": 1},
                "known": {
                    "const": False,
                    "description": "there only where the item was not in training",
                },
            },
        },
        "Event": {
            "type": "object",
            "required": ["userId", "itemId", "event"],
            "additionalProperties": False,
            "properties": {
                "userId": reference("UserId"),
                "itemId": reference("ItemId"),
                "event": {"enum": list(bundle.event_values)},
                "value": {"type": ["number", "null"], "minimum": -1e30, "maximum": 1e30},
                "time": {
                    "type": ["integer", "null"],
                    "minimum": 0,
                    "maximum": 2**40,
                    "description": "Unix seconds; left out: now",
                },
            },
        },
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string", "description": "what to send instead"}},
        },
    }


def _id(id_type: str) -> dict[str, Any]:
    if id_type == "int64":
        number = {"type": "integer", "minimum": -(2**63) + 1, "maximum": 2**63 - 1}
        return {"anyOf": [number, {"type": "string", "pattern": _WHOLE_NUMBER}]}
    return {"type": "string", "minLength": 1}


def _recommend(bundle: Bundle, settings: ServerSettings) -> dict[str, Any]:
    def items(longest: int, of: str = "ItemId") -> dict[str, Any]:
        return {"type": "array", "maxItems": longest, "items": reference(of)}

    properties = {
        "userId": {
            "description": "null: an unknown user",
            "anyOf": [reference("UserId"), {"type": "null"}],
        },
        "itemIdList": {
            **items(settings.max_candidates),
            "description": "candidates; left out: the whole catalogue",
        },
        "k": {
            "type": "integer",
            "minimum": 1,
            "description": "the best k, best first; left out: every candidate in the order sent. "
            f"Of the catalogue {settings.max_candidates} at most",
        },
        "history": {
            **items(settings.max_history, "HistoryEntry"),
            "description": "what the user touched since the model was trained, oldest first",
        },
        "exclude": {**items(settings.max_exclude), "description": "not in the answer"},
        "context": _context(bundle),
    }
    body = {
        "type": "object",
        "required": ["userId"],
        "additionalProperties": False,
        "properties": properties,
    }
    example = {"userId": _example(bundle.user_id_type), "k": 5}
    answer = {
        "type": "object",
        "required": ["itemScoreList"],
        "properties": {"itemScoreList": {"type": "array", "items": reference("ItemScore")}},
    }
    refused = {"type": "object", "required": ["error", "status"], "properties": _REFUSED}
    several = {
        "description": "several at once; each is answered or refused by itself, in their order",
        "type": "array",
        "maxItems": settings.max_batch,
        "items": body,
    }
    listed = {"type": "array", "items": {"anyOf": [answer, refused]}}
    return {
        "summary": "Rank items for a user; or, for a list of such requests, each of them.",
        **with_body({"anyOf": [body, several]}, example),
        "responses": responses({"anyOf": [answer, listed]}, 400, 408, 413, 503),
    }


def _events(bundle: Bundle, settings: ServerSettings) -> dict[str, Any]:
    several = {
        "type": "object",
        "required": ["events"],
        "additionalProperties": False,
        "properties": {
            "events": {
                "type": "array",
                "maxItems": settings.max_events,
                "items": reference("Event"),
            }
        },
    }
    answer = {
        "type": "object",
        "required": ["accepted", "tooOld", "durability"],
        "properties": {
            "accepted": {"type": "integer"},
            "tooOld": {"type": "integer", "description": "of an age that is not kept"},
            "durability": {"type": "string"},
        },
    }
    example = {
        "userId": _example(bundle.user_id_type),
        "itemId": _example(bundle.item_id_type),
        "event": next(iter(bundle.event_values), "viewed"),
    }
    return {
        "summary": "Tell what users did; the next answer counts it.",
        **with_body({"anyOf": [reference("Event"), several]}, example),
        "responses": responses(answer, 400, 404, 413, 507),
    }


def _erase() -> dict[str, Any]:
    answer = {
        "type": "object",
        "required": ["erasedEvents", "model"],
        "properties": {"erasedEvents": {"type": "integer"}, "model": {"type": "string"}},
    }
    return {
        "summary": "Erase all that this device keeps of a user.",
        "parameters": [
            {"name": "userId", "in": "path", "required": True, "schema": reference("UserId")}
        ],
        "responses": responses(answer, 400, 404, 507),
    }


def _similar(settings: ServerSettings) -> dict[str, Any]:
    score = {"type": "number", "minimum": -1, "maximum": 1, "description": "cosine of the vectors"}
    item = {"itemId": {"type": ["integer", "string"]}, "score": score}
    listed = {"type": "object", "required": list(item), "properties": item}
    answer = {
        "type": "object",
        "required": ["itemScoreList"],
        "properties": {"itemScoreList": {"type": "array", "items": listed}},
    }
    # No maximum: a number beyond a small catalogue lists all of it.
    most = f"how many, {settings.max_candidates} at most; left out: 10"
    return {
        "summary": "List the items most similar to one, the nearest first.",
        "parameters": [
            {"name": "itemId", "in": "path", "required": True, "schema": reference("ItemId")},
            {
                "name": "k",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1},
                "description": most,
            },
        ],
        "responses": responses(answer, 400, 404, 413, 503),
    }


def _plain(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": responses({"type": "object"}, 503)}


def _updates() -> dict[str, Any]:
    return {
        "summary": "What came from the feed: the sequence that is served, and how the feed is.",
        "responses": responses({"type": "object"}, 404),
    }


def _text(summary: str, media: str) -> dict[str, Any]:
    content = {media: {"schema": {"type": "string"}}}
    return {
        "summary": summary,
        "responses": {"200": {"description": "text", "content": content}, **errors(401)},
    }


def _context(bundle: Bundle) -> dict[str, Any]:
    """Numbers by name, or a list of them in the same order."""
    number = {"type": ["number", "null"], "minimum": -_MAX_FLOAT32, "maximum": _MAX_FLOAT32}
    names = {name: {**number, "default": one} for name, one in bundle.context.items()}
    return {
        "description": "numbers of this moment; what is left out or null is the default",
        "anyOf": [
            {"type": "object", "additionalProperties": False, "properties": names},
            {"type": "array", "items": number, "maxItems": len(names)},
        ],
    }


def _example(id_type: str) -> int | str:
    return 108 if id_type == "int64" else "108"
