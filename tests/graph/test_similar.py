"""The graph lists similar items as the ranker does, and only where it is asked to."""

import numpy as np
import onnx
import pytest

from device_runtime.errors import RequestError
from device_runtime.scorer import Scorer
from edgerec.errors import ItemNotFound
from edgerec.export.mapped import operators_in
from edgerec.export.parity import GraphSession
from edgerec.export.rounding import rounded
from edgerec.export.similarity_vectors import file_vectors
from edgerec.export_settings import ExportSettings
from edgerec.features.similar import similarity_vectors
from edgerec.graph import distinct
from edgerec.schema import Request
from tests.trained import generated_model, wide_model


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return generated_model().export(tmp_path_factory.mktemp("similar") / "toy.onnx").path


@pytest.fixture(scope="module")
def scorer(path):
    return Scorer.from_path(path)


def test_the_device_answers_what_training_computes(scorer):
    model = generated_model()
    first, second, third = model.ranker.item_ids[[3, 17, 40]].tolist()
    for added, taken in (([first], []), ([first, second], [third]), ([first, first], [second])):
        found = scorer.similar(added, taken, k=7)
        expected = model.similar(added, taken, k=7)
        np.testing.assert_allclose(found.similarities, [one for _, one in expected], atol=1e-5)
        assert found.ids.tolist() == [id_ for id_, _ in expected]
        assert not {*added, *taken} & set(found.ids.tolist())


def test_a_sum_is_what_it_says(scorer):
    """A + B - B is A, whose nearest are then those of A but for B, which is not listed."""
    first, second = generated_model().ranker.item_ids[[3, 17]].tolist()
    alone = [one for one in scorer.similar([first], k=9).ids.tolist() if one != second]
    assert scorer.similar([first, second], [second], k=9).ids.tolist()[:8] == alone[:8]


def test_candidates_exclusions_and_k(scorer):
    ids = generated_model().ranker.item_ids[:8].tolist()
    found = scorer.similar(ids[:1], among=[*ids, 2**62], exclude=ids[1:3], k=100)
    assert set(found.ids.tolist()) == set(ids[3:])
    assert (np.diff(found.similarities) <= 0).all()
    assert len(scorer.similar(ids[:1], k=2).ids) == 2


def test_ordinary_requests_are_answered_with_no_similar_items():
    ranker = generated_model().ranker
    item = ranker.item_ids[:1].tolist()
    for k in (0, 5):
        assert len(ranker.answer(Request(history=item, k=k)).similar_ids) == 0
    everything, asked = (ranker.answer(Request(history=item, k=k)) for k in (0, -4))
    assert len(asked.similarities) == 4
    np.testing.assert_array_equal(everything.top_ids, asked.top_ids)


def test_all_of_it_stands_in_one_branch(path):
    def branches(nodes):
        for node in nodes:
            for part in node.attribute:
                inner = part.g.node
                yield from [node] if any("item_kinds" in one.input for one in inner) else []
                yield from branches(inner)

    nodes = onnx.load(path).graph.node
    found = list(branches(nodes))
    assert [list(one.output) for one in found] == [
        ["positions_of_similar", "similarities_of_similar"]
    ]
    # And that branch stands in the half of another which ordinary requests do not take.
    (answer,) = (one for one in nodes if "similar_positions" in one.output)
    halves = {part.name: part.g.node for part in answer.attribute}
    assert found[0] in list(halves["then_branch"])
    assert {one.op_type for one in halves["else_branch"]} <= {
        *("Greater", "Min", "Where", "TopK", "Gather", "Slice", "Identity")
    }


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_the_vectors_of_a_file_are_those_it_compares(path, tmp_path, precision):
    ranker = generated_model().ranker
    np.testing.assert_array_equal(file_vectors(path), similarity_vectors(ranker.tables))
    settings = ExportSettings(precision=precision, max_loss=1.0)
    rounded = generated_model().export(tmp_path / "rounded.onnx", settings=settings).path
    np.testing.assert_allclose(file_vectors(rounded), file_vectors(path), atol=0.02)
    with pytest.raises(ItemNotFound, match="not in the catalogue"):
        generated_model().similar([2**62])


def test_questions_without_an_answer_are_sentences(scorer):
    first = generated_model().ranker.item_ids[0].item()
    for asked, sentence in (
        ({"item_ids": [2**62]}, "item 4611686018427387904: it is not in the catalogue"),
        ({"item_ids": [first], "minus": [first]}, "cancel each other out"),
        ({"item_ids": []}, "expected one item or more, got none"),
        ({"item_ids": [first], "k": 0}, "k: expected an integer of 1 or more, got 0"),
    ):
        with pytest.raises(RequestError, match=sentence):
            scorer.similar(**asked)


def test_ids_of_text(tmp_path):
    model = generated_model(strings=True)
    session = GraphSession(model.export(tmp_path / "text.onnx").path, model.ranker)
    request = Request(history=model.ranker.item_ids[:1].tolist(), k=-3)
    expected = model.ranker.answer(request).similar_ids.tolist()
    assert session.answer(request).similar_ids.tolist() == expected


def test_ids_of_text_that_the_file_has_hashes_of(tmp_path):
    model = generated_model(strings=True)
    settings = ExportSettings(n_encoded_strings=0, target="board")
    scorer = Scorer.from_path(model.export(tmp_path / "hashed.onnx", settings=settings).path)
    scorer.run_golden()
    ids = model.ranker.item_ids[:9].tolist()
    expected = [id_ for id_, _ in model.similar(ids[:1], ids[1:2], k=5)]
    assert scorer.similar(ids[:1], ids[1:2], k=5).ids.tolist() == expected
    found = scorer.similar(ids[:1], among=["", *ids, "nobody"], exclude=ids[1:3])
    assert set(found.ids.tolist()) == set(ids[3:])
    with pytest.raises(RequestError, match="item 'nobody': it is not in the catalogue"):
        scorer.similar(["nobody"])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_rows_that_are_stored_once_and_the_mapped_form(tmp_path, monkeypatch, precision):
    """A toy's tables are too small to be worth codes, unless what a run must save is nothing."""
    monkeypatch.setattr(distinct, "RUN_BYTES", 0)
    model = wide_model()
    settings = ExportSettings(precision=precision, max_loss=1.0, deduplicate=True, mapped=True)
    path = model.export(tmp_path / "toy.onnx", settings=settings).path
    tables = {one.name for one in onnx.load(path).graph.initializer}
    assert "row_codes_0" in tables
    assert "item_kinds" not in tables or "item_audience" not in tables
    compared = similarity_vectors(rounded(model.ranker, precision).tables)
    np.testing.assert_allclose(file_vectors(path), compared, atol=1e-6)
    assert {"If", "Neg", "MatMul"} <= operators_in(path.with_suffix(".ort"))[""]
    scorer = Scorer.from_path(path)
    item = model.ranker.item_ids[:1].tolist()
    read = GraphSession(path, model.ranker).answer(Request(history=item, k=-5))
    assert scorer.similar(item, k=5).ids.tolist() == read.similar_ids.tolist()
