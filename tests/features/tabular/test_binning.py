import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import KBinsDiscretizer, QuantileTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.features.tabular.binning import KBins, Quantile
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence, some_numbers


@parametrize_with_checks([KBins(), KBins(encode="ordinal"), Quantile()])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("encode", ["onehot", "ordinal"])
@pytest.mark.parametrize("n_bins", [2, 5, 40])
def test_bins_equal_scikit_learn(strategy: str, encode: str, n_bins: int) -> None:
    table = some_numbers()
    theirs = KBinsDiscretizer(
        n_bins,
        encode=encode.replace("onehot", "onehot-dense"),
        strategy=strategy,
        quantile_method="linear",
    )
    ours = KBins(n_bins, strategy=strategy, encode=encode).fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bins that are joined
        theirs.fit(table)
    for asked in (table, table * 3 - 2):
        np.testing.assert_array_equal(ours.transform(asked), theirs.transform(asked))


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("n_quantiles", [10, 100, 1000])
def test_quantiles_equal_scikit_learn(output: str, n_quantiles: int) -> None:
    table = some_numbers()
    theirs = QuantileTransformer(n_quantiles=min(n_quantiles, 200), output_distribution=output)
    ours = Quantile(n_quantiles, output_distribution=output)
    for asked in (table, table * 3 - 2):
        np.testing.assert_allclose(
            ours.fit(table).transform(asked),
            theirs.fit(table).transform(asked),
            rtol=1e-6,
            atol=1e-6,
        )


def test_missing_and_beyond() -> None:
    one_hot, ordinal = KBins(2, add_indicator=True), KBins(2, encode="ordinal")
    assert column(one_hot, [0, 1, 9, 10, None], [None, -5, 50]) == [
        [0, 0, 1],
        [1, 0, 0],
        [0, 1, 0],
    ]
    assert one_hot.get_feature_names_out(["x"]).tolist() == ["x_0", "x_1", "x_missing"]
    assert column(ordinal, [0, 1, 9, 10], [None, -5, 50]) == [-1, 0, 1]
    assert column(Quantile(), [1, 2, 3, None], [None, 0, 9]) == [0.5, 0, 1]
    assert column(Quantile(output_distribution="normal"), [1, 2, 3], [None, 0, 9]) == [
        0,
        -5.1993,
        5.1993,
    ]


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("fitted", [[], [None], [7], [7, 7, None]], ids=str)
def test_a_constant_column_is_one_bin(strategy: str, fitted: list[Any]) -> None:
    assert column(KBins(strategy=strategy), fitted, [7, -1, None]) == [1, 1, 0]


@pytest.mark.parametrize("fitted", [[7], [7, 7, None]], ids=str)
def test_quantiles_of_a_constant_column_are_those_of_scikit_learn(fitted: list[Any]) -> None:
    theirs = QuantileTransformer(n_quantiles=2).fit([[7.0], [7.0]])
    expected = theirs.transform([[7.0], [8.0], [6.0]]).ravel().tolist()
    assert column(Quantile(), fitted, [7, 8, 6, None]) == [*expected, 0]


@pytest.mark.parametrize("fitted", [[], [None, None]], ids=str)
def test_quantiles_of_nothing_are_those_of_0(fitted: list[Any]) -> None:
    assert column(Quantile(), fitted, [-1, 0, 1, None]) == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            KBins(1),
            (
                "Option n_bins of feature kind 'k_bins' must be an integer from 2 to 1000, but "
                "is 1. Its default is 5."
            ),
        ),
        (
            KBins(strategy="kmeans"),
            (
                "Option strategy of feature kind 'k_bins' must be one of 'quantile', 'uniform', "
                "but is 'kmeans'. Its default is 'quantile'."
            ),
        ),
        (
            Quantile(n_quantiles=5.0),  # type: ignore[arg-type]
            (
                "Option n_quantiles of feature kind 'quantile' must be an integer from 2 to 10000, "
                "but is 5.0. Its default is 1000."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected
