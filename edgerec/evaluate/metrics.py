"""AUC, GAUC, log loss and calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from edgerec.areas import grouped_auc
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
                "`edgerec evaluate` with --top 10. Otherwise check the label rule (--label-above)."
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
