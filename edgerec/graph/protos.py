"""Tables, inputs and outputs as ONNX writes them."""

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgerec.schema import TensorSpecification

_TYPES: Final = {
    "int64": TensorProto.INT64,
    "string": TensorProto.STRING,
    "float32": TensorProto.FLOAT,
    "bool": TensorProto.BOOL,
}


def tensor(name: str, values: NDArray[Any]) -> onnx.TensorProto:
    """Return a table of numbers or, from an object array, of strings."""
    if values.dtype != object:
        return numpy_helper.from_array(np.ascontiguousarray(values), name)
    encoded = [str(text).encode("utf-8", "surrogatepass") for text in values]
    return onnx.TensorProto(
        name=name, data_type=TensorProto.STRING, dims=values.shape, string_data=encoded
    )


def value_info(specification: TensorSpecification) -> onnx.ValueInfoProto:
    """Return an input or output."""
    return helper.make_tensor_value_info(
        specification.name, _TYPES[specification.type], list(specification.shape)
    )
