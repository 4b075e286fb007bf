"""The mirror of the taste columns answers as the reference does, however stiff the system."""

import numpy as np
import onnxruntime
import pytest

from edgerec.features.taste.columns import column_names, part_mask, taste_columns, tastes
from edgerec.features.taste.lookup import candidate_inputs, taste_inputs
from edgerec.features.taste.tables import Array, TasteTables
from edgerec.graph.history import SlotTensors
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.taste import TasteFeatures
from edgerec.schema import TensorSpecification
from tests.features.taste.some import random_tables

N_HISTORY = 100


def mirror(tables: TasteTables, *, n_history: int = N_HISTORY) -> onnxruntime.InferenceSession:
    graph = GraphBuilder()
    names = {name: name for name in SlotTensors.__dataclass_fields__}
    history = SlotTensors(**{**names, "count": graph.add("Shape", ["rows"])})
    taste = TasteFeatures(graph, tables, history, n_history)
    graph.add("Identity", [taste.candidate_columns("candidates", "numbers")], "columns")
    n_signals = len(tables.signals)
    inputs = [
        TensorSpecification("rows", "int64", ("H",)),
        TensorSpecification("stated", "float32", (1, "H")),
        TensorSpecification("value_and_liked", "float32", (2, "H")),
        TensorSpecification("liked", "float32", (1, "H")),
        TensorSpecification("level", "float32", (n_signals, "H")),
        TensorSpecification("weight", "float32", (n_signals, "H")),
        TensorSpecification("candidates", "int64", ("N",)),
        TensorSpecification("numbers", "float32", ("N", 3 * n_signals)),
    ]
    output = TensorSpecification("columns", "float32", ("N", len(column_names(tables))))
    model = graph.model("taste", inputs, [output], "0")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def both(
    tables: TasteTables, rows: list[int], seed: int = 0, *, labels_known: bool = True
) -> tuple[Array, Array]:
    """Return what the reference and what the mirror says of every item."""
    random = np.random.default_rng(seed)
    history = np.array(rows, np.int64)
    stated = ((history > 0) & (random.random(len(rows)) < 0.9)).astype(np.float32)
    value = (random.uniform(1, 5, len(rows)) * stated).astype(np.float32)
    liked = (value > 3).astype(np.float32)
    candidates = np.arange(len(tables.content))
    known = {"value": stated[None], "liked": stated[None] * np.float32(labels_known)}
    fit = np.zeros(1, np.int64)
    signals = {"value": value[None], "liked": liked[None]}
    taste = tastes(taste_inputs(tables, fit, history[None], known, signals))
    of_candidates = candidate_inputs(tables, fit, candidates[None])
    expected = taste_columns(taste, of_candidates, part_mask(tables))[0]
    level, spread = tables.level[-1], tables.spread[-1]
    weight = tables.weight[-1].copy()
    if not labels_known:
        weight[-1] = 0
    feeds = {
        "rows": history,
        "stated": stated[None],
        "value_and_liked": np.stack([value, liked]),
        "liked": liked[None],
        "level": level[:, history],
        "weight": weight[:, history],
        "candidates": candidates,
        "numbers": np.concatenate([level, spread, weight]).T.copy(),
    }
    session = mirror(tables)
    read = {one.name for one in session.get_inputs()}
    (came,) = session.run(None, {name: one for name, one in feeds.items() if name in read})
    return expected, came


@pytest.mark.parametrize("n_latent", [0, 1, 6])
@pytest.mark.parametrize("n_content", [0, 20])
@pytest.mark.parametrize("n_signals", [1, 2])
def test_it_is_the_reference(n_signals: int, n_content: int, n_latent: int) -> None:
    tables = random_tables(n_signals=n_signals, n_content=n_content, n_latent=n_latent, n_items=150)
    random = np.random.default_rng(0)
    for n_slots in (1, 2, 10, N_HISTORY):
        expected, came = both(tables, random.permutation(150)[:n_slots].tolist(), n_slots)
        np.testing.assert_allclose(came, expected, atol=1e-5, rtol=1e-5)


def test_an_empty_history_is_the_prior():
    expected, came = both(random_tables(), [0])
    np.testing.assert_allclose(came, expected, atol=1e-6)


def test_where_labels_are_not_known_nothing_is_said_of_likes():
    tables = random_tables()
    expected, came = both(tables, list(range(1, 20)), labels_known=False)
    np.testing.assert_allclose(came, expected, atol=1e-5, rtol=1e-5)
    column = column_names(tables).index("taste_liked_content")
    assert not came[:, column].any()


def test_little_noise_and_items_that_are_all_alike_are_solved_too():
    tables = random_tables(n_items=150, n_content=8, noise=0.05)
    tables.content[:] = tables.content[1]
    tables.popularity[:] = tables.popularity[:, [1]]
    tables.latent[:] = tables.latent[:, :, [1]]
    expected, came = both(tables, list(range(1, N_HISTORY + 1)))
    np.testing.assert_allclose(came, expected, atol=1e-3)
