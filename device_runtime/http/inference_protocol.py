"""Open Inference Protocol v2: the tensors of a request and of its answer, in JSON. No HTTP.

https://github.com/open-inference/open-inference-protocol, specification/protocol. The tensors are
those of the graph; those that are left out take their neutral values.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from device_runtime import __version__
from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError, shown
from device_runtime.http.requests import check_object
from device_runtime.manifest import INPUTS, OUTPUTS
from device_runtime.settings import ServerSettings
from device_runtime.tensors import PADDING

if TYPE_CHECKING:
    from device_runtime.scorer import Scorer

_DATATYPES: Final = {"int64": "INT64", "string": "BYTES", "float32": "FP32", "bool": "BOOL"}
_SINGLE: Final = ("user_id", "now", "k")
# `model_name` stands in the path, and KServe's client repeats it here.
_REQUEST_KEYS: Final = ("id", "model_name", "model_version", "parameters", "inputs", "outputs")
EXAMPLE: Final = '{"inputs": [{"name": "k", "datatype": "INT64", "shape": [1], "data": [10]}]}'
_INPUT_KEYS: Final = ("name", "shape", "datatype", "parameters", "data")
_MAX_DIMENSIONS: Final = 4
_MAX_INT64: Final = 2**63 - 1
_MAX_FLOAT32: Final = 3.4028234e38


@dataclass(frozen=True, slots=True)
class InferRequest:
    """The tensors of a request, checked, and what is wanted of its answer."""

    id: str | None
    """Returned with the answer."""
    tensors: Mapping[str, list[Any]]
    """Those that were sent, flat."""
    outputs: Sequence[str]
    """Names of the wanted outputs, in the order they were asked."""
    of_catalogue: bool
    """Whether the whole catalogue is scored, since no candidate was sent."""


def server_metadata() -> dict[str, Any]:
    """Return what ``GET /v2`` answers."""
    return {"name": "edgerec-device-runtime", "version": __version__, "extensions": []}


def model_metadata(bundle: Bundle) -> dict[str, Any]:
    """Return what ``GET /v2/models/{name}`` answers."""
    return {
        "name": bundle.name,
        "versions": [model_version(bundle)],
        "platform": "onnx_onnxv1",
        "inputs": [_described(name, kind) for name, kind in _datatypes(bundle, INPUTS).items()],
        "outputs": [_described(name, kind) for name, kind in _datatypes(bundle, OUTPUTS).items()],
    }


def model_version(bundle: Bundle) -> str:
    """Return what tells this file from the next one of its name: its hash, shortened."""
    return str(bundle.manifest["graph"]["sha256"])[:12]


def _described(name: str, datatype: str) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [1 if name in _SINGLE else -1]}


def _datatypes(bundle: Bundle, named: Mapping[str, str]) -> dict[str, str]:
    ids = {"user": bundle.user_id_type, "item": bundle.item_id_type}
    return {name: _DATATYPES[ids.get(kind, kind)] for name, kind in named.items()}


def parse_infer(content: Any, bundle: Bundle, settings: ServerSettings) -> InferRequest:
    """Check the body of ``POST /v2/models/{name}/infer``.

    Parameters
    ----------
    content : object
        What JSON held.
    bundle : Bundle
        Says of which types ids are.
    settings : ServerSettings
        Says how long tensors may be.

    Returns
    -------
    InferRequest
        What was asked.

    Raises
    ------
    RequestError
        Status 400 or 413; the sentence names the tensor.
    """
    fields = check_object(content, _REQUEST_KEYS, EXAMPLE)
    asked_id = fields.get("id")
    if not isinstance(asked_id, str | None):
        raise RequestError(f"id: expected a string, got {shown(asked_id)}; or leave it out")
    datatypes = _datatypes(bundle, INPUTS)
    tensors: dict[str, list[Any]] = {}
    for index, entry in enumerate(_listed("inputs", fields.get("inputs", []), len(INPUTS))):
        tensor = _object(f"inputs[{index}]", entry)
        name = tensor.get("name")
        if not isinstance(name, str) or name not in datatypes or name in tensors:
            raise RequestError(
                f"inputs[{index}].name: expected one of {', '.join(datatypes)}, each once, got "
                f"{shown(name)}; GET /v2/models/{bundle.name} lists them"
            )
        tensors[name] = _tensor(name, tensor, datatypes[name], settings)
    outputs = _outputs(fields.get("outputs"))
    padding = PADDING[bundle.item_id_type]
    of_catalogue = all(each == padding for each in tensors.get("item_ids", ()))
    k = tensors.get("k", [0])[0]
    n_answered = bundle.n_items if k <= 0 or {"scores", "known"} & set(outputs) else k
    if of_catalogue and min(n_answered, bundle.n_items) > settings.max_candidates:
        raise RequestError(
            f"outputs: at most {settings.max_candidates} items of the catalogue are answered, and "
            f"it has {bundle.n_items}; send k, and ask for top_ids and top_scores alone",
            status=413,
        )
    return InferRequest(asked_id, tensors, outputs, of_catalogue)


def _listed(name: str, value: Any, longest: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > longest:
        raise RequestError(
            f"{name}: expected a list of at most {longest} objects, got {shown(value)}"
        )
    return value


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(f"{name}: expected an object, got {shown(value)}; send one with a name")
    return value


def _outputs(asked: Any) -> Sequence[str]:
    if not asked and asked in (None, []):
        return list(OUTPUTS)
    names = []
    for index, entry in enumerate(_listed("outputs", asked, len(OUTPUTS))):
        name = _object(f"outputs[{index}]", entry).get("name")
        if not isinstance(name, str) or name not in OUTPUTS or name in names:
            raise RequestError(
                f"outputs[{index}].name: expected one of {', '.join(OUTPUTS)}, each once, got "
                f"{shown(name)}"
            )
        names.append(name)
    return names


def _tensor(
    name: str, tensor: dict[str, Any], datatype: str, settings: ServerSettings
) -> list[Any]:
    for key in tensor:
        if key not in _INPUT_KEYS:
            raise RequestError(
                f"{name}: {shown(key)}: unknown key; the keys are {', '.join(_INPUT_KEYS)}"
            )
    if tensor.get("datatype") != datatype:
        raise RequestError(
            f"{name}: datatype: expected {datatype}, got {shown(tensor.get('datatype'))}"
        )
    shape, data = tensor.get("shape"), tensor.get("data")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MAX_DIMENSIONS
        or any(type(each) is not int or each < 0 for each in shape)
        or sum(each != 1 for each in shape) > 1
    ):
        raise RequestError(f"{name}: shape: expected [n] or [1, n], got {shape!s:.60}")
    if not isinstance(data, list):
        raise RequestError(
            f"{name}: data: expected a list in JSON, got {shown(data)}; binary data is not taken"
        )
    longest = {
        "item_ids": settings.max_candidates,
        "exclude": settings.max_exclude,
    }.get(name, settings.max_history)
    length = math.prod(shape)
    if name in _SINGLE and length != 1:
        raise RequestError(f"{name}: shape: expected [1], got {shape!s:.60}")
    if length > longest:
        raise RequestError(
            f"{name}: expected at most {longest} elements, got {length}; send fewer", status=413
        )
    flat = list(_flat(data, _MAX_DIMENSIONS))
    if len(flat) != length:
        raise RequestError(
            f"{name}: data: expected as many elements as its shape says, got {len(flat)} for "
            f"{shape!s:.60}"
        )
    return [_element(f"{name}: data[{at}]", each, datatype) for at, each in enumerate(flat)]


def _flat(data: list[Any], depth: int) -> Iterator[Any]:
    for each in data:
        if isinstance(each, list) and depth > 1:
            yield from _flat(each, depth - 1)
        else:
            yield each


def _element(name: str, value: Any, datatype: str) -> Any:
    # type() rather than isinstance(): true must not pass for the number 1.
    if datatype == "INT64":
        if type(value) is int and -_MAX_INT64 - 1 <= value <= _MAX_INT64:
            return value
        expected = "an integer within 64 bits"
    elif datatype == "FP32":
        if value is None:
            return math.nan
        if type(value) in (int, float) and abs(value) <= _MAX_FLOAT32:
            return float(value)
        expected = "a finite number, or null where it is not stated"
    else:
        if type(value) is str:
            return value
        expected = "a string"
    raise RequestError(f"{name}: expected {expected}, got {shown(value)}")


def answer_infer(request: InferRequest, scorer: "Scorer") -> dict[str, Any]:
    """Run the graph, and return the answer as JSON will hold it.

    Parameters
    ----------
    request : InferRequest
        What `parse_infer` returned.
    scorer : Scorer
        Of the same bundle.

    Raises
    ------
    RequestError
        A string is no Unicode text, or no finite score follows.
    """
    given: dict[str, Any] = dict(request.tensors)
    for name in _SINGLE:
        if name in given:
            given[name] = given[name][0]
    if request.of_catalogue:
        # To the graph no candidates are the whole catalogue.
        given.pop("item_ids", None)
    # Scores are asked for in any case: without them nothing tells that they are not finite.
    answer = scorer.run(**given, outputs=[*dict.fromkeys([*request.outputs, "top_scores"])])
    datatypes = _datatypes(scorer.bundle, OUTPUTS)
    outputs = []
    for name in request.outputs:
        data = getattr(answer, name).tolist()
        outputs.append(
            {"name": name, "datatype": datatypes[name], "shape": [len(data)], "data": data}
        )
    named = {
        "model_name": scorer.bundle.name,
        "model_version": model_version(scorer.bundle),
        "outputs": outputs,
    }
    return named if request.id is None else {"id": request.id, **named}
