"""Whether get_user_behavior keeps to the moment that it is asked about."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from edgerec.audit.held_out import id_at
from edgerec.errors import SampleError
from edgerec.recsys import UserBehavior
from edgerec.samples.asked_history import asked_history
from edgerec.samples.intake import Intake

# Nobody did anything a century before the first sample.
_CENTURY: Final = 100 * 365 * 86_400
_EARLIEST: Final = -(2**62)
# With fewer questions that could tell, equal answers may be chance.
_LEAST_QUESTIONS: Final = 5


class Question(NamedTuple):
    """A sample whose history get_user_behavior is asked for."""

    user: int
    """row"""
    as_of: int
    later: frozenset[int]
    """item rows of samples at or after `as_of` that no earlier sample near it has"""


def behavior_fault(
    rec_sys: UserBehavior, intake: Intake, questions: Sequence[Question], n_history: int
) -> str | None:
    """Return a sentence of what is wrong; None: nothing was found."""
    long_ago = max(intake.first_timestamp - _CENTURY, _EARLIEST)
    n_open = n_ahead = 0
    try:
        for user, as_of, later in questions:
            item, _, time = asked_history(rec_sys, intake, user, long_ago, n_history)
            if len(item):
                return (
                    f"get_user_behavior({id_at(intake.user_ids, user)!r}, as_of={long_ago}) "
                    f"returned item {id_at(intake.item_ids, int(item[0]))!r} at {time[0]}, a "
                    "century before the first sample. Return what the user did strictly before "
                    "as_of, with the times at which he did it, in Unix seconds."
                )
            now, _, _ = asked_history(rec_sys, intake, user, as_of, n_history)
            end, _, _ = asked_history(rec_sys, intake, user, intake.last_timestamp + 1, n_history)
            # Times may be stated wrongly, but then the answer is the same whenever it is given.
            if not later.isdisjoint(end.tolist()):
                n_open += 1
                n_ahead += np.array_equal(now, end)
    except SampleError as error:
        # Training checks each answer so; here it is done before anything takes long.
        return str(error)
    if n_ahead == n_open >= _LEAST_QUESTIONS:
        return (
            f"get_user_behavior answers all of {n_open} questions as it does at the end of the "
            "data, with items that their users met at or after as_of. Return what the user did "
            "strictly before as_of, with its time in Unix seconds."
        )
    return None
