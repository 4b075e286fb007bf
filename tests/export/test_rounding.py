"""Rounded tables: parity with a ranker that rounds alike, and what rounding cost."""

import dataclasses
import json

import numpy as np
import onnx
import pytest

import edgerec
from device_runtime.scorer import Scorer
from edgerec.errors import ConfigurationError, PrecisionError
from edgerec.export.bundle import export
from edgerec.export.cost import Quality, RoundingCost, require_small_loss
from edgerec.export.rounding import rounded
from edgerec.export_settings import ExportSettings
from edgerec.pipeline import load_model
from edgerec.progress import Silent
from tests.trained import SETTINGS, Generated, generated_model, viewed_model

LENIENT = {"max_loss": 1.0}
MODELS = {
    "integers": generated_model,
    "strings": lambda: generated_model(strings=True),
    "implicit": viewed_model,
}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("kind", MODELS)
def test_rounded_graph_and_rounded_ranker_agree(kind, precision, tmp_path):
    settings = ExportSettings(precision=precision, **LENIENT)
    whole = MODELS[kind]().export(tmp_path / "whole.onnx")
    exported = MODELS[kind]().export(tmp_path / "small.onnx", settings=settings)
    assert exported.parity.max_abs_difference <= 1e-5
    assert exported.n_bytes < whole.n_bytes
    Scorer.from_path(exported.path).run_golden()
    graph = onnx.load(exported.path).graph
    kinds = {one.name: one.data_type for one in graph.initializer}
    small = onnx.TensorProto.FLOAT16 if precision == "fp16" else onnx.TensorProto.INT8
    assert kinds["item_embedding"] == small
    assert kinds["taste_variance"] in (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT)
    # A Cast of a table would be done at load, and take the memory that rounding saved.
    tables = {one.name for one in graph.initializer}
    assert not [one for one in graph.node if one.op_type == "Cast" and set(one.input) & tables]


def test_what_rounding_cost_stands_in_the_manifest(tmp_path):
    settings = ExportSettings(precision="fp16", **LENIENT)
    exported = generated_model().export(tmp_path / "small.onnx", settings=settings)
    cost = exported.cost
    assert cost is not None
    assert cost.n_samples == len(generated_model().ranker.held_out.label) > 0
    assert 0.9 <= cost.top_10_overlap <= 1
    assert abs(cost.loss) < 0.01
    manifest = json.loads((tmp_path / "small.json").read_text("utf-8"))
    assert manifest["export"]["precision"] == "fp16"
    assert manifest["rounding"]["exact"]["auc"] == cost.exact.auc
    assert generated_model().export(tmp_path / "whole.onnx").cost is None


def test_held_out_samples_are_those_that_training_kept_out(tmp_path):
    training = tmp_path / "one.training"
    ranker = edgerec.train(Generated(), SETTINGS, training_folder=training).ranker
    held_out = ranker.held_out
    assert 0 < len(np.unique(held_out.user)) < len(ranker.user_ids)
    again = load_model(training).ranker.held_out
    assert all(
        np.array_equal(getattr(again, one.name), getattr(held_out, one.name))
        for one in dataclasses.fields(held_out)
    )


def test_a_loss_above_the_bound_is_refused(tmp_path, monkeypatch):
    ranker = generated_model().ranker
    mixed = np.random.default_rng(0).permutation(len(ranker.item_ids) + 1)

    def spoiled(ranker, precision):
        # Rounding that mixes the items up, in graph and ranker alike: parity holds.
        tables = dataclasses.replace(
            ranker.tables,
            item_features=ranker.tables.item_features[mixed],
            statistics=dataclasses.replace(
                ranker.tables.statistics,
                mean_value=ranker.tables.statistics.mean_value[:, mixed],
                liked_rate=ranker.tables.statistics.liked_rate[:, mixed],
            ),
        )
        return ranker.replaced(tables=tables)

    monkeypatch.setattr("edgerec.export.bundle.rounded", spoiled)
    with pytest.raises(PrecisionError, match=r"Stored as fp16, the model loses 0\.\d+ on \d+ held"):
        export(ranker, tmp_path / "x.onnx", Silent(), ExportSettings(precision="fp16"))
    assert list(tmp_path.iterdir()) == []


def test_the_bound_is_inclusive_and_nan_is_no_loss():
    nothing = Quality(float("nan"), float("nan"))
    cost = RoundingCost(nothing, nothing, 1.0, 0, 0)
    assert cost.loss == 0
    assert cost.plain()["exact"] == {"auc": None, "gauc": None}
    require_small_loss(cost, 0.0, "fp16")
    worse = RoundingCost(Quality(0.8, 0.7), Quality(0.8, 0.6), 0.5, 9, 2)
    with pytest.raises(PrecisionError, match=r"at most 0\.01 is allowed.*--max-loss"):
        require_small_loss(worse, 0.01, "int8")


def test_whole_precision_is_the_ranker_itself():
    ranker = generated_model().ranker
    assert rounded(ranker, "fp32") is ranker


def test_an_unknown_precision_is_refused():
    with pytest.raises(ConfigurationError, match="precision must be 'fp32' or 'fp16' or 'int8'"):
        ExportSettings(precision="fp8")
