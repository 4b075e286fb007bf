"""Rows that repeat are stored once, bit for bit, and answers stay what they were."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.config import ExportSettings
from edgerec.export.bundle import graph_bytes
from edgerec.export.parity import GraphSession, parity_requests
from edgerec.export.rounding import rounded
from edgerec.graph.distinct import fits, runs_of
from edgerec.graph.nodes import GraphBuilder
from tests.trained import generated_model, neighbours_model

N_ROWS = 400


@pytest.fixture
def small_runs(monkeypatch):
    """Let tables as small as those of the tests be cut."""
    monkeypatch.setattr("edgerec.graph.distinct.RUN_BYTES", 16)


def together(runs, axis):
    columns = [
        run.values if run.codes is None else run.values.take(run.codes.astype(np.int64), axis=axis)
        for run in runs
    ]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=-1)


@given(
    seed=st.integers(0, 1000),
    distinct=st.lists(st.integers(1, N_ROWS), min_size=1, max_size=4),
    dtype=st.sampled_from([np.float32, np.float16, np.int8]),
    axis=st.integers(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_runs_side_by_side_are_the_table(seed, distinct, dtype, axis):
    random = np.random.default_rng(seed)
    several = (2,) if axis else ()
    parts = []
    for n_distinct in distinct:
        rows = (random.normal(size=(*several, n_distinct, 5)) * 30).astype(dtype)
        parts.append(rows.take(random.integers(0, n_distinct, N_ROWS), axis=axis))
    table = np.concatenate(parts, axis=-1)
    runs = runs_of(table, axis)
    assert together(runs, axis).tobytes() == table.tobytes()
    assert sum(run.nbytes for run in runs) <= table.nbytes


def test_columns_that_repeat_are_cut_from_those_that_do_not(small_runs):
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, (7, 6))[random.integers(0, 7, N_ROWS)]
    table = np.concatenate([random.normal(size=(N_ROWS, 2)), kinds], axis=1).astype(np.float32)
    own, shared = runs_of(table)
    assert own.codes is None and own.values.shape == (N_ROWS, 2)
    assert shared.values.shape == (7, 6) and shared.codes.dtype == np.uint8
    # What saves too little is left as it is.
    assert len(runs_of(table[:, :2])) == 1


def test_nan_and_negative_zero_are_bits_like_others(small_runs):
    table = np.float32([[0.0], [-0.0], [np.nan], [np.nan]] * 50)
    (run,) = runs_of(table)
    assert len(run.values) == 3
    assert together([run], 0).tobytes() == table.tobytes()


def test_codes_of_finer_rows_serve_coarser_ones():
    assert fits(np.zeros(3, np.int8), np.uint8([0, 1])) is None
    codes = np.uint8([0, 1, 2, 0])
    assert fits(np.array([[5], [5], [6], [5]]), codes).tolist() == [[5], [5], [6]]


def test_tables_whose_rows_repeat_alike_share_their_codes(small_runs):
    numbers = np.random.default_rng(0).integers(0, 9, N_ROWS)
    rows = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)[numbers]
    graph = GraphBuilder(deduplicate=True)
    graph.rows("one", rows, "asked")
    graph.rows("other", rows * 2, "asked")
    tables = {one.name: list(one.dims) for one in graph._model.graph.initializer}
    assert tables == {"one": [9, 4], "other": [9, 4], "row_codes_0": [N_ROWS]}
    assert [node.op_type for node in graph._nodes] == ["Gather", "Cast", "Gather", "Gather"]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_answers_are_the_same_bits(precision, small_runs):
    for model in (generated_model(), neighbours_model()):
        ranker = rounded(model.ranker, precision)
        requests = parity_requests(ranker, 40)
        plain, small = (
            graph_bytes(ranker, {}, ExportSettings(precision=precision, deduplicate=deduplicate))
            for deduplicate in (False, True)
        )
        assert len(small) < len(plain)
        sessions = GraphSession(plain, ranker), GraphSession(small, ranker)
        for request in requests:
            one, other = (session.answer(request) for session in sessions)
            assert one.scores.tobytes() == other.scores.tobytes()
            assert one.top_ids.tolist() == other.top_ids.tolist()
        names = {one.name for one in onnx.load_from_string(small).graph.initializer}
        assert "row_codes_0" in names
