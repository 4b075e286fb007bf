"""The partial_fit loop: epochs over shuffled rows, early stopping, checkpoints, Ctrl-C."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from edgerec.config import TrainSettings
from edgerec.progress import Progress
from edgerec.training.network import Weights, fit_rows, score, set_learning_rate, weights_of
from edgerec.training.rows import TrainingRows

Array = NDArray[np.float32]
# Rows per partial_fit call: small enough that progress moves and Ctrl-C is heard at once.
_CALL_ROWS: Final = 16_384
# So many samples tell epochs apart; more users held out would be missing in training.
_ENOUGH_HELD_OUT: Final = 4_096
# By so much the AUC of so many samples goes up and down by chance from epoch to epoch. The learning
# rate falls all the while, so of epochs that are no farther apart the latest is the best: choosing
# the highest instead costs .0004 (AUC) and .0015 (GAUC) on validation cuts of MovieLens
# latest-small, mean over its splits T, R and U.
_CHANCE: Final = 1e-3


@dataclass(frozen=True)
class HeldOut:
    """Rows that are never fitted; they decide when to stop."""

    features: Array
    """[n, width]"""
    label: Array
    """[n]"""
    weight: Array | None = None
    """[n]; None: all count alike"""

    def area_under_curve(self, network: MLPClassifier, weights: Weights) -> float:
        """Return the weighted AUC, or NaN where what weighs anything has one label."""
        weight = self.weight
        counts = np.ones(len(self.label), bool) if weight is None else weight > 0
        label = self.label[counts]
        if not 0 < label.sum() < len(label):
            return float("nan")
        # Weights that are all the same would round the figure otherwise than none.
        given = None
        if weight is not None and (weight != weight[0]).any():
            given = weight.astype(np.float64)
        scores = score(network, weights, self.features)
        return float(roc_auc_score(self.label, scores, sample_weight=given))


def held_out_users(
    n_samples: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw the users whose samples decide when to stop: bool [n_users + 1], row 0 False.

    Parameters
    ----------
    n_samples : int64 [n_users + 1]
        Samples of each user row.
    share : float
        Of the users, how many at most; one at least, where there are two.

    >>> int(held_out_users(np.array([0, 5, 5, 5]), 0.1, np.random.default_rng(0)).sum())
    1
    """
    n_users = len(n_samples) - 1
    order = 1 + random.permutation(n_users)
    n_held_out = max(1, round(share * n_users)) if n_users > 1 else 0
    n_before = np.r_[0, n_samples[order].cumsum()[:-1]]
    is_held_out = np.zeros(n_users + 1, bool)
    is_held_out[order[:n_held_out][n_before[:n_held_out] < _ENOUGH_HELD_OUT]] = True
    return is_held_out


@dataclass
class Course:
    """How far training is."""

    epochs: list[dict[str, float]]
    """one per finished epoch: `held_out_auc`"""
    best_epoch: int
    """the latest whose held-out AUC is the highest, or below it by what may be chance"""
    best: Weights | None
    finished: bool = False

    def stale(self, patience: int) -> bool:
        """Say whether each of the last `patience` epochs was worse than one before."""
        return len(self.epochs) - self.best_epoch >= patience


def fit_network(
    network: MLPClassifier,
    rows: TrainingRows,
    held_out: HeldOut,
    course: Course,
    settings: TrainSettings,
    progress: Progress,
    checkpoint: Callable[[MLPClassifier, Course], None],
) -> None:
    """Fit epoch after epoch until the held-out AUC falls; keep the best in `course`.

    Parameters
    ----------
    network : MLPClassifier
        New, or restored from the checkpoint that `course` describes.
    checkpoint : callable
        Called after each epoch with the network and the course.

    Notes
    -----
    Ctrl-C ends the loop and keeps the best so far; before the first epoch is done there is no
    best, and the KeyboardInterrupt goes on to the caller. The order of the rows depends on
    `random_state` and on the number of the epoch alone, so that a resumed run takes the same
    steps as one that was never interrupted.
    """
    n_epochs = settings.network.max_epochs
    try:
        while len(course.epochs) < n_epochs and not course.stale(settings.network.patience):
            number = len(course.epochs)
            rate = _one_epoch(network, rows, number, settings, progress)
            weights = weights_of(network, rows.mean, rows.inverse_spread)
            auc = held_out.area_under_curve(network, weights)
            course.epochs.append({"held_out_auc": auc})
            best_so_far = max((one["held_out_auc"] for one in course.epochs[:-1]), default=-np.inf)
            # NaN (one label among the held out): nothing to compare by, so the last is kept.
            if course.best is None or not auc < best_so_far - _CHANCE:
                course.best, course.best_epoch = weights, number + 1
            progress.advance(rows.n_rows, rows.n_rows, f"held-out AUC {auc:.4f}, {rate}")
            progress.message(f"epoch {number + 1} of {n_epochs}: held-out AUC {auc:.4f}")
            checkpoint(network, course)
        course.finished = True
        checkpoint(network, course)
    except KeyboardInterrupt:
        if course.best is None:
            raise
        progress.message(
            f"interrupted in epoch {len(course.epochs) + 1}; keeping the weights of "
            f"epoch {course.best_epoch}. Train with resume (--resume) to go on."
        )


def _one_epoch(
    network: MLPClassifier,
    rows: TrainingRows,
    number: int,
    settings: TrainSettings,
    progress: Progress,
) -> str:
    """Fit every row once and return the speed, in words."""
    progress.stage(f"epoch {number + 1}")
    random = np.random.default_rng([settings.random_state, number])
    started, n_done, rate = time.perf_counter(), 0, ""
    for features, label, weight in rows.epoch(random, _CALL_ROWS):
        share = (number + n_done / rows.n_rows) / settings.network.max_epochs
        set_learning_rate(network, settings.network.learning_rate, share)
        fit_rows(network, features, label, settings.network.batch_size, weight)
        n_done += len(label)
        rate = f"{n_done / max(time.perf_counter() - started, 1e-9):,.0f} samples/s"
        progress.advance(n_done, rows.n_rows, rate)
    return rate
