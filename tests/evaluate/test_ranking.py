import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics import ndcg_score

from edgerec.evaluate.ranking import (
    NOTHING,
    RankedLists,
    coverage,
    per_user_accuracy,
    per_user_diversity,
    per_user_novelty,
)

K = 5


def lists_of(scores, label):
    """Rank by score, ties by position, as the graph does."""
    top = np.argsort(-scores, kind="stable", axis=1)[:, :K]
    hits = np.take_along_axis(label, top, axis=1) > 0
    return RankedLists(top, hits, label.sum(axis=1))


def case(seed, n_users=40, n_items=12):
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, (n_users, n_items))
    label[:, 0] |= label.sum(axis=1) == 0
    return random.random((n_users, n_items)), label


def test_ndcg_is_scikit_learns():
    scores, label = case(0)
    ours = per_user_accuracy(lists_of(scores, label))["ndcg"]
    theirs = [ndcg_score(label[[u]], scores[[u]], k=K) for u in range(len(label))]
    np.testing.assert_allclose(ours, theirs)


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_the_rest_is_a_loop_over_the_places(seed):
    scores, label = case(seed, n_users=8)
    found = per_user_accuracy(lists_of(scores, label))
    for user, (score, own) in enumerate(zip(scores, label, strict=True)):
        order = sorted(range(len(score)), key=lambda item: (-score[item], item))[:K]
        hit_ranks = [rank for rank, item in enumerate(order, 1) if own[item]]
        assert found["recall"][user] == len(hit_ranks) / own.sum()
        assert found["mrr"][user] == (1 / hit_ranks[0] if hit_ranks else 0)
        assert found["hit_rate"][user] == float(bool(hit_ranks))


def test_a_list_cut_short_counts_what_it_has():
    lists = RankedLists(
        np.array([[3, NOTHING, NOTHING]]), np.array([[True, False, False]]), np.array([2])
    )
    found = per_user_accuracy(lists)
    assert found["recall"][0] == 0.5
    assert found["ndcg"][0] == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_novelty_is_mean_self_information():
    n_users_of_item = np.array([8.0, 2.0, 0.0])
    top = np.array([[0, 1], [1, 2], [0, NOTHING]])
    # 8 of 8 users: 0 bits; 2 of 8: 2 bits; nobody counts as half a user: 4 bits.
    assert per_user_novelty(top, n_users_of_item, 8).tolist() == [1.0, 3.0, 0.0]


def test_diversity_is_the_mean_distance_of_pairs():
    random = np.random.default_rng(1)
    vectors = random.random((6, 4)) * (random.random((6, 4)) < 0.6)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    top = np.array([[0, 3, 5], [2, 1, NOTHING], [4, NOTHING, NOTHING]])
    expected = []
    for places in top:
        items = [item for item in places if item != NOTHING]
        pairs = [1 - vectors[a] @ vectors[b] for a in items for b in items if a < b]
        expected.append(np.mean(pairs) if pairs else 0.0)
    np.testing.assert_allclose(per_user_diversity(top, csr_matrix(vectors)), expected, atol=1e-12)


def test_coverage_counts_items_once():
    assert coverage(np.array([[0, 1], [1, NOTHING]]), 8) == 0.25
