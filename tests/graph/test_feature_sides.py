"""Static rows wider than the first layer stand in the file as their products with it."""

import dataclasses
from collections.abc import Sequence
from functools import cache

import numpy as np
import onnx
import pytest

import edgerec
from edgerec.evaluate.importance import feature_groups
from edgerec.export.bundle import export
from edgerec.export.parity import GraphSession, parity_requests
from edgerec.export.probe import FeatureProbe
from edgerec.export_settings import ExportSettings
from edgerec.graph.convert import feature_names
from edgerec.progress import Silent
from edgerec.recsys import Id
from edgerec.schema import TOLERANCE, Request
from tests.trained import SETTINGS, Generated

LAYER = SETTINGS.network.hidden_layer_sizes[0]


class Wide(Generated):
    """Users and items of more features than the first layer has units."""

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return np.random.default_rng(int(user_id)).normal(size=2 * LAYER + 1).tolist()

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return np.random.default_rng(int(item_id)).normal(size=3 * LAYER).tolist()


@cache
def ranker():
    return edgerec.train(Wide(), SETTINGS).ranker


@pytest.fixture(scope="module", params=["fp32", "fp16"])
def both(request, tmp_path_factory):
    """Files with and without folding, of one ranker."""
    folder = tmp_path_factory.mktemp("both")
    paths = {}
    for fold in (True, False):
        settings = ExportSettings(fold=fold, precision=request.param, max_loss=1.0)
        paths[fold] = folder / f"{fold}.onnx"
        export(ranker(), paths[fold], Silent(), settings)
    return paths


def widths(path):
    model = onnx.load(path)
    return {table.name: table.dims[-1] for table in model.graph.initializer if table.dims}


def test_products_stand_in_the_file_instead_of_the_rows(both):
    folded, plain = widths(both[True]), widths(both[False])
    assert folded["user_products"] == folded["item_products"] == LAYER
    assert "item_features" not in folded and "user_features" not in folded
    assert plain["item_features"] == 3 * LAYER and plain["user_features"] == 2 * LAYER + 1
    assert "item_products" not in plain
    assert both[True].stat().st_size < both[False].stat().st_size


def test_folding_changes_no_answer_beyond_rounding(both):
    sessions = {fold: GraphSession(path, ranker()) for fold, path in both.items()}
    for request in parity_requests(ranker()):
        scores = [sessions[fold].answer(request).scores for fold in (True, False)]
        np.testing.assert_allclose(*scores, atol=TOLERANCE / 2)


def test_a_folded_file_can_be_looked_into(both):
    probe = FeatureProbe(both[True])
    columns = {one.name: one.columns for one in feature_groups(probe.names)}
    assert len(columns["item features"]) == len(columns["user features"]) == LAYER
    request = Request(user_id=ranker().user_ids[0].item(), item_ids=ranker().item_ids[:7].tolist())
    seen = probe.see(request)
    assert seen.features.shape == (7, len(probe.names))
    answer = GraphSession(both[True], ranker()).answer(request)
    np.testing.assert_allclose(probe.scores(seen.features), answer.scores, atol=1e-6)


def test_rows_narrower_than_the_layer_stay_as_they_are():
    wide_layer = dataclasses.replace(SETTINGS.network, hidden_layer_sizes=(40,))
    narrow = edgerec.train(Generated(), dataclasses.replace(SETTINGS, network=wide_layer)).ranker
    names = feature_names(narrow, ExportSettings())
    assert sorted(names) == sorted(narrow.tables.names())
