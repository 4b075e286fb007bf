"""A static feature made of the labels is found out; an honest one, however strong, is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.audit.groups import Signal, group_sums
from edgerec.audit.report import Finding
from edgerec.audit.static import check_features
from edgerec.samples.spool import RECORD

N_USERS, N_ITEMS, N_ROWS = 500, 800, 12_000
SEEDS = range(6)


class World:
    """Ratings whose makings are known: qualities of items, biases of users, tastes and noise."""

    def __init__(self, seed: int) -> None:
        random = self.random = np.random.default_rng(seed)
        self.quality = np.r_[0, random.normal(0, 0.8, N_ITEMS)]
        self.bias = np.r_[0, random.normal(0, 0.6, N_USERS)]
        self.genre = np.r_[np.zeros((1, 8)), random.random((N_ITEMS, 8)) < 0.2]
        self.price = np.exp(0.7 * self.quality + random.normal(0, 0.4, N_ITEMS + 1))
        share = 1 / (np.arange(N_ITEMS) + 20.0)
        user = random.integers(1, N_USERS + 1, N_ROWS)
        item = 1 + random.choice(N_ITEMS, N_ROWS, p=share / share.sum())
        pair = np.unique(user * 10_000 + item)
        user, item = np.divmod(pair, 10_000)
        taste = random.normal(0, 0.4, (N_USERS + 1, 8))
        value = self.quality[item] + self.bias[user] + (taste[user] * self.genre[item]).sum(axis=1)
        value = 3.4 + 0.7 * value + random.normal(0, 0.7, len(user))
        self.rows = np.zeros(len(user), RECORD)
        self.rows["user"], self.rows["item"] = user, item
        self.rows["value"] = np.clip(np.round(2 * value) / 2, 0.5, 5)
        self.rows["label"] = self.rows["value"] > 3.5
        self.is_test = random.random(len(user)) < 0.2

    def mean(self, rows: NDArray[np.void], role: str, signal: str, shrunk: float = 0) -> np.ndarray:
        n = len(self.bias if role == "user" else self.quality)
        count = np.bincount(rows[role], minlength=n)
        total = np.bincount(rows[role], rows[signal], minlength=n)
        prior = rows[signal].mean()
        return (total + shrunk * prior) / np.maximum(count + shrunk, 1e-9)


def checked(
    rows: NDArray[np.void], role: str, *columns: np.ndarray, names: tuple[str, ...] = ()
) -> Finding:
    signals: tuple[Signal, ...] = ("label", "value")
    groups = {
        signal: group_sums(lambda: iter([rows]), N_USERS, N_ITEMS, signal, 0)[role]
        for signal in signals
    }
    return check_features(role, np.column_stack(columns).astype(np.float32), groups, names)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("role", ["user", "item"])
def test_means_over_all_rows_are_caught(role: str, seed: int) -> None:
    world = World(seed)
    train = world.rows[~world.is_test]
    everything = world.mean(world.rows, role, "label")
    for leak in (
        everything,
        world.mean(world.rows, role, "value"),
        world.mean(train, role, "value", shrunk=5),
        np.round(10 * everything) / 10,
        np.bincount(world.rows[role], world.rows["label"], minlength=len(everything)),
    ):
        finding = checked(train, role, world.random.random(len(leak)), leak)
        assert finding.outcome == "failed", finding
        assert finding.check == f"{role}-features"


@pytest.mark.parametrize("seed", SEEDS)
def test_honest_strong_features_pass(seed: int) -> None:
    world = World(seed)
    train = world.rows[~world.is_test]
    random = world.random
    quality, bias = world.quality, world.bias
    others = random.random(N_USERS + 1) < 0.5
    of_others = others[train["user"]]
    n = N_ITEMS + 1
    for honest in (quality, np.exp(2 * quality), quality > 0.8, world.price, random.random(n)):
        assert checked(train, "item", honest).outcome == "passed"
    assert checked(train, "item", quality, world.price, world.genre).outcome == "passed"
    for honest in (bias, np.digitize(bias, [-0.5, 0, 0.5]), random.random(N_USERS + 1)):
        assert checked(train, "user", honest).outcome == "passed"
    # What other users thought of an item is the strongest that can be known of it beforehand.
    known_before = world.mean(train[of_others], "item", "value", shrunk=3)
    assert checked(train[~of_others], "item", known_before).outcome == "passed"
    count = np.bincount(world.rows["item"], minlength=n)
    assert checked(train, "item", count, np.log1p(count)).outcome == "passed"


def test_the_sentence_names_the_feature_and_what_to_do():
    world = World(0)
    leak = world.mean(world.rows, "item", "label")
    finding = checked(world.rows, "item", world.price, leak)
    assert finding.looked_at == "2 features of 800 items"
    assert finding.advice.startswith(
        "Feature 1 of get_item_feature knows the chance in the labels of the items' own samples ("
    )
    assert finding.advice.endswith(
        "as a mean over all rows is. Compute it from rows before the first sample, or leave it "
        "out: training counts statistics itself, out of fold."
    )


def test_where_all_samples_have_one_label_that_is_the_reason():
    world = World(0)
    rows = world.rows.copy()
    rows["label"] = rows["value"] = 1
    finding = checked(rows, "item", world.price)
    assert finding.outcome == "not decidable"
    assert finding.figure == "all samples have one label and one value"
    assert "no item feature was computed from rows at or after the first sample" in finding.advice


def test_a_feature_that_has_a_name_is_called_by_it():
    world = World(0)
    leak = world.mean(world.rows, "item", "label")
    finding = checked(world.rows, "item", world.price, leak, names=("price", "mean_liked"))
    assert finding.figure.startswith("most by feature 'mean_liked': ")
    assert finding.advice.startswith("The item feature 'mean_liked' knows the chance in the ")


def test_a_leak_spread_over_columns_is_caught():
    world = World(1)
    leak = world.mean(world.rows, "item", "label")
    mask = world.random.normal(0, 3 * leak.std(), len(leak))
    assert checked(world.rows, "item", leak + mask).outcome == "passed"
    finding = checked(world.rows, "item", leak + mask, mask)
    assert finding.outcome == "failed"
    assert finding.advice.startswith("The item features together know")


def test_few_groups_and_balanced_labels_are_not_decidable():
    world = World(2)
    few = world.rows[world.rows["item"] <= 50]
    finding = checked(few, "item", world.quality)
    assert finding.outcome == "not decidable"
    assert finding.figure == "fewer than 60 items have two samples or more"
    balanced = world.rows.copy()
    order = np.argsort(balanced["user"], kind="stable")
    balanced["label"][order] = np.arange(len(order)) % 2
    balanced["value"] = np.nan
    finding = checked(balanced, "user", world.bias)
    assert finding.figure == "the labels of a user's samples balance one another"
    assert "See to it that no user feature was computed from rows" in finding.advice


def test_no_features_pass():
    finding = checked(World(3).rows, "user", np.zeros((N_USERS + 1, 0)))
    assert finding.outcome == "passed"
