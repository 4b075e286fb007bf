"""Histories that a RecSys tells by itself, in `get_user_behavior`, checked before they are used."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import SampleError, shown
from edgerec.ids import require_kind, rows_of
from edgerec.recsys import Interaction, UserBehavior
from edgerec.samples.history import newest_distinct
from edgerec.samples.intake import Intake

_WANTED: Final = "edgerec.Interaction(item_id, value, timestamp)"
# They can be walked through, but what they hold has no order of fields.
_NO_ROWS: Final = (str, bytes, Mapping, Set)
_LIMIT: Final = 2**63
_LARGEST: Final = float(np.finfo(np.float32).max)


def asked_history(
    rec_sys: UserBehavior, intake: Intake, user: int, as_of: int, n_history: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Ask `get_user_behavior` for one user: item rows, values and times, oldest first.

    Raises
    ------
    SampleError
        What came is no list of interactions, a value or a timestamp is not what it must be, an
        interaction is at or after `as_of`, or out of order; the sentence names the call.
    """
    user_id = intake.user_ids[user - 1]
    user_id = int(user_id) if intake.user_id_type == "int64" else user_id
    call = f"get_user_behavior({user_id!r}, as_of={as_of})"
    asked = _interactions(rec_sys.get_user_behavior(user_id, as_of, n_history), call)
    _check_times(asked, as_of, call)
    item_ids = [interaction.item_id for interaction in asked]
    require_kind(item_ids, intake.item_id_type, call)
    item = rows_of(item_ids, intake.item_ids)
    value = np.array([_value(one, call) for one in asked], np.float32)
    time = np.array([one.timestamp for one in asked], np.int64)
    known = np.flatnonzero(item > 0)
    kept = known[np.sort(newest_distinct(item[known], n_history))]
    return item[kept], value[kept], time[kept]


def _interactions(returned: object, call: str) -> list[Interaction]:
    if not isinstance(returned, Iterable) or isinstance(returned, _NO_ROWS):
        raise SampleError(
            f"{call} returned {shown(returned)}; expected a list of {_WANTED}, oldest first. "
            "Return [] where there is no history."
        )
    interactions = []
    for one in returned:
        # A row of a database is as good as an Interaction where it has the same three fields.
        fields = () if isinstance(one, _NO_ROWS) or not isinstance(one, Iterable) else tuple(one)
        if len(fields) != 3:
            raise SampleError(
                f"{call} returned {shown(one)} in its list; expected {_WANTED}. An id alone does "
                "not say when: return its value (None: not stated) and its Unix seconds with it."
            )
        interactions.append(Interaction(*fields))
    return interactions


def _check_times(asked: Sequence[Interaction], as_of: int, call: str) -> None:
    previous = None
    for interaction in asked:
        moment = interaction.timestamp
        wrong = _what_is_wrong(moment, as_of, previous)
        if wrong:
            raise SampleError(
                f"{call} returned item {interaction.item_id!r} at {shown(moment)}{wrong}"
            )
        previous = moment


def _what_is_wrong(moment: object, as_of: int, previous: int | None) -> str:
    if isinstance(moment, bool) or not isinstance(moment, int | np.integer):
        return (
            "; a timestamp must be an integer of Unix seconds. Convert it, for example "
            "`int(moment.timestamp())`."
        )
    if moment >= as_of:
        return (
            "; only interactions strictly before as_of may stand in a history. Compare with `<` "
            "and not with `<=`."
        )
    if moment < -_LIMIT:
        return "; a timestamp must fit into 64 bits. Correct it."
    if previous is not None and moment < previous:
        return f" after one at {previous}; return the oldest first."
    return ""


def _value(interaction: Interaction, call: str) -> float:
    """Return the value, NaN where none is stated."""
    value: object = interaction.value
    if value is None:
        return float("nan")
    try:
        number = float(value)  # type: ignore[arg-type]
        if not isinstance(value, str | bytes) and not abs(number) > _LARGEST:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise SampleError(
        f"{call} returned item {interaction.item_id!r} with the value {shown(value)}; it must be "
        "a finite number, or None where none is stated. Convert it, for example `float(rating)`."
    )
