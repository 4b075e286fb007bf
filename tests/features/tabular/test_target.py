from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.columns import ColumnStatistics
from edgerec.errors import ConfigurationError
from edgerec.features.statistics import folds
from edgerec.features.tabular.target import TargetMean
from tests.features.tabular.examples import sentence

OUT_OF_FOLD = "fit_transform gives a row the mean without its own fold, transform that of all rows"


@parametrize_with_checks(
    [TargetMean()],
    expected_failed_checks=lambda _: {
        "check_transformer_general": OUT_OF_FOLD,
        "check_transformer_data_not_an_array": OUT_OF_FOLD,
    },
)
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def some_rows(n: int = 300, n_users: int = 20) -> tuple[list[str | None], Any, Any]:
    random = np.random.default_rng(0)
    categories = [("a", "b", "c", None)[one] for one in random.integers(0, 4, n)]
    return categories, random.integers(0, 2, n), random.integers(0, n_users, n)


@pytest.mark.parametrize("smooth", [0.0, 5.0])
def test_all_rows_equal_scikit_learn(smooth: float) -> None:
    categories, labels, _ = some_rows()
    there = [(one, label) for one, label in zip(categories, labels, strict=True) if one]
    table = np.array([[one] for one, _ in there], object)
    labels = np.array([label for _, label in there])
    asked = np.array([["a"], ["b"], ["c"], ["z"]], object)
    theirs = TargetEncoder(smooth=smooth, target_type="binary").fit(table, labels)
    ours = TargetMean(smooth=smooth).fit(table, labels)
    np.testing.assert_allclose(ours.transform(asked), theirs.transform(asked), rtol=1e-6)


def test_a_fold_sees_the_means_of_the_other_users() -> None:
    categories, labels, users = some_rows()
    fold = folds(20, 5, 3)[1:][users]
    ours = TargetMean(smooth=2.0).fit_labelled([([categories], labels, fold)])
    for own in range(5):
        rows = [
            (one, label) for one, label, k in zip(categories, labels, fold, strict=True) if k != own
        ]
        prior = sum(label for _, label in rows) / len(rows)
        for category in ("a", "b", "c"):
            inside = [label for one, label in rows if one == category]
            expected = (sum(inside) + 2 * prior) / (len(inside) + 2)
            given = ours.transform_columns([[category]], fold=own)
            assert given.tolist() == [[pytest.approx(expected)]]
        assert ours.transform_columns([[None]], fold=own)[0, 0] == pytest.approx(prior)


def test_no_label_of_a_user_moves_what_his_rows_see() -> None:
    categories, labels, users = some_rows()
    table = np.array(categories, object)[:, None]
    before = TargetMean().fit_transform(table, labels, users)
    turned = np.where(users == 7, 1 - labels, labels)
    after = TargetMean().fit_transform(table, turned, users)
    np.testing.assert_array_equal(after[users == 7], before[users == 7])
    assert (after != before).any()


def test_groups_of_a_database_and_chunks_of_rows_give_the_same() -> None:
    categories, labels, users = some_rows()
    fold = users % 5
    whole = TargetMean().fit_labelled([([categories], labels, fold)]).to_state()
    chunks = [
        ([categories[start : start + 7]], labels[start : start + 7], fold[start : start + 7])
        for start in range(0, 300, 7)
    ]
    assert TargetMean().fit_labelled(chunks).to_state() == whole
    cells = [(one, k) for one in ("c", "a", None, "b") for k in range(5)]
    groups = []
    for one, k in cells:
        inside = [
            label
            for c, label, f in zip(categories, labels, fold, strict=True)
            if (c, f) == (one, k)
        ]
        groups.append((one, k, len(inside), float(sum(inside))))
    assert TargetMean.from_groups([groups]).to_state() == whole
    restored = TargetMean.from_state(whole)
    assert restored.transform_columns([["a"]], fold=2) == TargetMean().fit_labelled(
        chunks
    ).transform_columns([["a"]], fold=2)


def test_missing_and_unseen_give_the_mean_of_all_and_nothing_gives_0() -> None:
    ours = TargetMean().fit_labelled([([["a", "a", None]], [1, 1, 0], [0, 1, 2])])
    np.testing.assert_allclose(ours.transform_columns([[None, "z"]]), 2 / 3, rtol=1e-6)
    for chunks in ([], [([[]], [], [])], [([["a"]], [float("nan")], [0])]):
        nothing = TargetMean(smooth=0.0).fit_labelled(chunks)
        assert nothing.transform_columns([["a", None]]).tolist() == [[0], [0]]
    single = TargetMean().fit_labelled([([["a"]], [1.0], [0])])
    assert single.transform_columns([["a"]]).tolist() == [[1]]
    assert single.transform_columns([["a"]], fold=0).tolist() == [[0]]


def test_what_cannot_be_fitted_is_said() -> None:
    assert sentence(TargetMean(smooth=-1.0)) == (
        "Option smooth of feature kind 'target_mean' must be a number from 0, but is -1.0. Its "
        "default is 20.0."
    )
    with pytest.raises(ConfigurationError) as caught:
        TargetMean(n_folds=2).fit_labelled([([["a"]], [1.0], [2])])
    assert str(caught.value) == (
        "Feature kind 'target_mean' has folds 0 to 1, but a row is of fold 2. Give n_folds as the "
        "folds were drawn."
    )
    with pytest.raises(ConfigurationError) as caught:
        TargetMean().fit_labelled([]).transform_columns([["a"]], fold=5)
    assert str(caught.value) == (
        "Feature kind 'target_mean' has folds 0 to 4, but fold 5 is asked for. Leave it out for "
        "rows that nothing was fitted to."
    )
    with pytest.raises(ConfigurationError) as caught:
        TargetMean.from_statistics([ColumnStatistics(1)])
    assert str(caught.value) == (
        "Feature kind 'target_mean' is fitted to rows with labels and folds, not to columns "
        "alone. Call fit_labelled or from_groups."
    )
