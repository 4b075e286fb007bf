"""The walk over test users: what is asked, what is left out, what counts as relevant."""

import numpy as np
import pytest

from edgerec.errors import EvaluationError
from edgerec.evaluate.catalogue import evaluate_catalogue
from edgerec.evaluate.owned import owned_items
from edgerec.evaluate.prequential import Row
from edgerec.schema import Request
from edgerec.scoring import TableScorer
from edgerec.source import InteractionChunk
from tests.trained import generated_model, interactions

CATALOGUE = [1, 2, 3, 4, 5]


class Recorder:
    """A scorer that notes what it is asked, and ranks by id."""

    label_above = None
    n_history = 2
    objective = "samples"
    user_id_type = "int64"
    item_id_type = "int64"

    def __init__(self):
        self.asked = []

    def top(self, user_id, history, now, exclude, k, context=()):
        self.asked.append((user_id, [one.item_id for one in history], now, sorted(exclude)))
        return [item for item in CATALOGUE if item not in exclude][:k]


def owned(rows, catalogue=CATALOGUE):
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    chunk = InteractionChunk(users, items, np.ones(len(rows)), times)
    return owned_items([chunk], catalogue)


TRAIN = [(7, 3, 1), (7, 1, 2), (7, 2, 5), (8, 5, 1)]
TEST = [Row(7, 4, 1.0, 5), Row(7, 4, 1.0, 6), Row(7, 1, 1.0, 7), Row(9, 77, 1.0, 3)]


def test_a_list_is_made_before_the_first_test_row_and_without_what_the_user_had():
    recorder = Recorder()
    found = evaluate_catalogue(recorder, TEST, owned(TRAIN), k=2, baselines=[])
    # Item 2 is of the same second as the first test row: left out, but no history.
    assert recorder.asked == [(7, [3, 1], 5, [1, 2, 3]), (9, [], 3, [])]
    assert found.user_ids == [7, 9]
    # User 7: item 4 alone is relevant, and first. User 9: his item is not in the catalogue.
    assert found.metrics["model"].per_user["ndcg"].tolist() == [1.0, 0.0]
    assert found.metrics["model"].per_user["recall"].tolist() == [1.0, 0.0]
    assert found.n_cold == 1
    assert "items had in training are left out" in found.protocol


def test_rows_of_the_same_second_are_history_where_asked_for():
    recorder = Recorder()
    found = evaluate_catalogue(recorder, TEST, owned(TRAIN), k=2, same_second=True, baselines=[])
    assert recorder.asked[0] == (7, [1, 2], 6, [1, 2, 3])
    assert "first test row, rows of its second included" in found.protocol


def test_repeats_are_allowed_and_relevant():
    recorder = Recorder()
    found = evaluate_catalogue(recorder, TEST, owned(TRAIN), k=2, repeats=True, baselines=[])
    assert [exclude for *_, exclude in recorder.asked] == [[], []]
    # Items 1 and 2 are on top; 1 and 4 are relevant.
    assert found.metrics["model"].per_user["recall"].tolist() == [0.5, 0.0]


def test_users_without_a_relevant_item_are_counted():
    rows = [Row(7, 4, 1.0, 5), Row(8, 5, 1.0, 5)]
    found = evaluate_catalogue(Recorder(), rows, owned(TRAIN), k=2, baselines=[])
    assert (found.user_ids, found.n_users_skipped) == ([7], 1)


def test_no_relevant_item_at_all_is_a_sentence():
    with pytest.raises(EvaluationError, match=r"None of 1 test users has a relevant.*--repeats"):
        evaluate_catalogue(Recorder(), [Row(8, 5, 1.0, 5)], owned(TRAIN), k=2, baselines=[])


def test_the_label_rule_decides_what_is_relevant():
    rows = [Row(7, 4, 2.0, 5), Row(7, 5, 4.0, 5)]
    found = evaluate_catalogue(Recorder(), rows, owned(TRAIN), k=1, label_above=3.5, baselines=[])
    assert found.metrics["model"].per_user["recall"].tolist() == [0.0]


def test_more_than_n_history_items_are_left_out():
    train = [(7, item, item) for item in (1, 2, 3, 4)]
    recorder = Recorder()
    evaluate_catalogue(recorder, [Row(7, 5, 1.0, 9)], owned(train), k=2, baselines=[])
    assert recorder.asked == [(7, [3, 4], 9, [1, 2, 3, 4])]


def test_equal_scores_of_a_baseline_stand_in_the_order_of_the_catalogue():
    class Level:
        name = "level"

        def scores(self, history):
            return np.array([1.0, 2.0, 1.0, 1.0, 0.0])

    found = evaluate_catalogue(
        Recorder(), [Row(9, 3, 1.0, 3)], owned(TRAIN), k=3, baselines=[Level()]
    )
    # 2, then 1, 3 and 4 alike: the third place is item 3's.
    assert found.metrics["level"].per_user["mrr"].tolist() == [pytest.approx(1 / 3)]


def test_the_file_ranks_as_training_does(tmp_path):
    model = generated_model()
    model.export(tmp_path / "model.onnx")
    scorer = TableScorer(tmp_path / "model.onnx")
    data = interactions()
    order = np.lexsort((data.timestamps, data.user_ids))
    users, items, times = (each[order] for each in (data.user_ids, data.item_ids, data.timestamps))
    kept = np.arange(len(users)) % 2 == 0
    chunk = InteractionChunk(users[kept], items[kept], data.values[order][kept], times[kept])
    had = owned_items([chunk], scorer.catalogue())
    test = [
        Row(user, item, 5.0, time)
        for user, item, time in zip(
            users[~kept].tolist(), items[~kept].tolist(), times[~kept].tolist(), strict=True
        )
    ]
    found = evaluate_catalogue(scorer, test, had, k=5)
    assert list(found.metrics) == [
        "model",
        "popularity",
        "recent popularity",
        "item mean",
        "item-kNN, cosine",
        "item-kNN, bm25",
    ]
    for place, user in enumerate(found.user_ids[:10]):
        first = min(row.timestamp for row in test if row.user_id == user)
        history = had.history(user, first, scorer.n_history)
        own = {had.catalogue[item] for item in had.of(user)}
        answer = model.ranker.answer(
            Request(
                user_id=user,
                history=tuple(one.item_id for one in history),
                history_values=tuple(one.value for one in history),
                history_times=tuple(one.timestamp for one in history),
                now=first,
            )
        )
        ranked = [item for item in answer.top_ids.tolist() if item not in own]
        wanted = {row.item_id for row in test if row.user_id == user} - own
        hits = [item in wanted for item in ranked[:5]]
        assert found.metrics["model"].per_user["recall"][place] == sum(hits) / len(wanted)
