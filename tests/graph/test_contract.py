"""The graph answers what the ranker computes, whatever is asked (docs/bundle-format.md)."""

import os
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgerec.export.answer_difference import difference
from edgerec.export.bundle import graph_bytes
from edgerec.export.manifest import stable_part
from edgerec.export.parity import GraphSession
from edgerec.export.rounding import rounded
from edgerec.export_settings import ExportSettings
from edgerec.ids import padding_id
from edgerec.schema import NOT_STATED, Answer, Request
from tests.trained import enormous_model, generated_model, neighbours_model, viewed_model

# What is drawn: of each kind so many, many more before a release (`make requests`).
N_REQUESTS = int(os.environ.get("EDGEREC_N_REQUESTS", "150"))
HASHED = ExportSettings(n_encoded_ids=0)
HALF = ExportSettings(precision="fp16")
RANKERS = {
    "integers": lambda: generated_model().ranker,
    "strings": lambda: generated_model(strings=True).ranker,
    "implicit": lambda: viewed_model().ranker,
    "hashed": lambda: enormous_model().ranker,
    "half floats": lambda: rounded(generated_model().ranker, "fp16"),
    "neighbours": lambda: neighbours_model().ranker,
}
KINDS = tuple(RANKERS)
SETTINGS_OF = {"hashed": HASHED, "half floats": HALF}


@cache
def session(kind):
    ranker = RANKERS[kind]()
    chosen = SETTINGS_OF.get(kind, ExportSettings())
    return GraphSession(graph_bytes(ranker, stable_part(ranker, "test", chosen), chosen), ranker)


@st.composite
def requests(draw, kind):
    ranker = RANKERS[kind]()
    known = ranker.item_ids.tolist()
    if ranker.item_id_type == "int64":
        extreme = [2**63 - 1, -(2**63) + 1, 2**53 + 1, -7, 0]
        users = [*ranker.user_ids.tolist(), 2**63 - 1, -1, None]
    else:
        extreme = ["nobody knows", "🎬", "item", " "]
        users = [*ranker.user_ids.tolist(), "🎬", None]
    padding = padding_id(ranker.item_id_type)
    item = st.one_of(st.sampled_from(known), st.sampled_from([*extreme, padding]))
    first, last = ranker.facts.first_timestamp, ranker.facts.last_timestamp
    time = st.one_of(st.just(NOT_STATED), st.integers(first - 5, last + 5))
    # As float32, since that is what the graph is given.
    value = st.floats(width=32)
    return Request(
        user_id=draw(st.sampled_from(users)),
        item_ids=draw(st.lists(item, max_size=30)),
        history=draw(st.lists(item, max_size=20)),
        history_values=draw(st.lists(value, max_size=22)),
        history_times=draw(st.lists(time, max_size=22)),
        now=draw(time),
        exclude=draw(st.lists(item, max_size=6)),
        k=draw(st.integers(-2, 40)),
    )


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=N_REQUESTS, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_has_the_rankers_answer(kind, data):
    request = data.draw(requests(kind))
    expected, came = RANKERS[kind]().answer(request), session(kind).answer(request)
    assert difference(expected, came) <= 1e-5


def ask(request, kind="integers") -> Answer:
    return session(kind).answer(request)


def items(count):
    return RANKERS["integers"]().item_ids[:count].tolist()


def test_no_candidates_rank_the_whole_catalogue_ids_ascending():
    answer = ask(Request(k=3))
    ranker = RANKERS["integers"]()
    assert len(answer.scores) == len(ranker.item_ids)
    assert answer.top_ids.tolist() == ranker.item_ids[answer.top_positions].tolist()
    assert len(answer.top_ids) == 3
    assert answer.known.all()


def test_padding_changes_nothing():
    padding = padding_id("int64")
    plain = Request(item_ids=items(4), history=items(2), history_values=[5.0, 1.0], k=2)
    padded = Request(
        item_ids=[*items(2), padding, *items(4)[2:], padding],
        history=[padding, *items(2)],
        history_values=[3.0, 5.0, 1.0],
        exclude=[padding, padding],
        k=2,
    )
    np.testing.assert_array_equal(ask(plain).scores, ask(padded).scores)
    np.testing.assert_array_equal(ask(plain).top_ids, ask(padded).top_ids)


def test_k_is_cut_to_what_is_not_excluded():
    answer = ask(Request(item_ids=items(5), exclude=items(2), k=100))
    assert sorted(answer.top_ids.tolist()) == items(5)[2:]
    assert len(ask(Request(item_ids=items(5), exclude=items(5))).top_ids) == 0
    assert len(ask(Request(item_ids=items(5), k=0)).top_ids) == 5


def test_unknown_items_are_scored_alike_and_can_be_excluded():
    answer = ask(Request(item_ids=[-5, items(1)[0], -6], exclude=[-6]))
    assert answer.known.tolist() == [False, True, False]
    assert answer.scores[0] == answer.scores[2]
    assert -6 not in answer.top_ids
    assert -5 in answer.top_ids


def test_equal_scores_keep_the_lower_position_first():
    answer = ask(Request(item_ids=[-5, -6, -7], k=2))
    assert answer.top_positions.tolist() == [0, 1]


def test_what_a_user_just_did_moves_the_scores():
    before = ask(Request(item_ids=items(6)))
    after = ask(Request(item_ids=items(6), history=items(6)[:1], history_values=[0.5]))
    assert np.abs(before.scores - after.scores).max() > 1e-4


def test_nothing_at_or_after_now_counts():
    ranker = RANKERS["integers"]()
    now = ranker.facts.last_timestamp + 100
    seen = Request(item_ids=items(5), now=now)
    later = Request(
        item_ids=items(5),
        now=now,
        history=items(9)[6:],
        history_values=[5.0, 5.0, 0.5],
        history_times=[now, now + 1, now + 2],
    )
    np.testing.assert_array_equal(ask(seen).scores, ask(later).scores)


def test_what_the_file_knows_is_cut_at_now_too():
    ranker = RANKERS["integers"]()
    user = ranker.user_ids[0].item()
    at_the_start = Request(user_id=user, item_ids=items(5), now=ranker.facts.first_timestamp)
    # Static features of a user stay; the toy's are a number, so compare with his twin's.
    twin = ranker.user_ids[2].item()
    other = Request(user_id=twin, item_ids=items(5), now=ranker.facts.first_timestamp)
    assert user % 2 == twin % 2
    np.testing.assert_array_equal(ask(at_the_start).scores, ask(other).scores)


def test_a_repeated_item_counts_once_with_its_last_value():
    item, other = items(8)[6:]
    twice = Request(item_ids=items(5), history=[item, other, item], history_values=[0.5, 3.0, 5.0])
    once = Request(item_ids=items(5), history=[other, item], history_values=[3.0, 5.0])
    np.testing.assert_allclose(ask(twice).scores, ask(once).scores, atol=1e-6)


def test_only_the_newest_n_history_count():
    ranker = RANKERS["integers"]()
    n = ranker.settings.n_history
    many = ranker.item_ids[: n + 3].tolist()
    values = [5.0] * 3 + [2.0] * n
    long = Request(item_ids=items(5), history=many, history_values=values)
    short = Request(item_ids=items(5), history=many[3:], history_values=values[3:])
    np.testing.assert_allclose(ask(long).scores, ask(short).scores, atol=1e-6)
