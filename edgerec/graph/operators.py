"""The operators that a file may use, pinned for each target, and the list of those it does use.

A file must run wherever its target says. Whoever builds ONNX Runtime for an app himself leaves out
what no file needs, so an operator more is an app that no longer loads the next file: the list
changes here, on purpose, or not at all.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import onnx

from edgerec.errors import OperatorError
from edgerec.export_settings import Target
from edgerec.schema import OPSET, OPSET_ML

Operators = Mapping[str, frozenset[str]]
"""domain to the names of its operators; the domain of ONNX itself is "" """

_ONNX: Final = """
    Abs Add And Cast Clip Compress Concat Div Equal Exp Expand Gather Gemm Greater GreaterOrEqual
    Identity If IsNaN Less Log MatMul Max Min Mod Mul Neg NonZero Not Or Range ReduceMax ReduceSum
    Relu Reshape ScatterElements ScatterND Shape Sigmoid Slice Split Sqrt Squeeze Sub Tanh TopK
    Transpose Unique Unsqueeze Where
"""
_EVERYWHERE: Final[Operators] = {
    "": frozenset(_ONNX.split()),
    "ai.onnx.ml": frozenset({"LabelEncoder"}),
}
PINNED: Final[Mapping[Target, Operators]] = {
    "server": _EVERYWHERE,
    "board": _EVERYWHERE,
    "phone": _EVERYWHERE,
    "web": _EVERYWHERE,
}
"""One list now. The builds for Android, iOS and WebAssembly have all of it on their CPU provider,
with the types that are used here."""
_OPSETS: Final = {"": OPSET, "ai.onnx.ml": OPSET_ML}


def operators_of(nodes: Iterable[onnx.NodeProto]) -> Operators:
    """Return the operators of nodes, and of the graphs inside them.

    >>> operators_of([onnx.helper.make_node("Abs", ["x"], ["y"])])
    {'': frozenset({'Abs'})}
    """
    found: dict[str, set[str]] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        found.setdefault(node.domain, set()).add(node.op_type)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                waiting.extend(inner.node)
    return {domain: frozenset(names) for domain, names in sorted(found.items())}


def require_pinned(found: Operators, target: Target, file: str) -> None:
    """Refuse operators that are not pinned for `target`.

    Raises
    ------
    OperatorError
        The sentence names them.

    >>> require_pinned({"": frozenset({"Abs", "Loop"})}, "web", "shop.onnx")
    Traceback (most recent call last):
    ...
    edgerec.errors.OperatorError: shop.onnx would use the operator Loop, which is not among ...
    """
    pinned = PINNED[target]
    beyond = sorted(
        f"{domain}.{name}".lstrip(".")
        for domain, names in found.items()
        for name in names - pinned.get(domain, frozenset())
    )
    if beyond:
        raise OperatorError(
            f"{file} would use the operator{'s' if len(beyond) > 1 else ''} {', '.join(beyond)}, "
            f"which {'are' if len(beyond) > 1 else 'is'} not among those pinned for the target "
            f"{target!r}; no file was written. Build the graph without, or pin more in "
            "edgerec/graph/operators.py after a look at what the target's ONNX Runtime has."
        )


def required_operators(found: Operators) -> str:
    """Return the operators as ONNX Runtime's build reads them (`--include_ops_by_config`).

    >>> print(required_operators({"": frozenset({"Add", "Abs"})}), end="")
    # Operators of this file. Build ONNX Runtime with: --include_ops_by_config THIS_FILE
    ai.onnx;17;Abs,Add
    """
    lines = ["# Operators of this file. Build ONNX Runtime with: --include_ops_by_config THIS_FILE"]
    for domain, names in sorted(found.items()):
        lines.append(f"{domain or 'ai.onnx'};{_OPSETS[domain]};{','.join(sorted(names))}")
    return "\n".join(lines) + "\n"
