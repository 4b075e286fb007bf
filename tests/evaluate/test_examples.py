"""Example users: nothing later than the moment is seen, and what became of it is told right."""

import pytest

from edgerec.evaluate.examples import example_users
from edgerec.evaluate.prequential import Row
from edgerec.export.probe import FeatureProbe
from edgerec.scoring import TableScorer
from tests.trained import Generated, generated_model


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "generated.onnx"
    generated_model().export(path)
    samples = sorted(Generated().sample_generator(), key=lambda one: one.timestamp)
    every = [Row(one.user_id, one.item_id, one.value, one.timestamp) for one in samples]
    scorer = TableScorer(path)
    examples = example_users(
        scorer, FeatureProbe(path), lambda: every[-600:], lambda: (), n_examples=5
    )
    return examples, every, scorer


def test_histories_hold_what_was_strictly_earlier(found):
    examples, every, scorer = found
    assert len(examples) == 5
    for one in examples:
        own = [row for row in every if row.user_id == one.user_id and row.timestamp < one.as_of]
        newest: dict = {}
        for row in reversed(own):
            newest.setdefault(row.item_id, row.value)
        expected = list(newest.items())[: scorer.n_history]
        assert one.n_history == len(expected)
        assert list(one.newest) == expected[:8]


def test_lists_leave_the_history_out_and_say_what_became_of_each_item(found):
    examples, every, _ = found
    for one in examples:
        later = {
            row.item_id: float(row.value > 3.5)
            for row in every[-600:]
            if row.user_id == one.user_id and row.timestamp >= one.as_of
        }
        assert len(one.recommended) == 10
        assert not {place.item_id for place in one.recommended} & {item for item, _ in one.newest}
        scores = [place.score for place in one.recommended]
        assert scores == sorted(scores, reverse=True)
        assert [place.became for place in one.recommended] == [
            later.get(place.item_id) for place in one.recommended
        ]
        assert one.n_liked_later == sum(later.values()) > 0


def test_they_go_from_short_to_long_histories(found):
    lengths = [one.n_history for one in found[0]]
    assert lengths == sorted(lengths)
