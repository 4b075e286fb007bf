import numpy as np
import pytest

from edgerec.errors import EvaluationError
from edgerec.evaluate.prequential import Row, evaluate_rows
from edgerec.scoring import TableScorer
from tests.trained import generated_model


class Recorder:
    """A scorer that notes what it is asked."""

    label_above = 3.5
    n_history = 2
    user_id_type = "int64"
    item_id_type = "int64"

    def __init__(self):
        self.asked = []

    def catalogue(self):
        return [1, 2, 3, 4, 5]

    def scores(self, user_id, item_ids, history, now, context=()):
        self.asked.append((user_id, list(item_ids), [one.item_id for one in history], now))
        return np.linspace(0.1, 0.9, len(item_ids), dtype=np.float32)


ROWS = [Row(7, 1, 5.0, 10), Row(7, 2, 1.0, 10), Row(8, 1, 5.0, 11), Row(7, 3, 5.0, 12)]


def test_rows_of_one_second_see_none_of_each_other():
    recorder = Recorder()
    evaluate_rows(recorder, ROWS)
    assert recorder.asked == [
        (7, [1, 2], [], 10),
        (8, [1], [], 11),
        (7, [3], [1, 2], 12),
    ]


def test_frozen_rows_never_join_a_history():
    recorder = Recorder()
    evaluate_rows(recorder, ROWS, frozen=True)
    assert [history for _, _, history, _ in recorder.asked] == [[], [], []]


def test_history_rows_join_when_they_are_strictly_earlier():
    recorder = Recorder()
    history = [Row(7, 4, 5.0, 9), Row(7, 5, 5.0, 10), Row(7, 99, 5.0, 11)]
    evaluate_rows(recorder, ROWS, history, frozen=True)
    # 5 is of the same second as the first rows; 99 is an item that the file does not know.
    assert [seen for _, _, seen, _ in recorder.asked] == [[4], [], [4, 5]]


def test_an_item_counts_once_and_the_newest_are_kept():
    recorder = Recorder()
    history = [Row(7, 1, 5.0, 1), Row(7, 2, 1.0, 2), Row(7, 1, 5.0, 3), Row(7, 3, 5.0, 4)]
    evaluate_rows(recorder, ROWS, history, frozen=True)
    assert recorder.asked[0][2] == [1, 3]


def test_a_row_without_a_value_is_a_negative_outside_of_histories():
    recorder = Recorder()
    rows = [Row(7, 1, None, 10), Row(7, 2, 5.0, 11), Row(7, 3, 5.0, 12)]
    evaluation = evaluate_rows(recorder, rows)
    assert [history for _, _, history, _ in recorder.asked] == [[], [], [2]]
    assert evaluation.metrics.n_samples == 3


def test_rows_out_of_order_are_refused_by_name():
    with pytest.raises(EvaluationError, match=r"test table yields user 7, item 1 at 9 after .* 10"):
        evaluate_rows(Recorder(), [Row(7, 2, 5.0, 10), Row(7, 1, 1.0, 9)])


def test_ids_of_another_kind_are_refused():
    with pytest.raises(EvaluationError, match="item id 'a' is no int64"):
        evaluate_rows(Recorder(), [Row(7, "a", 5.0, 10)])


def test_without_a_rule_one_must_be_given():
    recorder = Recorder()
    recorder.label_above = None
    with pytest.raises(EvaluationError, match="Give one with --label-above VALUE"):
        evaluate_rows(recorder, ROWS)
    assert evaluate_rows(recorder, ROWS, label_above=3.5).metrics.n_samples == 4


def test_the_scores_are_the_exported_files(tmp_path):
    model = generated_model()
    model.export(tmp_path / "toy.onnx")
    scorer = TableScorer(tmp_path / "toy.onnx")
    ranker = model.ranker
    assert scorer.catalogue()[0] in ranker.item_ids
    assert sorted(scorer.catalogue()) == ranker.item_ids.tolist()
    user, candidates = int(ranker.user_ids[0]), ranker.item_ids[:4].tolist()
    from edgerec.schema import Request

    now = ranker.facts.last_timestamp + 1
    expected = ranker.answer(Request(user_id=user, item_ids=candidates, now=now)).scores
    np.testing.assert_allclose(scorer.scores(user, candidates, [], now), expected, atol=1e-5)
