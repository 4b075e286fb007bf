"""Items that training never saw: other scores keep every bit; what new items have."""

import dataclasses
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

import edgerec
from edgerec.config import TextSettings
from edgerec.errors import SampleError
from edgerec.export.answer_difference import difference
from edgerec.export.bundle import graph_bytes
from edgerec.export.parity import GraphSession, parity_requests
from edgerec.export.rounding import rounded
from edgerec.export_settings import ExportSettings, Precision
from edgerec.model import Model
from edgerec.progress import Silent
from edgerec.recsys import Id
from edgerec.schema import Request
from edgerec.training.ranker import Ranker
from tests.trained import SETTINGS, Generated, generated_model, neighbours_model, wide_model

# Before, between and behind the ids of training; so far that integers are dense no more.
NEW: dict[bool, list[Id]] = {False: [10**9, -7, 5], True: ["zz", "item 60 é!", "a"]}


class More(Generated):
    """Knows every item: with a genre, and a text where asked."""

    def __init__(self, strings: bool = False, width: int | None = None) -> None:
        super().__init__(strings)
        self.width = len(self._genres) if width is None else width

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        if item_id in self._genres_of and self.width == len(self._genres):
            return super().get_item_feature(item_id)
        return [float(place == 1) for place in range(self.width)]


class Told(More):
    def get_item_texts(self, item_ids: Sequence[Id]) -> list[str | None]:
        known = self._genres_of
        return [f"{' '.join(known.get(id_, ['Drama']))} film" for id_ in item_ids]


@cache
def told_model() -> Model:
    settings = dataclasses.replace(SETTINGS, text=TextSettings(text_dim=4, epochs=5))
    return edgerec.train(Told(), settings)


MODELS = {
    "integers": (generated_model, More, False),
    "strings": (lambda: generated_model(True), lambda: More(True), True),
    "neighbours": (neighbours_model, More, False),
    "texts": (told_model, Told, False),
}


def session(ranker: Ranker, precision: Precision) -> GraphSession:
    """Return the graph, and not the ranker, which BLAS may compute in another order."""
    settings = ExportSettings(precision=precision)
    return GraphSession(graph_bytes(rounded(ranker, precision), {}, settings), ranker)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("name", MODELS)
def test_every_other_score_keeps_its_bits(name: str, precision: Precision) -> None:
    made, knows, strings = MODELS[name]
    before = made()
    after = before.with_items(knows(), NEW[strings])
    old, new = session(before.ranker, precision), session(after.ranker, precision)
    # What names no candidate asks for the catalogue, which is larger now.
    requests = [
        one
        for one in parity_requests(before.ranker, 60)
        if one.item_ids and one.name != "padding only"
    ]
    for request in requests:
        expected, came = old.answer(request), new.answer(request)
        np.testing.assert_array_equal(came.scores, expected.scores)
        np.testing.assert_array_equal(came.known, expected.known)
        np.testing.assert_array_equal(came.top_ids, expected.top_ids)
    # The whole catalogue, in the order of its ids.
    everything = Request(user_id=before.ranker.user_ids.tolist()[0])
    expected, came = old.answer(everything), new.answer(everything)
    was_there = np.isin(after.ranker.item_ids.tolist(), before.ranker.item_ids.tolist())
    assert len(came.scores) == len(expected.scores) + 3 and came.known.all()
    np.testing.assert_array_equal(came.scores[was_there], expected.scores)


@pytest.mark.parametrize("name", MODELS)
def test_graph_and_ranker_agree_on_new_items_in_candidates_and_histories(name: str) -> None:
    made, knows, strings = MODELS[name]
    ranker = made().with_items(knows(), NEW[strings]).ranker
    assert ranker.item_ids[ranker.added_items - 1].tolist() == sorted(NEW[strings])  # type: ignore[type-var]
    graph = session(ranker, "fp32")
    some = ranker.item_ids.tolist()[::9] + NEW[strings]
    requests = [
        Request(item_ids=some, history=NEW[strings] + some[:3], history_values=[5, 1, 4, 2]),
        *parity_requests(ranker, 40),
    ]
    for request in requests:
        assert difference(ranker.answer(request), graph.answer(request)) < 1e-5


def test_a_new_item_is_scored_as_one_of_the_catalogue_that_nobody_met():
    class Listing(More):
        def item_generator(self) -> Sequence[Id]:
            return [*generated_model().ranker.item_ids.tolist(), 10**6]

    listing = edgerec.train(Listing(), SETTINGS)
    twin = listing.with_items(Listing(), [10**6 + 1])
    history = listing.ranker.item_ids.tolist()[:5]
    asked = Request(item_ids=[10**6, 10**6 + 1], history=history, history_values=[5, 1, 4, 2, 5])
    listed, added = twin.ranker.answer(asked).scores.tolist()
    assert added == pytest.approx(listed, abs=1e-5)


def test_items_are_added_to_what_items_were_added_to():
    once = generated_model().with_items(More(), [10**9, 5])
    twice = once.with_items(More(), [-7, 10**9])
    at_once = generated_model().with_items(More(), [10**9, -7, 5])
    assert twice.ranker.item_ids.tolist() == at_once.ranker.item_ids.tolist()
    np.testing.assert_array_equal(twice.ranker.added_items, at_once.ranker.added_items)
    asked = Request(item_ids=at_once.ranker.item_ids.tolist())
    # Products of matrices of other sizes: a new row's last bit may be another.
    np.testing.assert_allclose(
        twice.ranker.answer(asked).scores, at_once.ranker.answer(asked).scores, atol=1e-6
    )


def test_what_training_never_saw_vary_says_nothing_and_halves_do_not_overflow():
    class Odd(More):
        def get_item_feature(self, item_id: Id) -> Sequence[float]:
            return [1e6, *super().get_item_feature(item_id)[1:]]

    before = wide_model()
    features = before.ranker.tables.item_features.copy()
    features[:, 2] = 0
    # A constant column is no kind.
    kinds = np.delete(before.ranker.tables.kinds, 2, axis=1)
    tables = dataclasses.replace(before.ranker.tables, item_features=features, kinds=kinds)
    constant = Model(before.ranker.replaced(tables=tables))

    class Never(More):
        def get_item_feature(self, item_id: Id) -> Sequence[float]:
            return [*super().get_item_feature(item_id)[:2], 7.0, *[0.0] * (self.width - 3)]

    assert not constant.with_items(Never(), [5]).ranker.tables.item_features[:, 2].any()
    grown = before.with_items(Odd(), [5]).ranker.tables.item_features
    assert grown.max() == np.finfo(np.float16).max


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize(
    ("ids", "width", "sentence"),
    [
        ([], None, "There is no new item: the list of ids is empty. Name one or more."),
        ([5, 7, 5], None, "The new item 5 is there twice. Give each once, with the features"),
        (["5"], None, "The list of new items gave the item id '5' of type str, but the items"),
        ([-(2**63)], None, "The item id -2**63 is the padding id, which means that nothing is"),
        ([5], 2, "The model was trained on 16 features of each item; of the new items there are 2"),
    ],
)
def test_what_cannot_be_added_is_said(ids: list[Id], width: int | None, sentence: str) -> None:
    with pytest.raises(SampleError) as raised:
        generated_model().with_items(More(width=width), ids)
    assert str(raised.value).startswith(sentence)


def test_ids_that_are_known_are_said_and_left_out():
    known = generated_model().ranker.item_ids.tolist()
    heard = Heard()
    more = generated_model().with_items(More(), [*known, 10**9], progress=heard)
    assert len(more.ranker.item_ids) == len(known) + 1
    (said,) = heard.said
    assert said == (
        f"{len(known)} of {len(known) + 1} items, such as {known[0]}, are in the model already and "
        "stay as they are."
    )
    with pytest.raises(SampleError) as raised:
        generated_model().with_items(More(), known[:2])
    assert str(raised.value) == (
        f"All 2 items, such as {known[0]}, are in the model already: there is nothing to add. "
        "Name items that it does not know; to change one, train again."
    )


def test_an_item_without_a_text_is_added_and_said():
    class Silenced(Told):
        def get_item_texts(self, item_ids: Sequence[Id]) -> list[str | None]:
            return [None] * len(item_ids)

    heard = Heard()
    grown = told_model().with_items(Silenced(), [5], progress=heard).ranker
    assert not grown.tables.item_features[grown.added_items, -4:].any()
    (said,) = heard.said
    assert said.startswith("1 of 1 new items have no text with a word of training: nothing is")
    with pytest.raises(SampleError, match=r"^The model was trained with the texts of its items"):
        told_model().with_items(More(), [5])
