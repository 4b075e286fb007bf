"""Which features the exported file lives on: permutation importance, through its own graph.

The graph is cut at its feature vector (`edgerec.export.probe`). The first half computes the
features of real questions; a group of columns is shuffled over the rows, all of the group in one
order, so that what belongs together stays together; the second half, the network as it ships,
scores the shuffled rows. What the AUC loses is what the file had from that group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.areas import area_under_curve
from edgerec.errors import EvaluationError
from edgerec.export.probe import FeatureProbe
from edgerec.features.history import USER_NAMES
from edgerec.features.vector import STATISTIC_NAMES
from edgerec.progress import Progress, Silent


@dataclass(frozen=True)
class FeatureGroup:
    """Columns of the feature vector that are shuffled together."""

    name: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Importance:
    """What the AUC loses when a group is shuffled."""

    name: str
    n_columns: int
    drop: float
    """mean over the repeats"""
    spread: float
    """standard deviation over the repeats"""


def feature_groups(names: Sequence[str]) -> list[FeatureGroup]:
    """Return the groups that a feature vector has: static ones first, then the history's.

    >>> [one.name for one in feature_groups(["item_0", "item_mean_value", "log_count"])]
    ['item features', 'item statistics', 'history: the user', 'all history']

    Where the file holds products of static features instead, these are the group.

    >>> feature_groups(["item_product_0", "item_product_1"])
    [FeatureGroup(name='item features', columns=(0, 1))]
    """
    of_group: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        for group in _groups_of(name):
            of_group.setdefault(group, []).append(column)
    return [
        FeatureGroup(name, tuple(of_group[name]))
        for name in (
            *("user features", "item features", "item statistics"),
            *("history: the user", "history: the candidate", "all history"),
        )
        if name in of_group
    ]


def _groups_of(name: str) -> tuple[str, ...]:
    side, _, number = name.replace("_product_", "_").partition("_")
    if side in ("user", "item") and number.isdigit():
        return (f"{side} features",)
    if name in STATISTIC_NAMES:
        return ("item statistics",)
    return ("all history", f"history: the {'user' if name in USER_NAMES else 'candidate'}")


def single_columns(names: Sequence[str]) -> list[FeatureGroup]:
    """Return each column as a group of its own."""
    return [FeatureGroup(name, (column,)) for column, name in enumerate(names)]


def permutation_importance(
    probe: FeatureProbe,
    features: NDArray[np.float32],
    label: NDArray[np.float64],
    groups: Sequence[FeatureGroup],
    *,
    n_repeats: int = 5,
    random_state: int = 0,
    progress: Progress | None = None,
) -> list[Importance]:
    """Shuffle each group `n_repeats` times and measure what the AUC loses.

    Parameters
    ----------
    features : float32 [n, width]
        As `FeatureProbe.see` answered.
    label : [n]

    Returns
    -------
    list of Importance
        In the order of the groups. Groups that say the same cover for each other: both then lose
        little.

    Raises
    ------
    EvaluationError
        All rows have one label.

    References
    ----------
    Breiman 2001, "Random forests", section 10. By groups: Gregorutti, Michel and Saint-Pierre
    2015, "Grouped variable importance with random forests".
    """
    if not 0 < label.sum() < len(label):
        raise EvaluationError(
            f"All {len(label)} rows have one label; importance by AUC needs both. Check the test "
            "table and the label rule."
        )
    progress = progress or Silent()
    progress.stage("importance")
    whole = area_under_curve(label, probe.scores(features))
    found = []
    for number, group in enumerate(groups):
        columns = list(group.columns)
        drops = []
        for repeat in range(n_repeats):
            order = np.random.default_rng([random_state, repeat]).permutation(len(label))
            shuffled = features.copy()
            shuffled[:, columns] = features[order][:, columns]
            drops.append(whole - area_under_curve(label, probe.scores(shuffled)))
        found.append(
            Importance(group.name, len(columns), float(np.mean(drops)), float(np.std(drops)))
        )
        progress.advance(number + 1, len(groups))
    return found
