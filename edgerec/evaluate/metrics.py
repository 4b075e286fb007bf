"""AUC, GAUC, log loss and calibration error."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from edgerec.errors import EvaluationError, OneClassError
from edgerec.evaluate.calibration import calibration


@dataclass(frozen=True)
class Metrics:
    """How well scores tell the labels apart."""

    auc: float
    """pooled over all samples"""
    gauc: float
    """mean of the users' AUC, weighted by their samples; users of one class are skipped"""
    log_loss: float
    """mean negative log likelihood, natural logarithm"""
    calibration_error: float
    """mean |score - share of label 1| over ten bins of equal counts, weighted by their samples"""
    n_samples: int
    n_users: int
    n_users_skipped: int
    """users whose samples have one class, for whom no AUC is defined"""


def grouped_auc(
    label: NDArray[np.float64], score: NDArray[np.float64], user: NDArray[np.int64]
) -> tuple[float, int, int]:
    """Return GAUC, the number of users and of users skipped.

    Parameters
    ----------
    label, score, user : [n]
        `user` is any code per user.

    Returns
    -------
    tuple
        GAUC is NaN where every user is skipped.

    References
    ----------
    Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 6.3.

    >>> grouped_auc(np.array([0., 1., 1.]), np.array([.1, .9, .5]), np.array([7, 7, 8]))
    (1.0, 2, 1)
    """
    order = np.argsort(user, kind="stable")
    label, score, user = label[order], score[order], user[order]
    bounds = np.flatnonzero(np.r_[True, user[1:] != user[:-1], True])
    total = weight = 0.0
    n_skipped = 0
    for start, end in pairwise(bounds.tolist()):
        n, n_positive = end - start, label[start:end].sum()
        if not 0 < n_positive < n:
            n_skipped += 1
            continue
        # Mann-Whitney: the rank sum of the positives; equal scores share their rank.
        ranks = rankdata(score[start:end])[label[start:end] == 1].sum()
        area = (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * (n - n_positive))
        total += area * n
        weight += n
    return (float(total / weight) if weight else float("nan")), len(bounds) - 1, n_skipped


def compute_metrics(
    label: NDArray[np.float64], score: NDArray[np.float64], user: NDArray[np.int64]
) -> Metrics:
    """Compute all metrics of [n] samples.

    Raises
    ------
    EvaluationError
        No sample.
    OneClassError
        Labels of one class.
    """
    if not len(label):
        raise EvaluationError("There is no row to evaluate on. Check the test table.")
    if not 0 < label.sum() < len(label):
        raise OneClassError(
            f"All {len(label)} rows have the label {int(label[0])}; AUC needs both. "
            + (
                "Where the table holds only what was taken, rank the whole catalogue instead: "
                "--top 10. Otherwise check the label rule (--label-above)."
                if label[0]
                else "Check the label rule (--label-above) or add rows of the other kind."
            )
        )
    gauc, n_users, n_skipped = grouped_auc(label, score, user)
    return Metrics(
        auc=float(roc_auc_score(label, score)),
        gauc=gauc,
        log_loss=float(sklearn_log_loss(label, np.clip(score, 1e-7, 1 - 1e-7))),
        calibration_error=calibration(label, score).expected_error,
        n_samples=len(label),
        n_users=n_users,
        n_users_skipped=n_skipped,
    )
