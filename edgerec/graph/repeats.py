"""Has nodes computed twice, of other rows: those that score candidates, in a branch before them.

What is scored may depend on how other items score. The nodes that say so are those that score
candidates, so they are copied when the graph is whole, and need not know of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import onnx


@dataclass(frozen=True)
class Repeat:
    """A tensor that a branch reads, and of which tensor of the graph it is another copy."""

    result: str
    """what is to be computed again"""
    start: str
    """what the copies are to read something else for"""
    own: str
    """what they read there, which depends on nothing that is computed in the branch"""
    prefix: str
    """of the names of the copies"""

    @property
    def name(self) -> str:
        """What the branch reads."""
        return f"{self.prefix}/{self.result}"


def with_repeats(
    nodes: Sequence[onnx.NodeProto], repeats: Sequence[Repeat]
) -> list[onnx.NodeProto]:
    """Return the nodes with their copies, in an order in which everything is there when read.

    `start` may depend on the branch that reads the repeat, but what else the copies read must not.
    """
    ordered = list(nodes)
    for repeat in repeats:
        following = depending(ordered, {repeat.start}) - {repeat.start}
        leading = {repeat.result}
        copied: list[onnx.NodeProto] = []
        for node in reversed(ordered):
            if leading.intersection(node.output) and following.intersection(node.output):
                leading.update(node.input)
                copied.insert(0, node)
        assert not any(True for node in copied for _ in _parts(node))
        branch = next(node for node in ordered if repeat.name in _reads([node]))
        part = _innermost(branch, repeat.name)
        own = {name for node in copied for name in node.output}
        names = {name: f"{repeat.prefix}/{name}" for name in own} | {repeat.start: repeat.own}
        copies = [_renamed(node, names, repeat.prefix) for node in copied]
        rest = list(part.node)
        del part.node[:]
        part.node.extend([*copies, *rest])
        later = depending(ordered, set(branch.output))
        before = [
            one for one in ordered if one is not branch and not later.intersection(one.output)
        ]
        after = [one for one in ordered if one is not branch and later.intersection(one.output)]
        ordered = [*before, branch, *after]
    return ordered


def depending(nodes: Iterable[onnx.NodeProto], names: set[str]) -> set[str]:
    """Return these names and all that nodes, in their order, compute from them."""
    found = set(names)
    for node in nodes:
        if not found.isdisjoint(_reads([node])):
            found.update(node.output)
    return found


def _reads(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """Return what nodes read, and what is read in their branches."""
    found: set[str] = set()
    for node in nodes:
        found.update(node.input)
        for part in _parts(node):
            found |= _reads(part.node)
    return found - {""}


def _innermost(node: onnx.NodeProto, name: str) -> onnx.GraphProto:
    """Return the branch, in a node or in one of its branches, whose own nodes read a tensor."""
    part = next(part for part in _parts(node) if name in _reads(part.node))
    inner = next(one for one in part.node if name in _reads([one]))
    return part if name in inner.input else _innermost(inner, name)


def _parts(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    return (one.g for one in node.attribute if one.type == onnx.AttributeProto.GRAPH)


def _renamed(node: onnx.NodeProto, names: dict[str, str], prefix: str) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = f"{prefix}/{node.name}"
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    return copy
