"""Writes NAME.ort: the graph in ONNX Runtime's own form, which is mapped and not read.

ONNX Runtime keeps the tables of an .onnx file in memory of its own, beside what it takes to parse
them. From an .ort file it can use them where they stand: a page of the file comes into memory
when a request first looks at it, and goes when the device needs the room.

The graph in it is optimised as far as ONNX's own operators go ("basic"), so that it needs none
that the .onnx file does not. Measured, the further step ("extended") is no faster.
"""

import mmap
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import flatbuffers
import onnx
import onnxruntime
from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs import (
    ArgTypeAndIndex,
    InferenceSession,
    KernelTypeStrArgsEntry,
    KernelTypeStrResolver,
    OpIdKernelTypeStrArgsEntry,
)

from edgerec.export.parity import GraphSession, check_parity
from edgerec.export_settings import Target
from edgerec.files import described_file, replace_file, written_beside
from edgerec.graph.operators import (
    operators_of,
    require_pinned,
    required_operators,
)
from edgerec.schema import Request
from edgerec.training.ranker import Ranker

_ALIGNMENT: Final = 64
"""bytes; at least as wide as that of any table in the file"""
_IDENTIFIER: Final = b"ORTM"


def write_beside(
    graph: Path, target: Path, ranker: Ranker, where: Target, requests: Sequence[Request]
) -> dict[str, dict[str, Any]]:
    """Write NAME.ort and NAME.required_operators.config for the target NAME.onnx.

    Parameters
    ----------
    graph : path
        The graph as an .onnx file, by whatever name.
    where : str
        The target, which pins the operators.
    requests : sequence of Request
        That the .ort file must answer as `ranker` does.

    Returns
    -------
    dict
        For the manifest: "mapped" and "required_operators".

    Raises
    ------
    OperatorError, ParityError
        The .ort file may not be written.
    """
    path, listed = target.with_suffix(".ort"), target.with_suffix(".required_operators.config")
    with written_beside(path, lambda temporary: write_mapped(graph, temporary)) as temporary:
        operators = operators_in(temporary)
        require_pinned(operators, where, path.name)
        check_parity(ranker, GraphSession(temporary, ranker, mapped=True), requests)
        described = described_file(temporary, path.name)
    for domain, names in operators_of(
        onnx.load(graph, load_external_data=False).graph.node
    ).items():
        operators[domain] = operators.get(domain, frozenset()) | names
    text = required_operators(operators)
    replace_file(listed, lambda temporary: temporary.write_text(text, "utf-8"))
    return {"mapped": described, "required_operators": described_file(listed, listed.name)}


def write_mapped(graph: Path, path: Path) -> None:
    """Write the .onnx file `graph` as an .ort file.

    The same graph and version of ONNX Runtime give the same bytes.
    """
    assert os.environ.get("ORT_DISABLE_TELEMETRY") == "1"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    head, rest = _head_in_order(path)
    ordered = path.with_name(path.name + ".ordered")
    with path.open("rb") as written, ordered.open("wb") as file:
        file.write(head)
        written.seek(rest)
        shutil.copyfileobj(written, file, 1 << 20)
    ordered.replace(path)


def operators_in(path: Path) -> dict[str, frozenset[str]]:
    """Return the operators of an .ort file, those of its branches too."""
    waiting = [InferenceSession.InferenceSession.GetRootAs(_content(path), 0).Model().Graph()]
    used: dict[str, set[str]] = {}
    while waiting:
        graph = waiting.pop()
        for node in map(graph.Nodes, range(graph.NodesLength())):
            used.setdefault(node.Domain().decode(), set()).add(node.OpType().decode())
            for attribute in map(node.Attributes, range(node.AttributesLength())):
                inner = attribute.G()
                waiting += [] if inner is None else [inner]
    return {domain: frozenset(names) for domain, names in sorted(used.items())}


def _content(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _head_in_order(path: Path) -> tuple[bytes, int]:
    """Return what the file is to begin with, and from which byte on it stays as it is.

    An .ort file begins with a list of types by operator, which ONNX Runtime lays out in the order
    of a hash table whose seed is the address that a library was loaded to: another in each
    process. The graph and its tables, which follow, are the same. So this list is laid out anew.
    """
    content = _content(path)
    session = InferenceSession.InferenceSession.GetRootAs(content, 0)
    table = session.Model()._tab.Pos
    # The table that describes it stands right before it; and both in whole words.
    rest = (table - int.from_bytes(content[table : table + 4], "little", signed=True)) & ~3
    assert 0 < rest < table
    entries = sorted(_types(session.KernelTypeStrResolver()))
    # Tables keep their alignment, which counts from the end of the file.
    head = _head(session.OrtVersion(), entries, table - rest, 0)
    head = _head(session.OrtVersion(), entries, table - rest, (rest - len(head)) % _ALIGNMENT)
    assert (rest - len(head)) % _ALIGNMENT == 0
    return head, rest


_Arguments = list[tuple[int, int]]
_Entry = tuple[bytes, list[tuple[bytes, _Arguments]]]


def _types(resolver: Any) -> Iterator[_Entry]:
    """Yield each operator with its types, and for each the arguments that have it."""
    for at in range(resolver.OpKernelTypeStrArgsLength()):
        operator = resolver.OpKernelTypeStrArgs(at)
        types = [operator.KernelTypeStrArgs(i) for i in range(operator.KernelTypeStrArgsLength())]
        yield (
            operator.OpId(),
            sorted(
                (
                    one.KernelTypeStr(),
                    [(one.Args(i).ArgType(), one.Args(i).Index()) for i in range(one.ArgsLength())],
                )
                for one in types
            ),
        )


def _head(version: bytes, entries: list[_Entry], before_model: int, n_padding: int) -> bytes:
    """Return the beginning of a file whose model stands `before_model` bytes after its end."""
    builder = flatbuffers.Builder(1 << 16)
    builder.Pad(n_padding)
    operators = []
    for operator, types in entries:
        described = []
        for name, arguments in types:
            tables = []
            for kind, index in arguments:
                ArgTypeAndIndex.Start(builder)
                ArgTypeAndIndex.AddArgType(builder, kind)
                ArgTypeAndIndex.AddIndex(builder, index)
                tables.append(ArgTypeAndIndex.End(builder))
            vector = _vector(builder, tables)
            text = builder.CreateSharedString(name)
            KernelTypeStrArgsEntry.Start(builder)
            KernelTypeStrArgsEntry.AddKernelTypeStr(builder, text)
            KernelTypeStrArgsEntry.AddArgs(builder, vector)
            described.append(KernelTypeStrArgsEntry.End(builder))
        vector = _vector(builder, described)
        text = builder.CreateSharedString(operator)
        OpIdKernelTypeStrArgsEntry.Start(builder)
        OpIdKernelTypeStrArgsEntry.AddOpId(builder, text)
        OpIdKernelTypeStrArgsEntry.AddKernelTypeStrArgs(builder, vector)
        operators.append(OpIdKernelTypeStrArgsEntry.End(builder))
    vector = _vector(builder, operators)
    KernelTypeStrResolver.Start(builder)
    KernelTypeStrResolver.AddOpKernelTypeStrArgs(builder, vector)
    resolver = KernelTypeStrResolver.End(builder)
    text = builder.CreateString(version)
    InferenceSession.Start(builder)
    InferenceSession.AddOrtVersion(builder, text)
    # Offsets count back from the end of what is built, and the model stands after it.
    InferenceSession.AddModel(builder, -before_model)
    InferenceSession.AddKernelTypeStrResolver(builder, resolver)
    builder.Finish(InferenceSession.End(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
