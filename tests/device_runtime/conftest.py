"""A small bundle that keeps the contract, written with onnx.helper: no training, known answers.

A score is the sigmoid of the item's bias, plus the user's, plus a tenth of the sum over the history
of bias times value, where a value that is not stated counts as 1.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

NOT_STATED = -(2**63)
ITEM_IDS = [1, 2, 3, 39, 40, 2**53 + 1]
USER_IDS = [7, 108]
BIAS = [0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 0.5]
USER_BIAS = [0.0, -0.25, 0.25]
ELEMENTS = {
    "int64": TensorProto.INT64,
    "string": TensorProto.STRING,
    "float32": TensorProto.FLOAT,
    "bool": TensorProto.BOOL,
}


class GraphWriter:
    """Appends nodes and constants, and hands out names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{operator}_{len(self.nodes)}"
        domain = "ai.onnx.ml" if operator == "LabelEncoder" else ""
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], domain=domain, **attributes)
        )
        return output

    def constant(self, values: Any, kind: str = "int64") -> str:
        array = np.asarray(values, dtype=object if kind == "string" else kind)
        name = f"constant_{len(self.constants)}"
        flat = [each.encode() for each in array] if kind == "string" else array.ravel().tolist()
        self.constants.append(helper.make_tensor(name, ELEMENTS[kind], array.shape, flat))
        return name


def external(ids: list[int], id_type: str) -> list[Any]:
    """The ids as the model knows them: strings are "i1", "i2" …"""
    return [f"i{each}" for each in ids] if id_type == "string" else list(ids)


def write_graph(user_type: str, item_type: str, bias: list[float] = BIAS) -> onnx.ModelProto:
    graph = GraphWriter()
    add, constant = graph.add, graph.constant
    items = external(ITEM_IDS, item_type)
    padding = constant(["" if item_type == "string" else NOT_STATED], item_type)
    one, zero = constant([1]), constant([0])

    def rows(ids: str, keys: list[Any], kind: str) -> str:
        named = {f"keys_{kind}s": keys, f"values_{'int64'}s": list(range(1, len(keys) + 1))}
        return add("LabelEncoder", ids, default_int64=0, **named)

    def stated(ids: str) -> str:
        named = {f"keys_{item_type}s": ["" if item_type == "string" else NOT_STATED]}
        number = add("LabelEncoder", ids, values_int64s=[0], default_int64=1, **named)
        return add("Cast", number, to=TensorProto.BOOL)

    # Candidates without padding; none: the catalogue.
    asked = add("Compress", "item_ids", stated("item_ids"), axis=0)
    n_asked = add("Shape", asked)
    empty = add("Squeeze", add("Equal", n_asked, zero), zero)
    # ONNX Runtime 1.16 fails where it can fold strings into a constant: the length of this slice
    # depends on an input, though only by zero.
    ends = add("Add", constant([len(items)]), n_asked)
    catalogue = add("Slice", constant(items, item_type), zero, ends)
    branches = {}
    for name, source in (("then_branch", catalogue), ("else_branch", asked)):
        shape = helper.make_tensor_value_info(name, ELEMENTS[item_type], [None])
        node = helper.make_node("Identity", [source], [name])
        branches[name] = helper.make_graph([node], name, [], [shape])
    candidates = add("If", empty, **branches)
    item_rows = rows(candidates, items, item_type)
    add("Greater", item_rows, zero, output="known")

    # Values and times belong to the history by position; what is missing is not stated.
    n_history = add("Shape", "history")
    filled_values = add(
        "Concat",
        "history_values",
        add("Expand", constant([np.nan], "float32"), n_history),
        axis=0,
    )
    values = add("Slice", filled_values, zero, n_history)
    values = add("Where", add("IsNaN", values), constant([1.0], "float32"), values)
    unknown_time = constant([NOT_STATED])
    filled_times = add("Concat", "history_times", add("Expand", unknown_time, n_history), axis=0)
    times = add("Slice", filled_times, zero, n_history)
    early = add("Less", times, "now")
    untimed = add("Or", add("Equal", times, unknown_time), add("Equal", "now", unknown_time))
    in_time = add("Cast", add("Or", early, untimed), to=TensorProto.FLOAT)
    biases = constant(bias, "float32")
    history_bias = add("Gather", biases, rows("history", items, item_type))
    weighted = add("Mul", add("Mul", history_bias, values), in_time)
    weighted = add("Concat", weighted, constant([0.0], "float32"), axis=0)
    history_term = add(
        "Mul", add("ReduceSum", weighted, zero, keepdims=1), constant([0.1], "float32")
    )

    users = external(USER_IDS, user_type)
    user_bias = add("Gather", constant(USER_BIAS, "float32"), rows("user_id", users, user_type))
    logit = add("Add", add("Gather", biases, item_rows), add("Add", user_bias, history_term))
    context = add("ReduceSum", add("Concat", "context", constant([0.0], "float32"), axis=0), zero)
    scores = add("Sigmoid", add("Add", logit, context), output="scores")

    # Excluded by id, not by row, so that an item that was not in training can be excluded too.
    excluded_ids = add("Concat", "exclude", padding, axis=0)
    together = add("Concat", candidates, excluded_ids, axis=0)
    graph.nodes.append(
        helper.make_node("Unique", [together], ["distinct", "", "numbers", ""], sorted=1)
    )
    n_candidates = add("Shape", candidates)
    own = add("Unsqueeze", add("Slice", "numbers", zero, n_candidates), one)
    others = add("Slice", "numbers", n_candidates, constant([2**62]))
    same = add("Cast", add("Equal", own, add("Unsqueeze", others, zero)), to=TensorProto.FLOAT)
    excluded = add("Cast", add("ReduceMax", same, axes=[1], keepdims=0), to=TensorProto.BOOL)
    allowed = add("Cast", add("Not", excluded), to=TensorProto.INT64)
    n_allowed = add("ReduceSum", allowed, zero, keepdims=1)
    wanted = add("Where", add("Greater", "k", zero), add("Min", "k", n_allowed), n_allowed)
    ranked = add("Where", excluded, constant([-1.0], "float32"), scores)
    graph.nodes.append(
        helper.make_node("TopK", [ranked, wanted], ["top_scores", "top_positions"], axis=0)
    )
    add("Gather", candidates, "top_positions", output="top_ids")

    def info(name: str, kind: str, length: int | str) -> Any:
        return helper.make_tensor_value_info(name, ELEMENTS[kind], [length])

    made = helper.make_graph(
        graph.nodes,
        "tiny",
        [info(name, kind, length) for name, kind, length in inputs(user_type, item_type)],
        [info(name, kind, length) for name, kind, length in outputs(item_type)],
        graph.constants,
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    model = helper.make_model(made, opset_imports=imports, ir_version=8)
    onnx.checker.check_model(model)
    return model


def inputs(user_type: str, item_type: str) -> list[tuple[str, str, int | str]]:
    return [
        ("user_id", user_type, 1),
        ("item_ids", item_type, "N"),
        ("history", item_type, "H"),
        ("history_values", "float32", "HV"),
        ("history_times", "int64", "HT"),
        ("now", "int64", 1),
        ("exclude", item_type, "E"),
        ("context", "float32", "C"),
        ("k", "int64", 1),
    ]


def outputs(item_type: str) -> list[tuple[str, str, int | str]]:
    return [
        ("scores", "float32", "M"),
        ("known", "bool", "M"),
        ("top_positions", "int64", "K"),
        ("top_ids", item_type, "K"),
        ("top_scores", "float32", "K"),
    ]


def to_json(array: np.ndarray) -> list[Any]:
    if array.dtype == np.int64:
        return [str(each) for each in array.tolist()]
    return [None if each != each else each for each in array.tolist()]


def golden(session: Any, user_type: str, item_type: str) -> list[dict[str, Any]]:
    user = np.array(external(USER_IDS, user_type), dtype=_dtype(user_type))
    item = np.array(external(ITEM_IDS, item_type), dtype=_dtype(item_type))
    new = np.array(external([5000], item_type), dtype=_dtype(item_type))
    neutral = {
        "user_id": np.array([_padding(user_type)], dtype=_dtype(user_type)),
        "item_ids": item[:0],
        "history": np.array([_padding(item_type)], dtype=_dtype(item_type)),
        "history_values": np.array([np.nan], dtype=np.float32),
        "history_times": np.array([NOT_STATED]),
        "now": np.array([NOT_STATED]),
        "exclude": np.array([_padding(item_type)], dtype=_dtype(item_type)),
        "context": np.empty(0, dtype=np.float32),
        "k": np.array([0]),
    }
    requests: dict[str, dict[str, Any]] = {
        "neutral": {},
        "known user": {"user_id": user[1:2]},
        "candidates": {"user_id": user[:1], "item_ids": item[:3]},
        "unknown item": {"item_ids": np.concatenate([new, item[:2]])},
        "history": {"history": item[2:5], "item_ids": item},
        "values": {"history": item[:2], "history_values": np.array([2, -1], dtype=np.float32)},
        "times": {
            "history": item[:2],
            "history_times": np.array([10, 30]),
            "now": np.array([20]),
        },
        "best two": {"k": np.array([2]), "exclude": item[3:4]},
        "one candidate": {"item_ids": item[:1], "k": np.array([10])},
    }
    entries = []
    for name, request in requests.items():
        feeds = neutral | request
        answers = session.run([each for each, _, _ in outputs(item_type)], feeds)
        names = [each for each, _, _ in outputs(item_type)]
        entries.append(
            {
                "name": name,
                "inputs": {each: to_json(array) for each, array in feeds.items()},
                "outputs": dict(zip(names, map(to_json, answers), strict=True)),
            }
        )
    return entries


def _dtype(id_type: str) -> Any:
    return object if id_type == "string" else np.int64


def _padding(id_type: str) -> Any:
    return "" if id_type == "string" else NOT_STATED


def write_bundle(
    folder: Path,
    user_type: str = "int64",
    item_type: str = "int64",
    bias: list[float] = BIAS,
) -> Path:
    content = write_graph(user_type, item_type, bias).SerializeToString()
    path = folder / "tiny.onnx"
    path.write_bytes(content)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    manifest = {
        "format_version": 1,
        "name": "tiny",
        "edgerec_version": "0.1.0",
        "graph": {
            "file": path.name,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "opset": 17,
            "ai_onnx_ml": 2,
            "ir_version": 8,
        },
        "id_types": {"user": user_type, "item": item_type},
        "inputs": [
            {"name": name, "type": kind, "shape": [length]}
            for name, kind, length in inputs(user_type, item_type)
        ],
        "outputs": [
            {"name": name, "type": kind, "shape": [length]}
            for name, kind, length in outputs(item_type)
        ],
        "n_history": 100,
        "history_until": 1537799250,
        "label": {"above": 3.5},
        "event_values": {"viewed": None, "liked": 4.4, "bought": 4.4, "skipped": 2.6},
        "catalogue": {"n_users": len(USER_IDS), "n_items": len(ITEM_IDS)},
        "parity": {"n_requests": 200, "max_abs_difference": 2e-7, "tolerance": 1e-5},
        "metrics": [],
        "golden": golden(session, user_type, item_type),
    }
    path.with_suffix(".json").write_text(json.dumps(manifest))
    return path


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with integer ids. Not to be written to."""
    return write_bundle(tmp_path_factory.mktemp("integers"))


@pytest.fixture(scope="session")
def string_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with string ids. Not to be written to."""
    return write_bundle(tmp_path_factory.mktemp("strings"), "string", "string")


@pytest.fixture
def own_bundle(tmp_path: Path) -> Path:
    """A bundle that the test may damage."""
    return write_bundle(tmp_path)


@pytest.fixture
def edit_manifest(own_bundle: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Change the manifest of a bundle of the test's own, and return the path of its graph."""

    def edit(change: Callable[[dict[str, Any]], None]) -> Path:
        path = own_bundle.with_suffix(".json")
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))
        return own_bundle

    return edit


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the files of a certificate of localhost and of its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl, which makes the certificate of this test")
    folder = tmp_path_factory.mktemp("certificate")
    names = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"
