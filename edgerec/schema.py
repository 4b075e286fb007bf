"""The graph contract, version 1: names, types and neutral values. `docs/bundle-format.md` is it
in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgerec.ids import IdArray, IdType, id_array, padding_id
from edgerec.recsys import Id

FORMAT_VERSION: Final = 1
OPSET: Final = 17
OPSET_ML: Final = 2
IR_VERSION: Final = 8
TOLERANCE: Final = 1e-5
NOT_STATED: Final = -(2**63)
"""an int64 time that is not stated"""

TensorType = Literal["int64", "string", "float32", "bool"]


@dataclass(frozen=True)
class TensorSpecification:
    """One input or output of the graph."""

    name: str
    type: TensorType
    shape: tuple[int | str, ...]
    neutral: tuple[Id | float, ...] | None = None


def input_specifications(
    user_type: IdType, item_type: IdType, context: Sequence[float] = ()
) -> list[TensorSpecification]:
    """Return the nine inputs in their order; `context` are the defaults of its numbers.

    >>> [one.name for one in input_specifications("int64", "string")][:3]
    ['user_id', 'item_ids', 'history']
    """
    padding = padding_id(item_type)
    return [
        TensorSpecification("user_id", user_type, (1,), (padding_id(user_type),)),
        TensorSpecification("item_ids", item_type, ("N",), ()),
        TensorSpecification("history", item_type, ("H",), (padding,)),
        TensorSpecification("history_values", "float32", ("V",), (float("nan"),)),
        TensorSpecification("history_times", "int64", ("T",), (NOT_STATED,)),
        TensorSpecification("now", "int64", (1,), (NOT_STATED,)),
        TensorSpecification("exclude", item_type, ("E",), (padding,)),
        TensorSpecification("context", "float32", ("C",), tuple(context)),
        TensorSpecification("k", "int64", (1,), (0,)),
    ]


def output_specifications(item_type: IdType) -> list[TensorSpecification]:
    """Return the five outputs in their order."""
    return [
        TensorSpecification("scores", "float32", ("M",)),
        TensorSpecification("known", "bool", ("M",)),
        TensorSpecification("top_positions", "int64", ("K",)),
        TensorSpecification("top_ids", item_type, ("K",)),
        TensorSpecification("top_scores", "float32", ("K",)),
    ]


@dataclass(frozen=True)
class Request:
    """One call of the graph in Python terms; what is left out is neutral.

    `history_values` and `history_times` may be shorter than `history`: the rest is not stated.
    """

    user_id: Id | None = None
    item_ids: Sequence[Id] = ()
    history: Sequence[Id] = ()
    history_values: Sequence[float] = ()
    history_times: Sequence[int] = ()
    now: int = NOT_STATED
    exclude: Sequence[Id] = ()
    k: int = 0
    context: Sequence[float] = ()
    """what is missing at the end, and what is NaN, is the default"""
    name: str = field(default="", compare=False)

    def tensors(self, user_type: IdType, item_type: IdType) -> dict[str, NDArray[Any]]:
        """Return the nine input tensors.

        >>> Request(history=[5]).tensors("int64", "int64")["history"]
        array([5])
        """
        user = padding_id(user_type) if self.user_id is None else self.user_id
        padded = [padding_id(item_type)]
        return {
            "user_id": id_array([user], user_type),
            "item_ids": id_array(self.item_ids, item_type),
            "history": id_array(self.history or padded, item_type),
            "history_values": np.array(self.history_values or [np.nan], np.float32),
            "history_times": np.array(self.history_times or [NOT_STATED], np.int64),
            "now": np.array([self.now], np.int64),
            "exclude": id_array(self.exclude or padded, item_type),
            "context": np.array(self.context, np.float32),
            "k": np.array([self.k], np.int64),
        }


@dataclass(frozen=True)
class Answer:
    """The five outputs."""

    scores: NDArray[np.float32]
    known: NDArray[np.bool_]
    top_positions: NDArray[np.int64]
    top_ids: IdArray
    top_scores: NDArray[np.float32]
