import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from edgerec.config import TextSettings
from edgerec.errors import SampleError, StateError
from edgerec.features.embeddings.text import TextModel, fit_text
from edgerec.features.embeddings.words import MOST_WORDS, words_of
from edgerec.features.texts import fit_texts, text_vectors
from edgerec.progress import Silent
from edgerec.recsys import Id
from tests.toy import Listed

SETTINGS = TextSettings(text_dim=6, min_count=1, sample=0.0, epochs=20)
SEA, WOOD = ("fish boat wave net salt", "tree axe moss owl fern")
# Half of the texts are of words of the sea, half of words of the wood.
TEXTS = [
    " ".join(np.random.default_rng(number).permutation(words.split())[:4].tolist())
    for number, words in product(range(30), (SEA, WOOD))
]
IDS = np.arange(len(TEXTS))


class Told(Listed):
    def __init__(self, texts: object) -> None:
        super().__init__([])
        self.texts = texts

    def get_item_texts(self, item_ids: list[Id]) -> object:
        return self.texts


def fitted(texts: list[str | None] | None = None) -> tuple[TextModel, np.ndarray]:
    return fit_text(texts or TEXTS, SETTINGS, 0, Silent())


def test_words_are_runs_of_letters_marks_and_digits_in_one_spelling():
    assert words_of("ＡＢ ﬁn, STRAẞE—naïve nai\u0308ve") == [
        "ab",
        "fin",
        "strasse",
        "naïve",
        "naïve",
    ]
    # Vowel signs are marks, and no ends of words.
    assert words_of("हिन्दी; हिन्दी") == ["हिन्दी", "हिन्दी"]
    assert words_of(" \n…!") == []
    assert len(words_of("a " * (MOST_WORDS + 5))) == MOST_WORDS


def test_texts_of_like_words_are_alike_and_vectors_are_unit_rows():
    _, vectors = fitted()
    assert vectors.dtype == np.float32 and vectors.shape == (60, 6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    cosine, sea = vectors @ vectors.T, np.arange(60) % 2 == 0
    same = sea[:, None] == sea
    assert cosine[same].mean() > 0.5 > 0 > cosine[~same].mean()


def test_a_text_has_the_vector_it_was_fitted_with_whatever_was_asked_before():
    model, vectors = fitted()
    np.testing.assert_array_equal(model.vectors(TEXTS[7:3:-1]), vectors[7:3:-1])
    read = TextModel.from_arrays(model.to_arrays(), SETTINGS, 0)
    np.testing.assert_array_equal(read.vectors(TEXTS[:4]), vectors[:4])


def test_a_new_text_lies_with_those_of_like_words():
    model, vectors = fitted()
    cosine = vectors @ model.vectors(["Net, BOAT & unheard"])[0]
    assert cosine[::2].mean() > 0.4 > 0 > cosine[1::2].mean()


@pytest.mark.parametrize("text", [None, "", "…", "unheard"])
def test_a_text_that_says_nothing_is_zero(text: str | None) -> None:
    model, vectors = fitted([*TEXTS, text] if text != "unheard" else None)
    assert not model.vectors([text]).any()
    assert text == "unheard" or not vectors[-1].any()


@pytest.mark.parametrize("texts", [[], [None, ""], ["once"]])
def test_no_words_at_all(texts: list[str | None]) -> None:
    settings = TextSettings(text_dim=3)
    model, vectors = fit_text(texts, settings, 0, Silent())
    assert vectors.shape == (len(texts), 3) and not vectors.any()
    assert not TextModel.from_arrays(model.to_arrays(), settings, 0).vectors(["once"]).any()


def test_the_same_vectors_whatever_the_seed_of_pythons_hash():
    model, vectors = fitted()
    code = (
        "import sys; from tests.features.test_text import fitted; model, vectors = fitted();"
        "sys.stdout.buffer.write(vectors.tobytes() + model.outputs.tobytes())"
    )
    # Python draws a seed of its own for each process, if none is set.
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "random", "PYTHONPATH": "."},
        capture_output=True,
        check=True,
    )
    assert ran.stdout == vectors.tobytes() + model.outputs.tobytes()


def test_a_damaged_state():
    arrays = fitted()[0].to_arrays()
    with pytest.raises(StateError, match=r"^The state of the text vectors is not whole\. Train"):
        TextModel.from_arrays({**arrays, "counts": arrays["counts"][1:]}, SETTINGS, 0)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (7, "get_item_texts returned 7; expected a list with one text per id. Return a list, None"),
        ("ab", "get_item_texts returned 'ab'; expected a list with one text per id."),
        (["a"], "get_item_texts was asked for 60 ids and returned 1 texts; it must return one"),
        ([4] * 60, "get_item_texts returned 4 for item 0; expected a text, or None where there"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(texts: object, sentence: str) -> None:
    with pytest.raises(SampleError) as raised:
        fit_texts(Told(texts), IDS, SETTINGS, 0, Silent())
    assert str(raised.value).startswith(sentence)


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


def test_items_without_a_text_are_said():
    heard = Heard()
    model, vectors = fit_texts(Told([*TEXTS[:-2], None, "!"]), IDS, SETTINGS, 0, heard)
    assert model is not None and vectors.shape == (61, 6)
    assert not vectors[0].any() and not vectors[-2:].any()
    (said,) = heard.said
    assert said == (
        "2 of 60 items have no text, or none with a word that occurs 1 times: nothing is known of "
        "them by text."
    )


def test_an_empty_corpus_is_said_and_left_out():
    heard = Heard()
    model, vectors = fit_texts(Told([None] * 60), IDS, SETTINGS, 0, heard)
    assert model is None and vectors.shape == (61, 0)
    (said,) = heard.said
    assert said == (
        "none of the 60 items has a text with a word that occurs 1 times, so texts are left out. "
        "Check the columns that they come from."
    )


def test_texts_that_are_missing_later():
    with pytest.raises(SampleError, match=r"^The model was trained with the texts of its items, b"):
        text_vectors(Listed([]), IDS, fitted()[0])
    assert text_vectors(Listed([]), IDS, None).shape == (60, 0)
