"""How far two answers to one request are apart, where near-ties may stand in another order."""

import numpy as np

from edgerec.export.parity_similar import similar_difference
from edgerec.schema import Answer


def difference(expected: Answer, came: Answer) -> float:
    """Return the largest difference of scores; infinite where the answers differ in kind.

    Ranked lists are compared by their scores and by what stands behind each position: items
    whose scores are nearly the same may swap.
    """
    if expected.scores.shape != came.scores.shape or not np.isfinite(came.scores).all():
        return float("inf")
    if not np.array_equal(expected.known, came.known):
        return float("inf")
    positions = came.top_positions
    if expected.top_scores.shape != came.top_scores.shape:
        return float("inf")
    if not len(came.scores):
        return _list_difference(expected, came)
    if len(set(positions.tolist())) != len(positions):
        return float("inf")
    if not np.array_equal(came.scores[positions], came.top_scores):
        return float("inf")
    pairs = (
        (expected.scores, came.scores),
        (expected.top_scores, came.top_scores),
        (expected.scores[positions], came.top_scores),
    )
    apart = [float(np.abs(left - right).max(initial=0)) for left, right in pairs]
    return max(*apart, similar_difference(expected, came))


def _list_difference(expected: Answer, came: Answer) -> float:
    """Compare lists that stand alone: an item's score is known where it stands in the other."""
    if not np.isfinite(came.top_scores).all():
        return float("inf")
    if len(set(came.top_positions.tolist())) != len(came.top_positions):
        return float("inf")
    theirs = dict(zip(expected.top_ids.tolist(), expected.top_scores.tolist(), strict=True))
    # What stands in one list alone is at the end of both, where scores are nearly the same.
    last = float(expected.top_scores[-1]) if len(expected.top_scores) else 0.0
    of_same = np.array([theirs.get(id_, last) for id_ in came.top_ids.tolist()], np.float32)
    pairs = (expected.top_scores, of_same)
    return max(float(np.abs(one - came.top_scores).max(initial=0)) for one in pairs)
