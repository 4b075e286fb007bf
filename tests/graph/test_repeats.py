"""Nodes that stand behind a branch are computed in it too, of something else."""

import numpy as np
import onnxruntime

from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.repeats import Repeat
from edgerec.schema import TensorSpecification


def session() -> onnxruntime.InferenceSession:
    """Return squares of `rows` and of as many as a branch says, which squares something too.

    Twice the square of 3 rows are asked for, and more where `asked` is above 0.
    """
    graph = GraphBuilder()
    three = graph.constant([3])
    asked = graph.add("Greater", ["asked", graph.constant([0])])
    repeat = Repeat("squares", "rows", three, "first")

    def found() -> list[str]:
        return [graph.add("Add", [graph.repeated(repeat), "asked"])]

    def none() -> list[str]:
        return [graph.add("Identity", ["asked"])]

    graph.branch(asked, found, none, [TensorSpecification("more", "int64", ("n",))])
    graph.add("Concat", ["given", "more"], "rows", axis=0)
    # It depends on no branch but stands behind it, and is read within.
    twice = graph.add("Add", [graph.constant([1]), graph.constant([1])], "twice")
    product = graph.add("Mul", ["rows", "rows"], "product")
    graph.add("Mul", [product, twice], "squares")
    whole = graph.model(
        "test",
        [TensorSpecification(name, "int64", ("n",)) for name in ("given", "asked")],
        [TensorSpecification("squares", "int64", ("n",))],
        "0",
    )
    return onnxruntime.InferenceSession(whole.SerializeToString())


def test_a_branch_reads_a_copy_of_what_comes_after_it():
    run = session().run
    feeds = {"given": np.array([1, 2]), "asked": np.array([5])}
    # In the branch: twice the square of 3, and 5.
    assert run(None, feeds)[0].tolist() == [2, 8, 2 * 23 * 23]
    feeds["asked"] = np.array([0])
    assert run(None, feeds)[0].tolist() == [2, 8, 0]
