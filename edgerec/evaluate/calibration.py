"""Calibration: whether what the model calls 70 % happens seven times out of ten."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import EvaluationError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationBin:
    """Samples whose scores lie beside each other."""

    mean_score: float
    """what the model says"""
    observed_rate: float
    """share of label 1"""
    n_samples: int


@dataclass(frozen=True)
class Calibration:
    """Reliability of the scores as probabilities."""

    bins: tuple[CalibrationBin, ...]
    """in order of the score, of equal counts but for one sample"""
    expected_error: float
    """expected calibration error: mean of |mean score - observed rate|, weighted by samples"""


def calibration(label: Array, score: Array, n_bins: int = 10) -> Calibration:
    """Compare scores with what happened, in bins of equal counts.

    Parameters
    ----------
    label, score : [n]
    n_bins : int
        At most; there are no more bins than samples. Equal scores stay in one bin, so that the
        order of the samples does not matter, and bins may then be fewer and larger.

    Raises
    ------
    EvaluationError
        There is no sample.

    References
    ----------
    Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian
    binning". Equal counts instead of equal widths: Nixon et al. 2019, "Measuring calibration in
    deep learning".

    >>> found = calibration(np.array([0., 1., 1., 1.]), np.array([.1, .3, .75, .75]), 2)
    >>> round(found.expected_error, 3)
    0.275
    """
    if not len(label):
        raise EvaluationError("There is no row to calibrate on. Check the test table.")
    order = np.argsort(score, kind="stable")
    label, score = label[order], score[order]
    wanted = np.linspace(0, len(label), min(n_bins, len(label)) + 1).round().astype(np.int64)
    # A bin ends behind the last sample of its score.
    ends = np.searchsorted(score, score[wanted[1:] - 1], side="right")
    bounds = np.unique(np.r_[0, ends])
    count = np.diff(bounds)
    mean_score = np.add.reduceat(score, bounds[:-1]) / count
    rate = np.add.reduceat(label, bounds[:-1]) / count
    bins = tuple(
        CalibrationBin(float(said), float(was), int(n))
        for said, was, n in zip(mean_score, rate, count, strict=True)
    )
    return Calibration(bins, float(np.abs(mean_score - rate) @ count / len(label)))
