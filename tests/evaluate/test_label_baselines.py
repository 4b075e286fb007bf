"""Baselines of rows against a loop over all training rows, written the other way round."""

import numpy as np
import pytest

from edgerec.evaluate.baselines import ItemNeighbours
from edgerec.evaluate.label_baselines import LabelBaselines
from edgerec.evaluate.owned import OwnedItems, owned_items, owned_samples
from edgerec.evaluate.prequential import Question, Row
from edgerec.recsys import Interaction, Sample
from edgerec.source import InteractionChunk

CATALOGUE = [10, 11, 12, 13, 14]
ABOVE = 3.0
NAMES = ["popularity", "recent popularity", "item mean", "user + item mean", "item-kNN"]


def rows(seed: int) -> list[tuple[int, int, float, int]]:
    """(user, item, value, time) by user and time; item 99 is not in the catalogue."""
    random = np.random.default_rng(seed)
    found = []
    for user in range(12):
        items = random.permutation([*CATALOGUE, 99])[: random.integers(2, 6)]
        for time, item in enumerate(items.tolist()):
            found.append((user, item, float(random.integers(1, 6)), 10 * time + user))
    return found


def owned(train: list[tuple[int, int, float, int]]) -> OwnedItems:
    users, items, values, times = (np.array(one) for one in zip(*train, strict=True))
    chunk = InteractionChunk(users, items, values.astype(float), times)
    return owned_items([chunk], CATALOGUE)


def asked(user: int, items: list[int], at: int, history: tuple = ()) -> Question:
    return Question(0, [Row(user, item, 5.0, at) for item in items], list(history), at)


def by_hand(train: list, user: int, item: int, at: int, later: dict[int, float]) -> dict:
    known = [row for row in train if row[1] in CATALOGUE]
    prior = np.mean([value > ABOVE for _, _, value, _ in known])

    def rate(item: int) -> float:
        own = [value > ABOVE for _, other, value, _ in known if other == item]
        return (sum(own) + 5 * prior) / (len(own) + 5)

    had = {row[1]: float(row[2] > ABOVE) for row in known if row[0] == user and row[3] < at}
    had.update(later)
    tendency = sum(label - rate(other) for other, label in had.items()) / (len(had) + 5)
    who = {one: {row[0] for row in known if row[1] == one} for one in CATALOGUE}
    total = weights = 0.0
    for other, label in had.items():
        if item not in who or other == item or not who[item] or not who[other]:
            continue
        cosine = len(who[item] & who[other]) / np.sqrt(len(who[item]) * len(who[other]))
        if cosine > 0:
            weights += cosine
            total += cosine * (label - rate(other) - tendency)
    cut = np.quantile([row[3] for row in train], 0.9)
    recent = {row[0] for row in known if row[1] == item and row[3] >= cut}
    expected = (rate(item) if item in who else prior) + tendency
    return {
        "popularity": len(who.get(item, ())),
        "recent popularity": len(recent),
        "item mean": expected - tendency,
        "user + item mean": expected,
        "item-kNN": expected + total / (weights + 1),
    }


@pytest.mark.parametrize("seed", range(5))
def test_every_baseline_is_what_a_loop_says(seed: int) -> None:
    train = rows(seed)
    baselines = LabelBaselines(owned(train), ABOVE)
    for user in (0, 3, 7, 50):
        for at in (5, 25, 1000):
            later = (Interaction(12, 5.0, at - 1), Interaction(13, 1.0, at - 1))
            for history in ((), later):
                question = asked(user, [10, 12, 14, 77], at, history)
                found = baselines.scores(question)
                assert list(found) == NAMES
                labels = {one.item_id: float(one.value > ABOVE) for one in history}
                for place, item in enumerate(question.item_ids):
                    expected = by_hand(train, user, item, at, labels)
                    for name, scores in found.items():
                        assert scores[place] == pytest.approx(expected[name]), (name, item)


def test_what_comes_at_the_moment_or_later_is_not_used() -> None:
    train = rows(1)
    baselines = LabelBaselines(owned(train), ABOVE)
    own = [row for row in train if row[0] == 3]
    at = own[1][3]
    before = baselines.scores(asked(3, CATALOGUE, at))
    # Other values from that moment on change what others know of items, and not this user's part.
    changed = [(u, i, 6 - v if u == 3 and t >= at else v, t) for u, i, v, t in train]
    moved = baselines_with_rates_of(baselines, changed).scores(asked(3, CATALOGUE, at))
    for name in NAMES:
        np.testing.assert_array_equal(before[name], moved[name])


def baselines_with_rates_of(baselines: LabelBaselines, train: list) -> LabelBaselines:
    """The same counts of items, other histories: what is left to see is the user's part."""
    other = LabelBaselines(owned(train), ABOVE)
    other._rate = baselines._rate
    return other


def test_samples_give_what_the_table_gives_whoever_comes_first() -> None:
    train = rows(2)
    by_time = sorted(train, key=lambda row: row[3])
    drawn = Sample(0, 10, 0.0, 500)
    samples = [Sample(u, i, float(v > ABOVE), t, v) for u, i, v, t in by_time]
    found = owned_samples([*samples, drawn], CATALOGUE)
    table = owned(train)
    assert found.n_users == table.n_users
    for user in range(12):
        np.testing.assert_array_equal(found.of(user, 60), table.of(user, 60))
        for own, same in zip(found.stated(user, 60), table.stated(user, 60), strict=True):
            np.testing.assert_array_equal(own, same)


def test_without_a_rule_what_the_items_of_the_history_are_alike_counts() -> None:
    train = rows(3)
    baselines = LabelBaselines(owned(train), None)
    history = (Interaction(12, 1.0, 4), Interaction(99, 1.0, 4))
    found = baselines.scores(asked(50, [10, 12, 14, 77], 1000, history))
    assert list(found) == ["popularity", "recent popularity", "item-kNN"]
    neighbours = ItemNeighbours(owned(train), "cosine").scores(np.array([2], np.int32))
    np.testing.assert_allclose(found["item-kNN"], [*neighbours[[0, 2, 4]], 0.0])
    assert not baselines.scores(asked(50, CATALOGUE, 1000))["item-kNN"].any()
