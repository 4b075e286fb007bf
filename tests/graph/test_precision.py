"""What is rounded once is stored without a loss, in the form that was asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.precision import narrow, rounded_rows, stored_rows

TABLES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=3, max_side=6),
    elements=st.floats(-1e4, 1e4, width=32),
)
TINY = arrays(np.float32, (3, 4), elements=st.floats(-(2**-10), 2**-10, width=32))


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@given(table=st.one_of(TABLES, TINY))
@settings(max_examples=150, deadline=None)
def test_a_rounded_table_is_stored_exactly(precision, table):
    rounded = rounded_rows(table, precision)
    stored = stored_rows(rounded, precision)
    scale = 1 if stored.scale is None else stored.scale
    assert np.array_equal(stored.values.astype(np.float32) * np.float32(scale), rounded)
    assert np.array_equal(rounded_rows(rounded, precision), rounded)
    largest = np.abs(table).max(axis=-1, keepdims=True)
    # Half floats keep eleven digits; a byte, half of a 127th of the row's largest, and 0.1 % more.
    most = np.abs(table) * 2.0**-11 + 3e-8 if precision == "fp16" else largest * (0.5012 / 127)
    assert (np.abs(rounded - table) <= most + 1e-38).all()


def test_forms_of_tables_of_usual_numbers():
    table = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    assert stored_rows(rounded_rows(table, "fp16"), "fp16").values.dtype == np.float16
    stored = stored_rows(rounded_rows(table, "int8"), "int8")
    assert stored.values.dtype == np.int8
    assert stored.scale is not None
    assert stored.scale.shape == (50, 1)
    # What nobody rounded is not rounded by being stored.
    assert stored_rows(table, "int8").values.dtype == np.float32


def test_what_half_floats_cannot_hold_stays_whole():
    table = np.float32([[1e6, 1.00001]])
    assert np.array_equal(rounded_rows(table, "fp16"), table)
    assert stored_rows(table, "fp16").values.dtype == np.float32


def test_a_table_is_gathered_before_it_is_cast():
    graph = GraphBuilder("fp16")
    first = graph.rows("halves", np.float32([[0.5], [1.5]]), "asked")
    assert graph.rows("halves", np.float32([[0.5], [1.5]]), "asked") == first
    operators = [node.op_type for node in graph._nodes]
    assert operators == ["Gather", "Cast"]


def test_integers_are_as_narrow_as_they_may_be():
    assert narrow(np.array([2**31])).dtype == np.int64
