"""A small builder of ONNX nodes whose names depend on nothing but the order of the calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from edgerec.export_settings import Precision
from edgerec.graph.distinct import CODES_NAME, Codes, fits, runs_of
from edgerec.graph.precision import stored_rows
from edgerec.graph.protos import tensor as tensor_of
from edgerec.graph.protos import value_info
from edgerec.graph.repeats import Repeat, with_repeats
from edgerec.schema import IR_VERSION, OPSET, OPSET_ML, TensorSpecification

Rows = str | tuple[str, str]
_ML_OPERATORS: Final = frozenset({"LabelEncoder"})


@dataclass(frozen=True)
class _StoredRows:
    """A table of rows as it stands in the graph."""

    runs: tuple[tuple[str, str], ...]
    """of columns, side by side: names of values and codes; no codes: every row is stored"""
    is_cast: bool
    scale: NDArray[np.float32] | None
    """what bytes are multiplied with"""


class GraphBuilder:
    """Collects nodes and tables; each method returns the name of what it made.

    >>> graph = GraphBuilder()
    >>> graph.add("Abs", ["x"])
    'abs_1'
    """

    def __init__(self, precision: Precision = "fp32", *, deduplicate: bool = False) -> None:
        self._precision = precision
        self._deduplicate = deduplicate
        self._stored: dict[str, _StoredRows] = {}
        self._codes: dict[str, Codes] = {}
        self._taken: dict[tuple[str, Rows, int], str] = {}
        self._nodes: list[onnx.NodeProto] = []
        # Tables go into the model at once: putting them together at the end would copy all twice.
        self._model = onnx.ModelProto()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._n_named: dict[str, int] = {}
        self._repeats: list[Repeat] = []

    def add(self, operator: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        return self.add_many(operator, inputs, [output], **attributes)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs; an empty name is replaced by a fresh one."""
        named = [output or self._fresh(operator.lower()) for output in outputs]
        domain = "ai.onnx.ml" if operator in _ML_OPERATORS else ""
        self._nodes.append(
            helper.make_node(
                operator, list(inputs), named, name=named[0], domain=domain, **attributes
            )
        )
        return named

    def table(self, name: str, values: NDArray[Any]) -> str:
        """Add a named table: numbers or, as an object array, strings."""
        self._model.graph.initializer.append(tensor_of(name, values))
        return name

    def rows(
        self, name: str, values: NDArray[Any], rows: Rows, axis: int = 0, *, coarse: bool = False
    ) -> str:
        """Take rows of a table of numbers, which is added where it is first asked for.

        Parameters
        ----------
        name : str
            Of the table; the same name is the same table.
        values : ndarray
            float32, or integers that do not need 64 bits.
        rows : str, or a pair of str
            Name of a tensor int64; or of two, int64 [1], where a part starts and ends.
        axis : int
            Of the rows.
        coarse : bool
            The table may be stored as bytes, where the precision is that low.

        Returns
        -------
        str
            float32, or int64 where the table is of integers.
        """
        if (name, rows, axis) in self._taken:
            return self._taken[name, rows, axis]
        if name not in self._stored:
            self._stored[name] = self._store(name, values, axis, coarse)
        stored = self._stored[name]
        parts = [self._gathered(*run, rows, axis) for run in stored.runs]
        taken = parts[0] if len(parts) == 1 else self.add("Concat", parts, axis=values.ndim - 1)
        # After the Gather: a Cast of the table would be done for all of it when it is loaded.
        if stored.is_cast:
            number = TensorProto.FLOAT if values.dtype == np.float32 else TensorProto.INT64
            taken = self.add("Cast", [taken], to=number)
        if stored.scale is not None:
            taken = self.add("Mul", [taken, self.rows(f"{name}_scale", stored.scale, rows, axis)])
        self._taken[name, rows, axis] = taken
        return taken

    def whole(self, name: str, values: NDArray[np.float32]) -> str:
        """Add a table that is used whole and not by rows; returns float32.

        Where it is stored in fewer bytes, ONNX Runtime widens it once, when it loads the graph.
        """
        stored = stored_rows(values, "fp32" if self._precision == "fp32" else "fp16").values
        table = self.table(name, stored)
        if stored.dtype == np.float32:
            return table
        return self.add("Cast", [table], to=TensorProto.FLOAT)

    def _gathered(self, table: str, codes: str, rows: Rows, axis: int) -> str:
        if codes:
            # Once for all tables that have these codes; indices are to be wide.
            if (codes, rows, 0) not in self._taken:
                code = self._gathered(codes, "", rows, 0)
                code = self.add("Cast", [code], to=TensorProto.INT64)
                self._taken[codes, rows, 0] = code
            rows = self._taken[codes, rows, 0]
        if not isinstance(rows, str):
            return self.add("Slice", [table, *rows, self.constant([axis])])
        return self.add("Gather", [table, rows], axis=axis)

    def _store(self, name: str, values: NDArray[Any], axis: int, coarse: bool) -> _StoredRows:
        if values.dtype != np.float32:
            is_cast = values.dtype != np.int64
            return _StoredRows(self._store_runs(name, values, axis), is_cast, None)
        precision = self._precision
        if precision == "int8" and not coarse:
            precision = "fp16"
        stored = stored_rows(values, precision)
        runs = self._store_runs(name, stored.values, axis)
        return _StoredRows(runs, stored.values.dtype != np.float32, stored.scale)

    def _store_runs(
        self, name: str, values: NDArray[Any], axis: int
    ) -> tuple[tuple[str, str], ...]:
        runs = runs_of(values, axis) if self._deduplicate else []
        if len(runs) < 2 and all(run.codes is None for run in runs):
            return ((self.table(name, values), ""),)
        stored = []
        for number, run in enumerate(runs):
            own = name if len(runs) == 1 else f"{name}/{number}"
            if run.codes is None:
                stored.append((self.table(own, run.values), ""))
                continue
            columns = run.values.take(run.codes.astype(np.int64), axis=axis)
            for codes, known in self._codes.items():
                distinct = fits(columns, known, axis)
                # Of other codes, which tell more rows apart, this run may have equal rows twice.
                if distinct is not None and distinct.nbytes <= run.nbytes:
                    stored.append((self.table(own, distinct), codes))
                    break
            else:
                codes = f"{CODES_NAME}{len(self._codes)}"
                self._codes[codes] = run.codes
                stored.append((self.table(own, run.values), self.table(codes, run.codes)))
        return tuple(stored)

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Add a small constant; the same value twice is one initializer."""
        values = np.array(value, dtype)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constants:
            name = self._fresh("constant")
            self._constants[key] = self.table(name, values)
        return self._constants[key]

    def number(self, value: float) -> str:
        """Add a float32 scalar."""
        return self.constant(value, np.float32)

    def branch(
        self,
        condition: str,
        then: Callable[[], Sequence[str]],
        otherwise: Callable[[], Sequence[str]],
        outputs: Sequence[TensorSpecification],
    ) -> None:
        """Add one of two parts, which is computed only where it is taken.

        Parameters
        ----------
        condition : str
            Name of a tensor bool of one element.
        then, otherwise : callable
            Add the nodes of a part, which may read every tensor that stands before, and return
            the names of what it gives.
        outputs : sequence of TensorSpecification
            What both give, under the names that the whole gives it.
        """
        parts = {}
        for key, add in (("then_branch", then), ("else_branch", otherwise)):
            outside, taken = self._nodes, dict(self._taken)
            self._nodes = []
            given = add()
            own = {output for node in self._nodes for output in node.output}
            # What stands outside is no result of a part until a node of its own gives it.
            given = [name if name in own else self.add("Identity", [name]) for name in given]
            results = [
                onnx.ValueInfoProto(name=name, type=value_info(one).type)
                for name, one in zip(given, outputs, strict=True)
            ]
            parts[key] = helper.make_graph(self._nodes, key, [], results)
            # What one part took is not there outside of it.
            self._nodes, self._taken = outside, taken
        self.add_many("If", [condition], [one.name for one in outputs], **parts)

    def repeated(self, repeat: Repeat) -> str:
        """Return the name of another copy of a tensor, which a branch alone may read."""
        self._repeats.append(repeat)
        return repeat.name

    def include(
        self, graph: onnx.GraphProto, output: str, prefix: str, inputs: dict[str, str]
    ) -> str:
        """Add the nodes of another graph that lead to `output`; names get the prefix.

        `inputs` names what stands in this graph for tensors of the other, its inputs or others;
        what leads to these alone is left out.
        """
        wanted, kept = {output}, []
        for node in reversed(graph.node):
            if wanted.intersection(node.output):
                kept.append(node)
                wanted.update(name for name in node.input if name not in inputs)

        def renamed(name: str) -> str:
            return inputs.get(name) or (f"{prefix}/{name}" if name else "")

        for node in reversed(kept):
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = renamed(node.name or node.output[0])
            copy.input[:] = [renamed(name) for name in node.input]
            copy.output[:] = [renamed(name) for name in node.output]
            self._nodes.append(copy)
        for tensor in graph.initializer:
            if tensor.name in wanted:
                table = self._model.graph.initializer.add()
                table.CopyFrom(tensor)
                table.name = renamed(tensor.name)
        return renamed(output)

    def model(
        self,
        name: str,
        inputs: Sequence[TensorSpecification],
        outputs: Sequence[TensorSpecification],
        producer_version: str,
    ) -> onnx.ModelProto:
        """Return the whole model, once. Named and sorted: the same graph is the same bytes."""
        graph = helper.make_graph(
            with_repeats(self._nodes, self._repeats),
            name,
            [value_info(one) for one in inputs],
            [value_info(one) for one in outputs],
        )
        described = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", OPSET),
                helper.make_opsetid("ai.onnx.ml", OPSET_ML),
            ],
            ir_version=IR_VERSION,
            producer_name="edgerec",
            producer_version=producer_version,
        )
        self._model.MergeFrom(described)
        return self._model

    def _fresh(self, stem: str) -> str:
        self._n_named[stem] = self._n_named.get(stem, 0) + 1
        return f"{stem}_{self._n_named[stem]}"
