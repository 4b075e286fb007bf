"""Items are alike in what is written of them too, where few features are declared beside it."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import onnx
import pytest

import edgerec
from device_runtime.scorer import Scorer
from edgerec.config import TextSettings
from edgerec.errors import ItemNotFound
from edgerec.export.answer_difference import difference
from edgerec.export.bundle import graph_bytes
from edgerec.export.parity import GraphSession, parity_requests
from edgerec.export.rounding import rounded
from edgerec.export.similarity_vectors import file_vectors
from edgerec.export_settings import ExportSettings
from edgerec.features.similar import TEXTS_LENGTH, similarity_vectors
from edgerec.graph import distinct
from edgerec.graph.similar import FIRST_TEXT_COLUMN
from edgerec.model import Model
from edgerec.pipeline import load_model
from edgerec.recsys import Id
from edgerec.schema import Request
from tests.trained import WIDE, Generated, wide_model

SEA, WOOD = ["fish", "boat", "wave", "net", "salt"], ["tree", "axe", "moss", "owl", "fern"]
UNTOUCHED, NEW, SILENT = 10**6, 10**6 + 7, 10**6 + 8
TEXT = TextSettings(text_dim=6, min_count=1, sample=0.0, epochs=20)


class Written(Generated):
    """Of even items words of the sea are written, of odd ones words of the wood."""

    def item_generator(self) -> list[Id]:
        return [*self._genres_of, UNTOUCHED]

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        if item_id in self._genres_of:
            return super().get_item_feature(item_id)
        return [0.0] * len(self._genres)

    def get_item_texts(self, item_ids: Sequence[Id]) -> list[str | None]:
        return [None if id_ == SILENT else _text(int(id_)) for id_ in item_ids]


def _text(item: int) -> str:
    words = WOOD if item % 2 else SEA
    return " ".join(np.random.default_rng(item).permutation(words)[:4].tolist())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "toy.training"
    edgerec.train(Written(), dataclasses.replace(WIDE, text=TEXT), training_folder=folder)
    # As it is read again: what is compared follows from what is kept.
    return load_model(folder)


@pytest.fixture(scope="module")
def more(model):
    return model.with_items(Written(), [NEW, SILENT])


@pytest.fixture(scope="module")
def path(more, tmp_path_factory):
    return more.export(tmp_path_factory.mktemp("texts") / "toy.onnx").path


@pytest.mark.parametrize("asked", [UNTOUCHED, NEW])
def test_an_untouched_item_with_a_text_alone_lists_items_of_like_text(more, path, asked):
    scorer = Scorer.from_path(path)
    found = scorer.similar([asked], k=20)
    expected = [cosine for _, cosine in more.similar([asked], k=20)]
    np.testing.assert_allclose(found.similarities, expected, atol=1e-5)
    assert {id_ % 2 for id_ in found.ids.tolist()} == {asked % 2}
    # And the other way round: nobody touched it, yet it is among what is like another.
    everything = scorer.similar([found.ids.tolist()[0]], k=200)
    assert asked in everything.ids.tolist() and SILENT not in everything.ids.tolist()


def test_an_item_with_neither_a_feature_nor_a_text_is_like_nothing(more):
    with pytest.raises(ItemNotFound, match="it has neither features nor a text"):
        more.similar([SILENT])


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_graph_and_ranker_agree_on_what_is_like_what(more, precision):
    ranker = rounded(more.ranker, precision)
    session = GraphSession(graph_bytes(ranker, {}, ExportSettings(precision=precision)), ranker)
    first, second = ranker.item_ids[[3, 17]].tolist()
    requests = [
        *parity_requests(ranker, 10),
        *(Request(history=[one], k=-20) for one in (UNTOUCHED, NEW, SILENT, first)),
        Request(history=[NEW, first, second], history_values=[1, 1, -1], k=-9),
        Request(history=[first], item_ids=[NEW, second, SILENT, 7, UNTOUCHED], k=-9),
    ]
    for request in requests:
        assert difference(ranker.answer(request), session.answer(request)) < 1e-5


def test_the_vectors_of_a_file_are_those_it_compares(more, path, tmp_path, monkeypatch):
    compared = similarity_vectors(more.ranker.tables)
    np.testing.assert_array_equal(file_vectors(path), compared)
    new, silent = more.ranker.added_items
    assert np.linalg.norm(compared[new]) == pytest.approx(TEXTS_LENGTH, abs=1e-6)
    assert not compared[[0, silent]].any()
    monkeypatch.setattr(distinct, "RUN_BYTES", 0)
    settings = ExportSettings(precision="int8", max_loss=1.0, deduplicate=True)
    shared = more.export(tmp_path / "shared.onnx", settings=settings).path
    np.testing.assert_allclose(file_vectors(shared), compared, atol=0.02)


def test_texts_need_no_table_of_their_own_and_stand_where_kinds_do_not_tell(model, path):
    """Kinds of no declared feature, or of many, are made of what texts are part of."""
    in_file = {one.name for one in onnx.load(path).graph.initializer}
    assert FIRST_TEXT_COLUMN in in_file and "item_texts" not in in_file
    assert not wide_model().ranker.tables.texts_beside_kinds
    tables = model.ranker.tables
    assert tables.texts_beside_kinds
    without = dataclasses.replace(tables, texts_beside_kinds=False)
    width = similarity_vectors(without).shape[1]
    np.testing.assert_array_equal(
        similarity_vectors(tables)[:, :width], similarity_vectors(without)
    )
    ranker = model.ranker.replaced(tables=without)
    graph = onnx.load_from_string(graph_bytes(ranker, {}, ExportSettings())).graph
    assert FIRST_TEXT_COLUMN not in {one.name for one in graph.initializer}
    with pytest.raises(ItemNotFound):
        Model(ranker).similar([UNTOUCHED])
