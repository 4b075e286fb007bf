"""Means over all rows of MovieLens are found on every split, what others thought is not."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.audit.groups import Signal, group_sums
from edgerec.audit.report import Finding
from edgerec.audit.static import check_features
from edgerec.samples.spool import RECORD

FOLDER = Path(os.environ.get("EDGEREC_DATA", "")) / "ml-latest-small"
pytestmark = pytest.mark.skipif(
    "EDGEREC_DATA" not in os.environ or not (FOLDER / "splits.npz").is_file(),
    reason="EDGEREC_DATA names no folder with MovieLens and its splits.npz",
)
OTHER = {"user": "item", "item": "user"}


@pytest.fixture(scope="module")
def ratings() -> NDArray[np.void]:
    with (FOLDER / "ratings.csv").open() as file:
        found = np.array([[float(field) for field in row] for row in list(csv.reader(file))[1:]])
    found = found[np.lexsort((found[:, 1], found[:, 0], found[:, 3]))]
    rows = np.zeros(len(found), RECORD)
    for place, role in enumerate(("user", "item")):
        rows[role] = np.unique(found[:, place], return_inverse=True)[1] + 1
    rows["value"], rows["label"] = found[:, 2], found[:, 2] > 3.5
    return rows


def mean(rows: NDArray[np.void], role: str, n: int) -> NDArray[np.float64]:
    count = np.bincount(rows[role], minlength=n)
    return np.bincount(rows[role], rows["value"], minlength=n) / np.maximum(count, 1)


def checked(rows: NDArray[np.void], role: str, feature: NDArray[np.float64]) -> Finding:
    n_users, n_items = int(rows["user"].max()), int(rows["item"].max())
    signals: tuple[Signal, ...] = ("label", "value")
    groups = {
        signal: group_sums(lambda: iter([rows]), n_users, n_items, signal, 0)[role]
        for signal in signals
    }
    n = 1 + {"user": n_users, "item": n_items}[role]
    return check_features(role, feature[:n, None].astype(np.float32), groups)


@pytest.mark.parametrize("split", ["T", "R", "U", "G"])
@pytest.mark.parametrize("role", ["user", "item"])
def test_means(ratings: NDArray[np.void], role: str, split: str) -> None:
    with np.load(FOLDER / "splits.npz") as masks:
        train = ratings[~masks[split]]
    n = 1 + int(ratings[role].max())
    assert checked(train, role, mean(ratings, role, n)).outcome == "failed"
    others = np.random.default_rng(0).random(1 + int(ratings[OTHER[role]].max())) < 0.5
    is_other = others[train[OTHER[role]]]
    assert checked(train[~is_other], role, mean(train[is_other], role, n)).outcome == "passed"
