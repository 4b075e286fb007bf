"""Parity of similar items: what is asked, and when two lists are the same."""

from collections.abc import Sequence

import numpy as np

from edgerec.recsys import Id
from edgerec.schema import NOT_STATED, TOLERANCE, Answer, Request


def similar_requests(
    items: Sequence[Id], nothing_and_padding: Sequence[Id], high: float
) -> list[Request]:
    """Return adversarial requests for what is similar to `items`, ten of them or more.

    `nothing_and_padding` are an id that was not in training and the padding id.
    """
    nothing, padding = nothing_and_padding
    return [
        Request(name="similar to one", history=items[:1], k=-10, item_ids=items),
        Request(
            name="similar to a sum",
            item_ids=[*items, nothing, padding],
            history=[items[6], nothing, items[7], padding, items[8]],
            history_values=[high, 1.0, -1.0, -1.0],
            exclude=items[:2],
            k=-3,
        ),
        Request(
            name="similar to what cancels out",
            item_ids=items[:6],
            history=[items[6], items[7], items[6], items[7]],
            history_values=[1.0, 1.0, -1.0, -1.0],
            k=NOT_STATED,
        ),
        Request(name="similar in the catalogue", history=items[6:7], k=-10),
    ]


def similar_difference(expected: Answer, came: Answer) -> float:
    """Return the largest difference of cosines; infinite where the lists differ in kind."""
    if expected.similarities.shape != came.similarities.shape or not _same_similar(expected, came):
        return float("inf")
    return float(np.abs(expected.similarities - came.similarities).max(initial=0))


def _same_similar(expected: Answer, came: Answer) -> bool:
    """Return whether both list the same items, but for nearly equal ones that swap at the end."""
    last = expected.similarities[-1:] + 2 * TOLERANCE
    for one, other in ((expected, came), (came, expected)):
        clear = one.similar_positions[one.similarities > last]
        if not np.isin(clear, other.similar_positions).all():
            return False
    return len(set(came.similar_positions.tolist())) == len(came.similar_positions)
