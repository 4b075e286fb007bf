"""The neighbours in the graph answer as the reference does, and are kept by the checkpoint."""

import dataclasses

import pytest

import edgerec
from edgerec.pipeline import load_model
from tests.trained import SETTINGS, Generated, Viewed


@pytest.mark.parametrize("rec_sys", [Viewed(), Generated(strings=True)], ids=["viewed", "strings"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objective": "top", "n_candidates": 20, "popularity_penalty": 0.3},
        # Neighbours take more of a history than candidates are compared with.
        {"objective": "top", "n_history": 20, "n_compared": 3},
    ],
    ids=["samples", "top", "long histories"],
)
def test_the_graph_answers_as_training_does(rec_sys, changes, tmp_path):
    settings = dataclasses.replace(SETTINGS, n_neighbours=4, **changes)
    model = edgerec.train(rec_sys, settings, training_folder=tmp_path / "one.training")
    liking = model.ranker.tables.neighbours.names == ("liked", "taken", "next")
    assert liking == isinstance(rec_sys, Generated)
    assert model.ranker.tables.names()[-3:] == [
        "neighbours_next_liked_20" if liking else "neighbours_next_last_2",
        "had",
        "had_recently",
    ]
    # The export compares hundreds of requests itself, and writes nothing where they differ.
    exported = model.export(tmp_path / "one.onnx")
    assert exported.parity.max_abs_difference < 1e-5
    load_model(tmp_path / "one.training").export(tmp_path / "two" / "one.onnx")
    assert (tmp_path / "two" / "one.onnx").read_bytes() == (tmp_path / "one.onnx").read_bytes()
