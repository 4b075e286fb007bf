from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.features.tabular.transform import Transform
from edgerec.features.tabular.words import CharNGrams, Count, TfIdf
from tests.features.tabular.examples import column, sentence

TITLES = [
    "The Good, the Bad and the Ugly (1966)",
    "Good Will Hunting (1997)",
    "Bad Santa (2003)",
    "",
    "Ugly",
    "The Big Good Wolf",
    "Élite: la belle",
]
ASKED = [*TITLES, "good good BAD", "nothing known"]


@parametrize_with_checks([Count(), TfIdf(), CharNGrams()])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Count(max_features=10_000), CountVectorizer()),
        (Count(lowercase=False), CountVectorizer(lowercase=False)),
        (Count(binary=True), CountVectorizer(binary=True)),
        (Count(min_df=2), CountVectorizer(min_df=2)),
        (Count(token_pattern=r"\((\d+)\)"), CountVectorizer(token_pattern=r"\((\d+)\)")),
        (TfIdf(), TfidfVectorizer()),
        (TfIdf(sublinear_tf=True, norm="l1"), TfidfVectorizer(sublinear_tf=True, norm="l1")),
        (TfIdf(min_df=2), TfidfVectorizer(min_df=2)),
        (CharNGrams(), HashingVectorizer(n_features=64, analyzer="char_wb", ngram_range=(3, 3))),
        (
            CharNGrams(16, ngram_range=(1, 2), analyzer="char", alternate_sign=False, norm="l1"),
            HashingVectorizer(
                n_features=16,
                ngram_range=(1, 2),
                analyzer="char",
                alternate_sign=False,
                norm="l1",
            ),
        ),
    ],
    ids=str,
)
def test_equals_scikit_learn(ours: Transform, theirs: Any) -> None:
    theirs.fit(TITLES)
    given = ours.fit(np.array(TITLES, object)[:, None]).transform_columns([ASKED])
    np.testing.assert_allclose(given, theirs.transform(ASKED).toarray(), rtol=1e-6)
    if not isinstance(ours, CharNGrams):
        names = ours.get_feature_names_out(["t"]).tolist()
        assert names == [f"t_{word}" for word in theirs.get_feature_names_out()]


def test_the_most_frequent_words_stay_then_those_first_in_the_alphabet() -> None:
    transform = Count(max_features=3).fit_columns([[["dd dd dd", "bb cc aa", "zz zz"]]])
    assert transform.words_ == [["aa", "dd", "zz"]]


@pytest.mark.parametrize("transform", [Count(), TfIdf(), CharNGrams(4)], ids=str)
def test_missing_is_an_empty_text_and_unseen_words_are_left_out(transform: Transform) -> None:
    transform.fit_columns([[["red blue", None, "red"]]])
    given = transform.transform_columns([[None, "", "red", "green", 7]])
    assert not given[:2].any()
    assert given[2].any()
    assert transform.transform_columns([[]]).shape == (0, transform.width)
    if not isinstance(transform, CharNGrams):
        assert not given[3:].any()


@pytest.mark.parametrize("transform", [Count(), TfIdf()], ids=str)
@pytest.mark.parametrize("fitted", [[], [None], ["", "?"]], ids=str)
def test_without_words_there_are_no_columns(transform: Transform, fitted: list[Any]) -> None:
    assert column(transform, fitted, ["red", None]) == [[], []]


def test_a_single_row_and_a_constant_column() -> None:
    for fitted in (["red"], ["red", "red"]):
        assert column(Count(), fitted, ["red red", None]) == [2, 0]
        assert column(TfIdf(), fitted, ["red red", None]) == [1, 0]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            Count(max_features=0),
            (
                "Option max_features of feature kind 'count' must be an integer from 1, but is 0. "
                "Its default is 100."
            ),
        ),
        (
            TfIdf(token_pattern="("),
            (
                "Option token_pattern of feature kind 'tf_idf' must be a regular expression, but "
                "is '('. Its default is '(?u)\\\\b\\\\w\\\\w+\\\\b'."
            ),
        ),
        (
            CharNGrams(ngram_range=(3, 2)),
            (
                "Option ngram_range of feature kind 'char_ngrams' must be two integers from 1 to "
                "10, not falling, but is (3, 2). Its default is (3, 3)."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected
