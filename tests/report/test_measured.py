"""From an exported file to a page, on generated data."""

import dataclasses
import json

import numpy as np
import pytest

from edgerec.errors import OneClassError
from edgerec.evaluate.catalogue import evaluate_catalogue
from edgerec.evaluate.evaluation_rows import EvaluationRows
from edgerec.evaluate.label_baselines import LabelBaselines
from edgerec.evaluate.owned import owned_items, owned_samples
from edgerec.evaluate.prequential import Row, score_rows
from edgerec.export.vectors import item_embedding
from edgerec.report.assemble import page
from edgerec.report.facts import file_section
from edgerec.report.measured import measure
from edgerec.report.page import html
from edgerec.scoring import TableScorer
from tests.trained import Generated, Viewed, generated_model, viewed_model

SECTIONS = (
    *("training", "curve", "quality", "calibration", "segments", "importance"),
    *("map", "examples", "file", "audit"),
)


def in_order(samples):
    rows = [Row(one.user_id, one.item_id, one.value, one.timestamp) for one in samples]
    return sorted(rows, key=lambda row: row.timestamp)


def anchors(found):
    return [section.anchor for section in found.sections]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "generated.onnx"
    generated_model().export(path)
    rows = in_order(Generated().sample_generator())[-500:]
    return path, rows


@pytest.fixture(scope="module")
def measured(exported):
    path, rows = exported
    return measure(
        path,
        EvaluationRows(
            lambda: rows,
            training=lambda catalogue: owned_samples(Generated().sample_generator(), catalogue),
        ),
        titles=lambda ids: [None if id_ % 5 == 0 else f"Film <{id_}>" for id_ in ids],
    )


def test_the_page_has_every_section_once_and_in_order(measured):
    found = page(measured)
    assert anchors(found) == list(SECTIONS)
    text = html(found)
    for anchor in SECTIONS:
        assert text.count(f'<section id="{anchor}"') == 1


def test_the_figures_are_those_of_the_evaluation(exported, measured):
    path, rows = exported
    scorer = TableScorer(path)
    training = owned_samples(Generated().sample_generator(), scorer.catalogue())
    baselines = LabelBaselines(training, scorer.label_above).scores
    evaluation = score_rows(scorer, rows, baselines=baselines).evaluation(
        frozenset(("model", "item mean"))
    )
    assert measured.labels.evaluation == evaluation
    qualities = measured.labels.qualities
    assert list(qualities) == [
        *("model", "popularity", "recent popularity"),
        *("item mean", "user + item mean", "item-kNN"),
    ]
    assert qualities["model"].auc.mean == pytest.approx(evaluation.metrics.auc, abs=1e-12)
    assert qualities["model"].log_loss.mean == pytest.approx(evaluation.metrics.log_loss)
    tiles = {tile.name: tile.value for tile in page(measured).tiles}
    assert tiles["AUC"] == f"{evaluation.metrics.auc:.3f}"


def test_what_is_near_stands_on_the_page_where_users_took_something_new(exported):
    path, rows = exported
    # In the others users meet again what they had, and what they had is in no list.
    had = {}
    for row in in_order(Generated().sample_generator()):
        had.setdefault(row.user_id, set()).add(row.item_id)
    catalogue = sorted(set().union(*had.values()))
    new = [
        Row(user, next(id_ for id_ in catalogue if id_ not in own), 4.0, rows[-1].timestamp + 1)
        for user, own in sorted(had.items())
    ]
    test = EvaluationRows(lambda: new, has_labels=False)
    found = measure(path, test, n_examples=0, with_times=False)
    assert anchors(page(found)) == ["training", "curve", "near", "map", "file", "audit"]
    assert found.next_items.n_users == len(had)
    lengths = np.linalg.norm(item_embedding(path), axis=1)
    # Sequences are of what was liked: who nobody liked has no vector, and row 0 has none.
    liked = {row.item_id for row in Generated().sample_generator() if row.label == 1}
    has_vector = [0.0, *(float(id_ in liked) for id_ in catalogue)]
    np.testing.assert_allclose(lengths, has_vector, rtol=1e-5)


def test_segments_hold_every_row_once(measured):
    labels = measured.labels
    for segments in (labels.by_history, labels.by_popularity):
        assert sum(one.n_samples for one in segments) == labels.n_rows == 500


def test_titles_stand_in_place_of_ids_and_are_escaped(measured):
    shown = {item for one in measured.examples for item, _ in one.newest}
    shown |= {place.item_id for one in measured.examples for place in one.recommended}
    text = html(page(measured))
    assert shown
    for item in shown:
        expected = f"item {item}" if item % 5 == 0 else f"Film &lt;{item}&gt;"
        assert f"<bdi>{expected}</bdi>" in text


def test_the_same_file_and_rows_give_the_same_bytes_without_times(exported):
    path, rows = exported

    def text():
        return html(page(measure(path, EvaluationRows(lambda: rows), with_times=False)))

    first = text()
    assert first == text()
    assert "95 of 100 within" not in first
    dated = html(page(measure(path, None, with_times=False), date="2026-01-31"))
    assert "2026-01-31" in dated


def test_without_rows_the_page_says_that_nothing_was_evaluated(exported):
    found = page(measure(exported[0], None, with_times=False))
    assert anchors(found) == ["training", "curve", "map", "file", "audit"]
    assert "It was not evaluated" in found.lead


def test_no_examples_where_none_are_wanted(exported):
    path, rows = exported
    found = measure(path, EvaluationRows(lambda: rows), n_examples=0, with_times=False)
    assert found.examples == ()
    assert "examples" not in anchors(page(found))


def test_the_audit_of_the_manifest_stands_on_the_page(exported, tmp_path):
    path = tmp_path / "audited.onnx"
    path.write_bytes(exported[0].read_bytes())
    manifest = json.loads(exported[0].with_suffix(".json").read_text())
    del manifest["checksum"]
    manifest["graph"]["file"] = path.name
    manifest["audit"] = [
        {"check": "future-events", "outcome": "passed", "looked_at": "9 samples", "figure": "0"},
        {"check": "item-features", "outcome": "not decidable", "looked_at": "too few items"},
    ]
    path.with_suffix(".json").write_text(json.dumps(manifest))
    found = page(measure(path, None, with_times=False))
    text = html(found)
    assert "✓ passed" in text and "9 samples. 0." in text and "not decidable" in text
    (tile,) = (tile for tile in found.tiles if tile.name == "leak audit")
    assert (tile.value, tile.note) == ("1 passed", "1 not decidable")


def test_the_page_says_how_the_best_of_the_catalogue_are_found(measured):
    def said(found):
        blocks = file_section(found).blocks
        return next(text for name, text in blocks[0].rows if name == "best of the catalogue")

    assert said(measured) == "every item is ranked"
    shortlist = {"n_items": 1000, "largest_k": 100, "recall_at_10": 0.9976, "n_users": 41}
    listed = dataclasses.replace(measured, manifest={**measured.manifest, "shortlist": shortlist})
    assert said(listed) == (
        "for up to 100, a list of 1,000 items is found by coarse scores and ranked; 99.8% of the "
        "ten best of all stand in it (41 users)"
    )


def test_purchases_are_ranked_and_shown_without_labels_to_tell_apart(tmp_path):
    path = tmp_path / "viewed.onnx"
    viewed_model().export(path)
    scorer = TableScorer(path)
    taken = [row for row in in_order(Viewed().sample_generator()) if row.value is not None]
    by_user = sorted(taken, key=lambda row: (row.user_id, row.timestamp))
    ranking = evaluate_catalogue(
        scorer, by_user, owned_items([], scorer.catalogue()), k=5, label_above=0.0
    )
    rows = EvaluationRows(lambda: taken, has_labels=False)
    measured = measure(path, rows, ranking=ranking, with_times=False)
    found = page(measured)
    assert anchors(found) == ["training", "curve", "ranking", "map", "examples", "file", "audit"]
    assert "NDCG@5" in [tile.name for tile in found.tiles]
    assert measured.examples and all(one.n_liked_later for one in measured.examples)
    # The same where it is seen only by the rows that all have one label.
    liked = EvaluationRows(lambda: taken, label_above=0.0)
    seen = measure(path, liked, ranking=ranking, n_examples=0, with_times=False)
    assert anchors(page(seen)) == ["training", "curve", "ranking", "map", "file", "audit"]
    with pytest.raises(OneClassError, match="rows have the label 1; AUC needs both"):
        measure(path, liked, n_examples=0, with_times=False)
