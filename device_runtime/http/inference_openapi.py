"""The routes of the Open Inference Protocol v2, as OpenAPI describes them."""

from typing import Any

from device_runtime.bundle import Bundle
from device_runtime.http.inference_protocol import model_metadata, model_version
from device_runtime.http.openapi_parts import responses, with_body
from device_runtime.settings import ServerSettings


def inference_paths(bundle: Bundle, settings: ServerSettings) -> dict[str, Any]:
    """Return the paths of the protocol, with the tensors of this model."""
    about = model_metadata(bundle)
    name = {"name": "name", "in": "path", "required": True, "schema": {"const": bundle.name}}
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"enum": [one["name"] for one in about["inputs"]]},
            "datatype": {"enum": sorted({one["datatype"] for one in about["inputs"]})},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
            "parameters": {"type": "object"},
            "data": {"type": "array", "maxItems": settings.max_candidates},
        },
        "additionalProperties": False,
    }
    wanted = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": [one["name"] for one in about["outputs"]]}},
    }
    body = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "returned with the answer"},
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "parameters": {"type": "object"},
            "inputs": {
                "type": "array",
                "items": tensor,
                "description": "tensors of the graph; those left out are neutral",
            },
            "outputs": {
                "type": "array",
                "items": wanted,
                "description": "those wanted; left out: all",
            },
        },
        "additionalProperties": False,
    }
    answer = {"type": "object", "required": ["model_name", "outputs"]}
    items = next(one["datatype"] for one in about["inputs"] if one["name"] == "item_ids")
    data: list[int | str] = [1, 2] if items == "INT64" else ["1", "2"]
    example = {"inputs": [{"name": "item_ids", "datatype": items, "shape": [2], "data": data}]}
    version = {
        "name": "version",
        "in": "path",
        "required": True,
        "schema": {"const": model_version(bundle)},
    }

    def plain(summary: str, *statuses: int) -> dict[str, Any]:
        return {"summary": summary, "responses": responses({"type": "object"}, *statuses)}

    paths = {
        "/v2": {"get": plain("Open Inference Protocol v2: name and version of the server.")},
        "/v2/health/live": {"get": plain("200 while the process answers.")},
        "/v2/health/ready": {"get": plain("200 while requests are taken.", 503)},
    }
    infer = {
        "summary": "Run the graph on tensors.",
        **with_body(body, example),
        "responses": responses(answer, 400, 404, 408, 413, 503),
    }
    of_model = {"": [name], "/versions/{version}": [name, version]}
    for which, parameters in of_model.items():
        route, model = f"/v2/models/{{name}}{which}", {"parameters": parameters}
        paths |= {
            route: {"get": plain("The tensors of the model.", 404) | model},
            f"{route}/ready": {"get": plain("Whether the model answers.", 404, 503) | model},
            f"{route}/infer": {"post": infer | model},
        }
    return paths
