"""What the parts of the OpenAPI document share."""

from typing import Any, Final

JSON: Final = "application/json"


def with_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an operation that describes its body."""
    content = {JSON: {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def responses(answer: dict[str, Any], *statuses: int) -> dict[str, Any]:
    """Return the responses of an operation: its answer, and errors of the given statuses."""
    return {
        "200": {"description": "the answer", "content": {JSON: {"schema": answer}}},
        **errors(*statuses, 401),
    }


_MEANINGS: Final = {
    400: "the request is not what is expected",
    401: "the token is missing or another one",
    404: "nothing is here, no events are kept, no feed is followed, or an item resembles nothing",
    408: "the body took too long to arrive",
    413: "too many or too large",
    503: "the server is stopping, or too much is being answered: try again",
    507: "the disk takes nothing",
}


def errors(*statuses: int) -> dict[str, Any]:
    """Return the responses that are errors."""
    content = {JSON: {"schema": reference("Error")}}
    return {
        str(status): {"description": _MEANINGS[status], "content": content}
        for status in sorted(statuses)
    }


def reference(name: str) -> dict[str, str]:
    """Return the reference to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}
