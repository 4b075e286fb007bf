"""Labels of rows and what one score or several made of them, and the metrics of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgerec.evaluate.metrics import Metrics, compute_metrics
from edgerec.evaluate.row_quality import RowQuality, row_qualities


@dataclass(frozen=True)
class Evaluation:
    """Metrics and the protocol they were measured by."""

    protocol: str
    metrics: Metrics
    compared: Mapping[str, RowQuality] = field(default_factory=dict)
    """by name, "model" first, each on the same rows; empty: nothing was compared"""


@dataclass(frozen=True)
class ScoredRows:
    """Rows with the scores of one model or of several, in the order of questions."""

    protocol: str
    label: NDArray[np.float64]
    user: NDArray[np.int64]
    """[n]: a code per user"""
    scores: Mapping[str, NDArray[np.float64]]
    """by name, "model" first: [n]"""

    def evaluation(
        self, probabilities: frozenset[str] = frozenset(("model",)), random_state: int = 0
    ) -> Evaluation:
        """Compute the metrics, and where there are several scores compare them.

        Parameters
        ----------
        probabilities : frozenset of str
            Names of the scores that are probabilities, and so have a log loss.
        random_state : int
            Of the draws of users.

        Raises
        ------
        EvaluationError
            There is no row, or one class alone.
        """
        metrics = compute_metrics(self.label, self.scores["model"], self.user)
        if len(self.scores) == 1:
            return Evaluation(self.protocol, metrics)
        return Evaluation(self.protocol, metrics, self.qualities(probabilities, random_state))

    def qualities(self, probabilities: frozenset[str], random_state: int) -> dict[str, RowQuality]:
        """Return how good each score is, with intervals; the parameters of `evaluation`."""
        return row_qualities(
            self.label,
            self.scores,
            self.user,
            probabilities=probabilities,
            random_state=random_state,
        )
