"""Importance through the exported graph equals what training's own reference computes."""

import numpy as np
import onnx
import pytest
from sklearn.metrics import roc_auc_score

from edgerec.errors import EvaluationError
from edgerec.evaluate.importance import feature_groups, permutation_importance, single_columns
from edgerec.evaluate.prequential import Row, evaluate_rows
from edgerec.evaluate.probed import probe_rows
from edgerec.export.probe import FeatureProbe
from edgerec.export_settings import ExportSettings
from edgerec.features.vector import Requests, feature_vectors
from edgerec.graph.cut import cut_at_features
from edgerec.ids import rows_of
from edgerec.schema import Request
from edgerec.scoring import TableScorer
from edgerec.training.network import score
from tests.trained import Generated, generated_model


@pytest.fixture(scope="module", params=[False, True], ids=["integers", "strings"])
def exported(request, tmp_path_factory):
    model = generated_model(request.param)
    path = tmp_path_factory.mktemp("models") / "generated.onnx"
    # Not folded, so that each feature is a column.
    model.export(path, settings=ExportSettings(fold=False))
    return model.ranker, path, Generated(request.param)


def last_rows(generated):
    samples = sorted(generated.sample_generator(), key=lambda one: one.timestamp)[-400:]
    return [Row(one.user_id, one.item_id, one.value, one.timestamp) for one in samples]


def reference_features(ranker, request):
    """The features by NumPy, from the tables that training holds."""
    rows, values = ranker.effective_history(request)
    requests = Requests(
        user=rows_of([request.user_id], ranker.user_ids),
        candidates=rows_of(request.item_ids, ranker.item_ids)[None],
        history=np.r_[rows, 0][None],
        values=np.r_[values, np.float32(np.nan)][None],
        fit=np.zeros(1, np.int64),
        embedding_fit=np.zeros(1, np.int64),
        as_of=np.array([ranker.facts.last_timestamp]),
    )
    return feature_vectors(requests, ranker.tables)[0]


def in_order_of_graph(ranker, probe):
    """The place in the feature vector of each column of the graph: those of the user first."""
    names = ranker.tables.names()
    assert sorted(probe.names) == sorted(names)
    return [names.index(name) for name in probe.names]


def questions(ranker):
    random = np.random.default_rng(0)
    low, high = ranker.tables.value_range
    for user in random.choice(ranker.user_ids, 30).tolist():
        items = random.choice(ranker.item_ids, 9, replace=False).tolist()
        values = random.uniform(low, high, 4).tolist()
        yield Request(user_id=user, item_ids=items[:5], history=items[5:], history_values=values)


def test_features_and_scores_of_the_cut_graph_are_those_of_training(exported):
    ranker, path, _ = exported
    probe = FeatureProbe(path)
    order = in_order_of_graph(ranker, probe)
    assert probe.catalogue == ranker.item_ids.tolist()
    for request in questions(ranker):
        seen = probe.see(request)
        expected = reference_features(ranker, request)[:, order]
        np.testing.assert_allclose(seen.features, expected, atol=1e-5)
        answer = ranker.answer(request)
        np.testing.assert_allclose(probe.scores(seen.features), answer.scores, atol=1e-5)
        rows, values = ranker.effective_history(request)
        assert seen.history == ranker.item_ids[rows[::-1] - 1].tolist()
        np.testing.assert_array_equal(seen.history_values, values[::-1])


def test_importance_equals_shuffling_the_features_of_training(exported):
    ranker, path, _ = exported
    probe = FeatureProbe(path)
    features = np.concatenate([reference_features(ranker, one) for one in questions(ranker)])
    random = np.random.default_rng(1)
    order = in_order_of_graph(ranker, probe)
    back = np.argsort(order)
    by_training = score(ranker.network, ranker.weights, features)
    features = features[:, order]
    label = (random.random(len(features)) < by_training).astype(float)
    groups = feature_groups(probe.names) + single_columns(probe.names)
    found = permutation_importance(probe, features, label, groups, n_repeats=3, random_state=7)
    assert [one.name for one in found[:3]] == ["user features", "item features", "item statistics"]
    for group, importance in zip(groups, found, strict=True):
        drops = []
        for repeat in range(3):
            places = np.random.default_rng([7, repeat]).permutation(len(label))
            shuffled = features.copy()
            for column in group.columns:
                shuffled[:, column] = features[places, column]
            after = score(ranker.network, ranker.weights, shuffled[:, back])
            drops.append(roc_auc_score(label, by_training) - roc_auc_score(label, after))
        # Scores that differ by rounding may swap a few pairs.
        assert importance.drop == pytest.approx(np.mean(drops), abs=1e-3)
        assert importance.n_columns == len(group.columns)


def test_a_column_that_the_network_ignores_has_no_importance_and_history_has_some(exported):
    _, path, generated = exported
    probe = FeatureProbe(path)
    rows = probe_rows(TableScorer(path), probe, last_rows(generated))
    features = rows.features.copy()
    constant = probe.names.index("item_mean_value")
    features[:, constant] = 3.0
    found = permutation_importance(
        probe,
        features,
        rows.scored.label,
        [*single_columns(probe.names), *feature_groups(probe.names)],
    )
    assert found[constant].drop == 0.0
    assert found[-1].name == "all history" and found[-1].drop > 0.02


def test_probed_rows_are_scored_and_evaluated_like_any(exported):
    _, path, generated = exported
    scorer, rows = TableScorer(path), last_rows(generated)
    probed = probe_rows(scorer, FeatureProbe(path), rows)
    assert probed.scored.evaluation() == evaluate_rows(scorer, rows)
    assert probed.probed.tolist() == list(range(400))
    through_halves = FeatureProbe(path).scores(probed.features)
    np.testing.assert_allclose(through_halves, probed.scored.scores["model"], atol=1e-6)
    assert probed.is_known.all()
    assert probed.n_history.max() == scorer.n_history


def test_fewer_probed_rows_are_whole_users(exported):
    _, path, generated = exported
    scorer, probe, rows = TableScorer(path), FeatureProbe(path), last_rows(generated)
    every = probe_rows(scorer, probe, rows)
    some = probe_rows(scorer, probe, rows, most_probed_rows=200)
    assert 0 < len(some.probed) <= 200
    user = some.scored.user
    kept = set(user[some.probed].tolist())
    assert some.probed.tolist() == np.flatnonzero(np.isin(user, list(kept))).tolist()
    np.testing.assert_array_equal(some.features, every.features[some.probed])
    np.testing.assert_array_equal(some.scored.scores["model"], every.scored.scores["model"])


def test_one_label_is_a_sentence(exported):
    _, path, _ = exported
    probe = FeatureProbe(path)
    features = np.zeros((2, len(probe.names)), np.float32)
    with pytest.raises(EvaluationError, match="All 2 rows have one label; importance by AUC"):
        permutation_importance(probe, features, np.ones(2), [])


def test_a_graph_without_the_tensor_is_a_sentence(exported, tmp_path):
    model = onnx.load(exported[1])
    for node in model.graph.node:
        node.input[:] = ["renamed" if name == "features_of_user" else name for name in node.input]
        node.output[:] = ["renamed" if name == "features_of_user" else name for name in node.output]
    with pytest.raises(EvaluationError, match="no tensor 'features_of_user' to look into"):
        cut_at_features(model.SerializeToString())
