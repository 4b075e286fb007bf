import numpy as np
import onnx
from onnx import TensorProto, helper

from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import TensorSpecification


def test_the_same_constant_is_one_initializer():
    graph = GraphBuilder()
    assert graph.constant([0]) == graph.constant([0])
    assert graph.constant([0]) != graph.constant(0)
    assert graph.number(1.0) != graph.constant(1)


def test_included_nodes_are_renamed_and_the_rest_is_left_out():
    inner = helper.make_graph(
        [
            helper.make_node("Neg", ["x"], ["y"], name="negate"),
            helper.make_node("Abs", ["x"], ["unused"], name="unused"),
            helper.make_node("Add", ["y", "one"], ["z"], name="add"),
        ],
        "inner",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N"])],
        [onnx.numpy_helper.from_array(np.ones(1, np.float32), "one")],
    )
    graph = GraphBuilder()
    assert graph.include(inner, "z", "inner", {"x": "scores_in"}) == "inner/z"
    specification = TensorSpecification("scores_in", "float32", ("N",))
    result = TensorSpecification("inner/z", "float32", ("N",))
    model = graph.model("outer", [specification], [result], "0")
    assert [node.name for node in model.graph.node] == ["inner/negate", "inner/add"]
    onnx.checker.check_model(model, full_check=True)


def test_opset_imports_are_sorted_and_the_graph_is_named():
    model = GraphBuilder().model("edgerec", [], [], "0")
    assert [(one.domain, one.version) for one in model.opset_import] == [
        ("", 17),
        ("ai.onnx.ml", 2),
    ]
    assert model.graph.name == "edgerec"
    assert model.ir_version == 8
