from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import MultiLabelBinarizer, OneHotEncoder, OrdinalEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.columns import ColumnStatistics
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.categories import Hashing, MultiHot, OneHot, Ordinal
from edgerec.features.tabular.collect import ColumnCollector
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence

letters = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=40)


@parametrize_with_checks([OneHot(), OneHot(min_frequency=2), Ordinal(), Hashing(), MultiHot()])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@given(
    letters,
    letters,
    st.one_of(st.none(), st.integers(1, 6), st.floats(0.01, 0.5)),
    st.one_of(st.none(), st.integers(1, 6)),
)
def test_one_hot_equals_scikit_learn(
    fitted: list[str], asked: list[str], min_frequency: float | None, max_categories: int | None
) -> None:
    theirs = OneHotEncoder(
        min_frequency=min_frequency,
        max_categories=max_categories,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    expected = theirs.fit(np.array(fitted)[:, None])
    ours = OneHot(min_frequency, max_categories).fit(np.array(fitted, object)[:, None])
    np.testing.assert_array_equal(
        ours.transform_columns([asked]), expected.transform(np.array(asked)[:, None])
    )
    names = [
        name.replace("_infrequent_sklearn", "_rare") for name in theirs.get_feature_names_out()
    ]
    assert ours.get_feature_names_out().tolist() == names
    # A database sends the most frequent alone.
    n_top = ours.needs().n_top_values
    if n_top > 0:
        collector = ColumnCollector(OneHot().needs)
        collector.add(fitted)
        every = collector.statistics()
        least = every.top_values[:n_top][-1][1]
        top = tuple(one for one in every.top_values if one[1] >= least)
        statistics = ColumnStatistics(every.n_rows, n_distinct=every.n_distinct, top_values=top)
        other = OneHot.from_statistics([statistics], **ours.get_params())
        assert other.to_state() == ours.to_state()


def test_ordinal_equals_scikit_learn() -> None:
    table = np.array([["b", 3], ["a", 1], ["c", 3]], object)
    asked = np.array([["c", 1], ["z", 2]], object)
    theirs = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7).fit(table)
    ours = Ordinal(unknown_value=-7).fit(table)
    np.testing.assert_array_equal(ours.transform(asked), theirs.transform(asked))


@pytest.mark.parametrize("alternate_sign", [True, False])
def test_hashing_equals_scikit_learn(alternate_sign: bool) -> None:
    words = [f"word {number}" for number in range(100)]
    theirs = FeatureHasher(16, input_type="string", alternate_sign=alternate_sign)
    expected = theirs.transform([[word] for word in words]).toarray()
    given = Hashing(16, alternate_sign=alternate_sign).fit_columns([]).transform_columns([words])
    np.testing.assert_array_equal(given, expected)
    assert given.any(axis=0).all()


def test_multi_hot_equals_scikit_learn() -> None:
    lists = [["Drama", "Comedy"], ["Drama"], [], ["War", "Comedy"]]
    expected = MultiLabelBinarizer().fit_transform(lists).tolist()
    for values in (lists, ["|".join(one) for one in lists]):
        assert column(MultiHot(), values, values) == expected
    as_json = ['["Drama", "Comedy"]', '["Drama"]', "[]", '["War", "Comedy"]']
    assert column(MultiHot(), as_json, as_json) == expected


def test_a_database_that_has_other_types_gives_the_same() -> None:
    one, other = OneHot(), OneHot()
    one.fit_columns([[[True, False, 1.5, 3]]])
    other.fit_columns([[[1, 0.0, Decimal("1.5"), Decimal("3")]]])
    assert one.to_state() == other.to_state()
    assert one.get_feature_names_out(["x"]).tolist() == ["x_0", "x_1", "x_1.5", "x_3"]


def test_missing_and_unseen() -> None:
    fitted, asked = ["a", "b", "a", None], ["a", None, "z"]
    assert column(OneHot(), fitted, asked) == [[1, 0], [0, 0], [0, 0]]
    assert column(OneHot(add_indicator=True), fitted, asked) == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert column(OneHot(min_frequency=2), fitted, asked) == [[1, 0], [0, 0], [0, 1]]
    assert column(Ordinal(), fitted, asked) == [0, -1, -1]
    ordinal = Ordinal(unknown_value=-3, encoded_missing_value=9)
    assert column(ordinal, fitted, asked) == [0, 9, -3]
    hashing = Hashing(2).fit_columns([])
    assert hashing.transform_columns([[None]]).tolist() == [[0, 0]]
    assert hashing.transform_columns([["z"]]).any()
    lists = ["a|b", "a", "", None]
    assert column(MultiHot(), lists, ["a|z", None, "", "z"]) == [[1, 0], [0, 0], [0, 0], [0, 0]]
    rare = MultiHot(min_frequency=2, add_indicator=True)
    assert column(rare, lists, ["a|z", None, ""]) == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert rare.get_feature_names_out(["g"]).tolist() == ["g_a", "g_rare", "g_missing"]
    assert column(MultiHot(min_frequency=0.5), lists, ["a|b"]) == [[1, 1]]


@pytest.mark.parametrize("fitted", [[], [None], [None, float("nan")]], ids=str)
def test_without_values_there_is_no_category(fitted: list[Any]) -> None:
    for transform in (OneHot(), OneHot(min_frequency=3), OneHot(max_categories=2), MultiHot()):
        assert column(transform, fitted, ["a", None]) == [[], []]
    assert column(Ordinal(), fitted, ["a", None]) == [-1, -1]


def test_a_constant_column_and_a_single_row_are_one_category() -> None:
    for fitted in (["a", "a"], ["a"]):
        assert column(OneHot(), fitted, ["a", "b"]) == [1, 0]
        assert column(MultiHot(), fitted, ["a", "b"]) == [1, 0]
        assert column(Ordinal(), fitted, ["a", "b"]) == [0, -1]


def test_statistics_that_hold_too_few_values_are_refused() -> None:
    few = ColumnStatistics(9, 0, top_values=(("a", 5), ("b", 1)))
    with pytest.raises(ConfigurationError) as caught:
        OneHot.from_statistics([few], max_categories=3)
    assert str(caught.value) == (
        "Feature kind 'one_hot' needs more values of its column than the 2 that top_values holds. "
        "Ask needs() how many, or fit it on the rows."
    )
    with pytest.raises(ConfigurationError) as caught:
        MultiHot.from_statistics([few])
    assert str(caught.value) == (
        "Feature kind 'multi_hot' needs every value of its column with its count, but top_values "
        "has 6 of 9 rows. Fit it on the rows instead."
    )
    assert OneHot.from_statistics([few], min_frequency=2).width == 2


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            OneHot(min_frequency=1.5),
            (
                "Option min_frequency of feature kind 'one_hot' must be a count from 1, a share of "
                "the rows above 0 and below 1, or None, but is 1.5. Its default is None."
            ),
        ),
        (
            MultiHot(separator=""),
            (
                "Option separator of feature kind 'multi_hot' must be a text that is not empty, "
                "but is ''. Its default is '|'."
            ),
        ),
        (
            Ordinal(unknown_value=None),  # type: ignore[arg-type]
            (
                "Option unknown_value of feature kind 'ordinal' must be a number, but is None. Its "
                "default is -1."
            ),
        ),
        (
            Hashing(0),
            (
                "Option n_features of feature kind 'hashing' must be an integer from 1 to 65536, "
                "but is 0. Its default is 32."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected
