import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.statistics import NEVER_SEEN, ItemStatistics
from edgerec.features.tables import KnownHistories
from edgerec.features.taste.tables import no_taste
from edgerec.features.vector import FeatureTables
from edgerec.ids import IdType, id_array, padding_id
from edgerec.recsys import Id
from edgerec.schema import Answer, Request
from edgerec.training import ranker as ranker_module
from edgerec.training.network import Weights
from edgerec.training.ranker import Ranker, TrainingFacts

ITEMS = [10, 20, 30, 40]
ITEM_LOGIT = np.float32([0.5, 2, -1, 3, 2])
"""of the unknown item, then of each item; 10 and 40 tie"""
COUNT_WEIGHT, VALUE_WEIGHT, USER_WEIGHT = 0.25, 0.125, 1.0


def as_id(item_id: int, id_type: IdType) -> Id:
    return item_id if id_type == "int64" else f"i{item_id}"


def a_ranker(id_type: IdType = "int64", n_history: int = 3) -> Ranker:
    """Scores are the sigmoid of: the item's logit, plus the user's, plus a quarter of log(1 + the
    number of items in the history), plus an eighth of its mean value, shrunk towards 0.
    """
    n_items = len(ITEMS)
    nothing, zero = np.zeros((1, n_items + 1), np.float32), np.zeros(1, np.float32)
    never = np.full((1, n_items + 1), NEVER_SEEN)
    tables = FeatureTables(
        user_features=np.float32([[0], [-1], [1]]),
        item_features=ITEM_LOGIT[:, None],
        content=np.zeros((n_items + 1, 1), np.float32),
        scales=np.zeros((n_items + 1, 0), np.float32),
        kinds=np.zeros((n_items + 1, 1), np.float32),
        embedding=np.zeros((1, n_items + 1, 2), np.float32),
        audience=np.zeros((1, n_items + 1, 2), np.float32),
        statistics=ItemStatistics(nothing, nothing, nothing, never, zero, zero, zero),
        taste=no_taste(n_items),
        label_above=3.0,
        value_range=(1.0, 5.0),
    )
    names = tables.names()
    # Two hidden units hold the positive and the negative part of the logit.
    direction = np.zeros(len(names), np.float32)
    direction[names.index("user_0")] = USER_WEIGHT
    direction[names.index("item_0")] = 1
    direction[names.index("log_count")] = COUNT_WEIGHT
    direction[names.index("mean_value")] = VALUE_WEIGHT
    return Ranker(
        settings=TrainSettings(n_history=n_history),
        user_ids=id_array([as_id(1, id_type), as_id(2, id_type)], id_type),
        item_ids=id_array([as_id(item, id_type) for item in ITEMS], id_type),
        user_id_type=id_type,
        item_id_type=id_type,
        tables=tables,
        # User 1 has rated 10 with 2 and 20 with 4; of user 2 nothing is known.
        known=KnownHistories(
            offsets=np.array([0, 0, 2, 2]),
            rows=np.array([1, 2]),
            values=np.float32([2, 4]),
            times=np.array([100, 200]),
        ),
        embedding_fit_of_user=np.zeros(3, np.int64),
        weights=Weights(
            coefficients=(
                np.stack([direction, -direction], axis=1),
                np.float32([[1], [-1]]),
            ),
            intercepts=(np.zeros(2, np.float32), np.zeros(1, np.float32)),
            mean=np.zeros(len(names), np.float32),
            inverse_spread=np.ones(len(names), np.float32),
        ),
        facts=TrainingFacts(0, 0, 0, 0, 200, "", {}),
    )


def scores_of(
    logits: Any, user: float = 0.0, history: dict[int, float | None] | None = None
) -> NDArray[np.float64]:
    """What the ranker must answer; `history`: item to value, None: not stated."""
    history = history or {}
    stated = [value for value in history.values() if value is not None]
    logit = (
        np.asarray(logits, np.float64)
        + user
        + COUNT_WEIGHT * np.log1p(len(history))
        + VALUE_WEIGHT * sum(stated) / (len(stated) + 4)
    )
    return 1 / (1 + np.exp(-logit))


def answer(id_type: IdType = "int64", n_history: int = 3, **request: Any) -> Answer:
    """Ask with integers, whichever kind of ids the model has."""
    for name in ("item_ids", "history", "exclude"):
        request[name] = [
            padding_id(id_type) if id_ is None else as_id(id_, id_type)
            for id_ in request.get(name, ())
        ]
    if "user_id" in request:
        request["user_id"] = as_id(request["user_id"], id_type)
    return a_ranker(id_type, n_history).answer(Request(**request))


def history_of(answered: Answer, logit: float = 0.5) -> float:
    """The part of the logit that the history added to the only candidate, an unknown one."""
    (score,) = answered.scores.astype(np.float64)
    return float(np.log(score / (1 - score))) - logit


def added(values: list[float | None]) -> Any:
    history = dict(enumerate(values))
    (score,) = scores_of([0.0], history=history)
    return pytest.approx(np.log(score / (1 - score)), abs=1e-5)


BOTH_KINDS = pytest.mark.parametrize("id_type", ["int64", "string"])
UNKNOWN = 99


@BOTH_KINDS
def test_candidates_are_scored_in_their_order(id_type: IdType) -> None:
    answered = answer(id_type, item_ids=[30, UNKNOWN, 10, 30])
    np.testing.assert_allclose(answered.scores, scores_of([3, 0.5, 2, 3]), rtol=1e-5)
    assert answered.scores.dtype == np.float32
    assert answered.known.tolist() == [True, False, True, True]
    assert answered.top_positions.tolist() == [0, 3, 2, 1]
    assert answered.top_ids.tolist() == [as_id(item, id_type) for item in (30, 30, 10, UNKNOWN)]
    np.testing.assert_array_equal(answered.top_scores, answered.scores[[0, 3, 2, 1]])


@BOTH_KINDS
@pytest.mark.parametrize("item_ids", [[], [None], [None, None]])
def test_no_candidate_means_the_catalogue_ids_ascending(
    item_ids: list[None], id_type: IdType
) -> None:
    answered = answer(id_type, item_ids=item_ids)
    np.testing.assert_allclose(answered.scores, scores_of(ITEM_LOGIT[1:]), rtol=1e-5)
    assert answered.known.all()
    # 10 and 40 tie: the lower position first.
    assert answered.top_positions.tolist() == [2, 0, 3, 1]
    assert answered.top_ids.tolist() == [as_id(item, id_type) for item in (30, 10, 40, 20)]


@BOTH_KINDS
def test_padding_is_dropped_from_every_list(id_type: IdType) -> None:
    plain = answer(id_type, item_ids=[20, 30], history=[10], history_values=[5.0], exclude=[20])
    padded = answer(
        id_type,
        item_ids=[None, 20, None, 30],
        history=[None, 10, None],
        history_values=[1.0, 5.0, 1.0],
        exclude=[None, 20],
    )
    for name in ("scores", "known", "top_positions", "top_ids", "top_scores"):
        np.testing.assert_array_equal(getattr(padded, name), getattr(plain, name))


@pytest.mark.parametrize(
    ("k", "positions"),
    [(0, [2, 0, 3, 1]), (-5, [2, 0, 3, 1]), (1, [2]), (3, [2, 0, 3]), (100, [2, 0, 3, 1])],
)
def test_the_best_k_are_returned(k: int, positions: list[int]) -> None:
    answered = answer(k=k)
    assert answered.top_positions.tolist() == positions
    assert len(answered.scores) == 4


@BOTH_KINDS
def test_what_is_excluded_is_scored_but_never_at_the_top(id_type: IdType) -> None:
    answered = answer(id_type, item_ids=[30, UNKNOWN, 10, 30], exclude=[30, 77], k=5)
    np.testing.assert_allclose(answered.scores, scores_of([3, 0.5, 2, 3]), rtol=1e-5)
    assert answered.top_positions.tolist() == [2, 1]
    assert answer(id_type, item_ids=[UNKNOWN, 10], exclude=[UNKNOWN]).top_positions.tolist() == [1]
    everything = answer(id_type, exclude=ITEMS)
    assert everything.top_positions.tolist() == everything.top_ids.tolist() == []
    assert len(everything.scores) == 4


@BOTH_KINDS
def test_a_user_brings_his_features_and_what_the_file_knows_of_him(id_type: IdType) -> None:
    warm = answer(id_type, user_id=1)
    expected = scores_of(ITEM_LOGIT[1:], user=-1, history={10: 2, 20: 4})
    np.testing.assert_allclose(warm.scores, expected, rtol=1e-5)
    without_history = answer(id_type, user_id=2)
    np.testing.assert_allclose(without_history.scores, scores_of(ITEM_LOGIT[1:], 1), rtol=1e-5)
    for request in ({"user_id": 3}, {}):
        unknown = answer(id_type, **request)
        np.testing.assert_allclose(unknown.scores, scores_of(ITEM_LOGIT[1:]), rtol=1e-5)


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        ({"history": [10, 20], "history_values": [1.0, 4.0]}, [1, 4]),
        # Unknown items are dropped.
        ({"history": [UNKNOWN, 10], "history_values": [5.0, 1.0]}, [1]),
        ({"history": [10, 20, 30, UNKNOWN], "history_values": [5.0, 1.0, 2.0, 3.0]}, [5, 1, 2]),
        # An item counts once, with its last value.
        ({"history": [10, 20, 10], "history_values": [1.0, 4.0, 5.0]}, [4, 5]),
        # The last value is "not stated": it counts, but says nothing.
        ({"history": [10, 10], "history_values": [5.0]}, [None]),
        # The newest three are kept.
        ({"history": [10, 20, 30, 40], "history_values": [5.0, 1.0, 1.0, 2.0]}, [1, 1, 2]),
        # An item that repeats does not push another out.
        ({"history": [10, 20, 20, 30], "history_values": [5.0, 1.0, 1.0, 2.0]}, [5, 1, 2]),
        # Values that are missing are not stated; too many are cut.
        ({"history": [10, 20], "history_values": [5.0]}, [5, None]),
        ({"history": [10], "history_values": [5.0, 1.0, 1.0]}, [5]),
        ({"history": [10, 20], "history_values": [float("nan"), 3.0]}, [None, 3]),
        # Values beyond those of training are cut to them.
        ({"history": [10, 20], "history_values": [-9.0, 9.0]}, [1, 5]),
    ],
)
def test_the_effective_history(stated: dict[str, Any], values: list[float | None]) -> None:
    assert history_of(answer(item_ids=[UNKNOWN], **stated)) == added(values)


@pytest.mark.parametrize(
    ("now", "values"),
    [
        (-(2**63), [1, 2, 3]),  # not stated: nothing is too late
        (1000, [1, 2, 3]),
        (301, [1, 2, 3]),
        (300, [1, 2]),  # strictly earlier alone
        (100, [1]),
        (-(2**62), [1]),  # what has no time is never too late
    ],
)
def test_now_cuts_what_is_not_strictly_earlier(now: int, values: list[float | None]) -> None:
    answered = answer(
        item_ids=[UNKNOWN],
        history=[10, 20, 30],
        history_values=[1.0, 2.0, 3.0],
        history_times=[-(2**63), 100, 300],
        now=now,
    )
    assert history_of(answered) == added(values)


@pytest.mark.parametrize(
    ("now", "history"),
    [(-(2**63), {10: 2, 20: 4}), (200, {10: 2}), (100, {}), (201, {10: 2, 20: 4})],
)
def test_now_cuts_what_the_file_knows_too(now: int, history: dict[int, float | None]) -> None:
    answered = answer(user_id=1, now=now)
    expected = scores_of(ITEM_LOGIT[1:], user=-1, history=history)
    np.testing.assert_allclose(answered.scores, expected, rtol=1e-5)


def test_the_history_of_the_file_comes_before_that_of_the_request():
    # 10 is repeated, with another value; with two places 20 is pushed out by 30.
    answered = answer(
        n_history=2, user_id=1, item_ids=[UNKNOWN], history=[10, 30], history_values=[5.0, 1.0]
    )
    assert history_of(answered, logit=0.5 - 1) == added([5, 1])


def test_times_that_are_missing_are_not_stated():
    answered = answer(
        item_ids=[UNKNOWN],
        history=[10, 20],
        history_values=[1.0, 2.0],
        history_times=[500],
        now=300,
    )
    assert history_of(answered) == added([2])


def test_the_catalogue_is_scored_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answer(user_id=1)
    monkeypatch.setattr(ranker_module, "_CANDIDATE_CHUNK", 3)
    np.testing.assert_allclose(answer(user_id=1).scores, whole.scores, rtol=1e-6)


def test_a_copy_has_other_fields_and_its_own_network():
    ranker = a_ranker()
    before = ranker.answer(Request()).scores
    weights = dataclasses.replace(
        ranker.weights, intercepts=(np.zeros(2, np.float32), np.ones(1, np.float32))
    )
    changed = ranker.replaced(weights=weights)
    assert (changed.answer(Request()).scores > before).all()
    np.testing.assert_array_equal(ranker.answer(Request()).scores, before)
