"""Texts to numbers: counts and tf-idf of words, hashed n-grams of characters."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.preprocessing import normalize

from edgerec.features.tabular.collect import Collector, sorted_counts
from edgerec.features.tabular.from_rows import FromRows, MemberCounter
from edgerec.features.tabular.options import Option, choice, flag, integer, lengths, pattern
from edgerec.features.tabular.transform import Array, Transform
from edgerec.features.tabular.values import texts

_WORD: Final = r"(?u)\b\w\w+\b"
_LOWER: Final = flag("lowercase", True, "take upper and lower case for the same")
_WORDS: Final = (
    integer("max_features", 100, "at most so many words: the most frequent, then by alphabet", 1),
    integer("min_df", 1, "words of fewer rows are left out", 1),
    _LOWER,
    pattern("token_pattern", _WORD, "what a word is; a group in it is the word"),
)


class _Words(FromRows):
    """What counts of words and their weights have in common: the words that get a column."""

    accepts = ("text",)
    missing = "zeros, as an empty text"
    unseen = "words that were not there when fitting are left out"

    def __init__(self, max_features: int, min_df: int, lowercase: bool, token_pattern: str) -> None:
        self.max_features = max_features
        self.min_df = min_df
        self.lowercase = lowercase
        self.token_pattern = token_pattern

    def _vectorizer(self, **options: Any) -> CountVectorizer:
        return CountVectorizer(
            lowercase=self.lowercase, token_pattern=self.token_pattern, **options
        )

    def _collector(self) -> MemberCounter:
        words = self._vectorizer().build_analyzer()
        return MemberCounter(lambda value: words(texts([value])[0]))

    def _learn(self, collectors: Sequence[Any]) -> None:
        self.words_: list[list[str]] = []
        for counter in collectors:
            ranked = [
                str(word)
                for word, _ in sorted_counts(counter.in_all)
                if counter.in_rows[word] >= self.min_df
            ]
            self.words_.append(sorted(ranked[: self.max_features]))

    def _counted(self, position: int, values: Sequence[object], **options: Any) -> Array:
        words = self.words_[position]
        if not words or not len(values):
            return np.zeros((len(values), len(words)))
        counted = self._vectorizer(vocabulary=words, **options).transform(texts(values)).toarray()
        return np.asarray(counted, np.float64)

    def _names(self, position: int, name: str) -> list[str]:
        return [f"{name}_{word}" for word in self.words_[position]]


class Count(_Words):
    """How often each word stands in a text (CountVectorizer).

    >>> transform = Count().fit_columns([[["Red and blue", "red RED", None]]])
    >>> transform.get_feature_names_out(["title"]).tolist()
    ['title_and', 'title_blue', 'title_red']
    >>> transform.transform_columns([["red red green", None]]).tolist()
    [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    """

    kind = "count"
    options: ClassVar[tuple[Option, ...]] = (
        *_WORDS,
        flag("binary", False, "give 1 for a word that is in, however often"),
    )
    fitted: ClassVar[tuple[str, ...]] = ("words_",)

    def __init__(
        self,
        max_features: int = 100,
        min_df: int = 1,
        lowercase: bool = True,
        token_pattern: str = _WORD,
        binary: bool = False,
    ) -> None:
        super().__init__(max_features, min_df, lowercase, token_pattern)
        self.binary = binary

    def _column(self, position: int, values: Sequence[object]) -> Array:
        return self._counted(position, values, binary=self.binary)


class TfIdf(_Words):
    """Counts of words, rare ones weighing more, as a vector of length 1 (TfidfVectorizer).

    The weight is log((1 + rows) / (1 + rows that have the word)) + 1.

    >>> transform = TfIdf().fit_columns([[["red", "red blue"]]])
    >>> transform.transform_columns([["red", "red blue", "green"]]).round(3).tolist()
    [[0.0, 1.0], [0.814..., 0.579...], [0.0, 0.0]]
    """

    kind = "tf_idf"
    options = (
        *_WORDS,
        flag("sublinear_tf", False, "count a word that stands n times as 1 + log(n)"),
        choice("norm", "l2", "the length that becomes 1", ("l1", "l2", "max")),
    )
    fitted = ("words_", "idf_")

    def __init__(
        self,
        max_features: int = 100,
        min_df: int = 1,
        lowercase: bool = True,
        token_pattern: str = _WORD,
        sublinear_tf: bool = False,
        norm: str = "l2",
    ) -> None:
        super().__init__(max_features, min_df, lowercase, token_pattern)
        self.sublinear_tf = sublinear_tf
        self.norm = norm

    def _learn(self, collectors: Sequence[Any]) -> None:
        super()._learn(collectors)
        self.idf_ = []
        for words, counter in zip(self.words_, collectors, strict=True):
            n_rows = np.array([counter.in_rows[word] for word in words], np.float64)
            self.idf_.append((np.log((1 + counter.n_rows) / (1 + n_rows)) + 1).tolist())

    def _column(self, position: int, values: Sequence[object]) -> Array:
        table = self._counted(position, values)
        if not table.size:
            return table
        if self.sublinear_tf:
            table[table > 0] = np.log(table[table > 0]) + 1
        unit: Array = normalize(table * self.idf_[position], self.norm)
        return unit


class CharNGrams(Transform):
    """Counts of n-grams of characters, hashed by MurmurHash3 (HashingVectorizer).

    Nothing is fitted. Misspelt and unknown words are still near to their like.

    >>> transform = CharNGrams(256).fit_columns([])
    >>> red, read, blue = transform.transform_columns([["red", "reed", "blue"]])
    >>> bool(red @ read > 0.3 > red @ blue)
    True
    """

    kind = "char_ngrams"
    options = (
        integer("n_features", 64, "how many columns", 1, 65_536),
        lengths("ngram_range", (3, 3), "the shortest and the longest n-gram"),
        choice(
            "analyzer",
            "char_wb",
            "n-grams within words, padded with blanks, or across them",
            ("char_wb", "char"),
        ),
        _LOWER,
        flag("alternate_sign", True, "let half of the n-grams count -1, so that clashes cancel"),
        choice("norm", "l2", "the length that becomes 1", ("l1", "l2")),
    )
    accepts = ("text",)
    missing = "zeros, as an empty text"
    unseen = "hashed like any other"

    def __init__(
        self,
        n_features: int = 64,
        ngram_range: tuple[int, int] = (3, 3),
        analyzer: str = "char_wb",
        lowercase: bool = True,
        alternate_sign: bool = True,
        norm: str = "l2",
    ) -> None:
        self.n_features = n_features
        self.ngram_range = ngram_range
        self.analyzer = analyzer
        self.lowercase = lowercase
        self.alternate_sign = alternate_sign
        self.norm = norm

    def _learn(self, collectors: Sequence[Collector]) -> None:
        """Nothing is fitted."""

    def _column(self, position: int, values: Sequence[object]) -> Array:
        if not len(values):
            return np.zeros((0, self.n_features))
        options = self.get_params(deep=False)
        vectorizer = HashingVectorizer(**{**options, "ngram_range": tuple(self.ngram_range)})
        hashed: Array = vectorizer.transform(texts(values)).toarray()
        return hashed

    def _names(self, position: int, name: str) -> list[str]:
        return [f"{name}_{bucket}" for bucket in range(self.n_features)]
