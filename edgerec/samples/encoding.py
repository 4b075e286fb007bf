"""Samples as records: each field is checked, and an error names the user and the item."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.context import Context
from edgerec.errors import SampleError, shown
from edgerec.ids import IdIndex
from edgerec.recsys import Sample
from edgerec.samples.spool import record_type

_NEVER: Final = -(2**63)
_NO_CONTEXT: Final = Context()
_LATEST: Final = 2**63 - 1


# They have a length and can be walked through, but what they hold has no order of fields.
_NO_SAMPLES: Final = (str, bytes, Mapping, Set)
# Weight and context may be left out.
_N_FIELDS: Final = {5, 6, 7}


def yielded(returned: object, method: str) -> Iterator[Sample]:
    """Return the iterator over what a generator method returned, unchecked.

    Raises
    ------
    SampleError
        It cannot be iterated over; the sentence names the method.

    >>> yielded(None, "sample_generator")
    Traceback (most recent call last):
    ...
    edgerec.errors.SampleError: sample_generator returned None; expected an iterator of ...
    """
    try:
        return iter(returned)  # type: ignore[call-overload, no-any-return]
    except TypeError:
        raise SampleError(
            f"{method} returned {shown(returned)}; expected an iterator of edgerec.Sample. Write "
            "`yield edgerec.Sample(…)` for each sample."
        ) from None


def whole_samples(returned: object, method: str) -> Iterator[Sample]:
    """Yield what a generator method returned one by one, and refuse what is no sample."""
    for one in yielded(returned, method):
        if _is_odd(one):
            raise _no_sample(one, method)
        yield Sample(*one)


def encode_samples(
    samples: Sequence[Sample], users: IdIndex, items: IdIndex, context: Context = _NO_CONTEXT
) -> NDArray[np.void]:
    """Check the samples and return them as records with the codes of their ids.

    Raises
    ------
    SampleError
        What came is no sample, or an id, a label, a value, a timestamp or a weight is not what it
        must be.
    """
    try:
        if any(issubclass(kind, _NO_SAMPLES) for kind in set(map(type, samples))):
            raise TypeError
        if not set(map(len, samples)) <= _N_FIELDS:
            raise TypeError
        if len(set(map(len, samples))) > 1:
            samples = [Sample(*one) for one in samples]
        # zip(*samples) would walk thousands of iterators at once, which takes ten times longer.
        user_ids, item_ids, labels, timestamps, values, *more = (
            list(map(itemgetter(column), samples)) for column in range(len(samples[0]))
        )
    except (TypeError, ValueError, LookupError):
        odd = next((one for one in samples if _is_odd(one)), samples[0])
        raise _no_sample(odd, "sample_generator") from None
    records = np.empty(len(samples), record_type(len(context)))
    records["user"] = users.encode(user_ids)
    records["item"] = items.encode(item_ids)

    def name(position: int) -> str:
        return f"user {user_ids[position]!r}, item {item_ids[position]!r}"

    records["label"] = label = _floats(labels, "label", name)
    wrong = np.flatnonzero((label != 0) & (label != 1))
    if len(wrong):
        raise SampleError(
            f"The label of {name(wrong[0])} is {labels[wrong[0]]!r}; a label must be 0 or 1. "
            "Turn the value into a label first, for example `float(rating > 3.5)`."
        )
    records["value"] = _values(values, name)
    records["timestamp"] = _moments(timestamps, name)
    records["weight"] = _weights(more[0], name) if more else 1.0
    stated = more[1] if len(more) > 1 else [()] * len(samples)
    if len(context):
        records["context"] = _contexts(stated, context, name)
    elif any(map(len, stated)):
        at = next(at for at, one in enumerate(stated) if len(one))
        raise SampleError(
            f"The sample of {name(at)} has the context {shown(stated[at])}, but no context is "
            "declared. Add a method get_context_defaults, which names its numbers."
        )
    return records


def _contexts(
    stated: Sequence[Sequence[float]], context: Context, name: Callable[[int], str]
) -> NDArray[np.float32]:
    """Return the numbers of each sample, the default for NaN: [len(stated), C]."""
    try:
        rows = np.array(stated, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        rows = np.zeros((0, 0), np.float32)
    if rows.shape != (len(stated), len(context)) or np.isinf(rows).any():
        at = next(at for at, one in enumerate(stated) if not _is_context(one, len(context)))
        raise SampleError(
            f"The context of {name(at)} is {shown(stated[at])}; it must be {len(context)} finite "
            f"numbers ({', '.join(context.names)}), NaN for what is not known."
        )
    return np.where(np.isnan(rows), context.defaults, rows)


def _is_context(one: object, width: int) -> bool:
    try:
        row = np.array(one, np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return row.shape == (width,) and bool((~(np.abs(row) > np.finfo(np.float32).max)).all())


def _is_odd(one: object) -> bool:
    # A database's row is no Sequence, but has its fields in order.
    return (
        isinstance(one, _NO_SAMPLES)
        or not isinstance(one, Iterable)
        or len(list(one)) not in _N_FIELDS
    )


def _no_sample(one: object, method: str) -> SampleError:
    return SampleError(
        f"{method} yielded {shown(one)}, which is no "
        "Sample(user_id, item_id, label, timestamp, value). Yield edgerec.Sample."
    )


def _values(values: Sequence[float | None], name: Callable[[int], str]) -> NDArray[np.float64]:
    """Return the values; NaN for None, which is a sampled negative."""
    value = _floats(values, "value", name)
    odd = ~(np.abs(value) <= np.finfo(np.float32).max)
    # NumPy reads None as NaN; only a NaN that somebody stated is wrong.
    wrong = [at for at in np.flatnonzero(odd).tolist() if values[at] is not None]
    if wrong:
        raise SampleError(
            f"The value of {name(wrong[0])} is {value[wrong[0]]}; it must be a finite "
            "float32, or None for a sampled negative. Leave such rows out or give them a value."
        )
    return value


def _weights(weights: Sequence[float], name: Callable[[int], str]) -> NDArray[np.float64]:
    weight = _floats(weights, "weight", name)
    wrong = np.flatnonzero(~((weight >= 0) & (weight <= np.finfo(np.float32).max)))
    if len(wrong):
        raise SampleError(
            f"The weight of {name(wrong[0])} is {weights[wrong[0]]!r}; it must be a finite float32 "
            "of 0 or more: how much the sample counts beside the others. Leave it out where they "
            "count alike; in edgerec.toml, label.weight names its column."
        )
    return weight


def _moments(timestamps: Sequence[int], name: Callable[[int], str]) -> NDArray[np.int64]:
    time = np.asarray(timestamps)
    if time.dtype == np.int64 and time.min() > _NEVER and time.max() < _LATEST:
        return time
    for position, moment in enumerate(timestamps):
        if not _is_moment(moment):
            raise SampleError(
                f"The timestamp of {name(position)} is {moment!r}; it must be an integer of Unix "
                "seconds. Convert it, for example `int(moment.timestamp())`."
            )
    return np.array([int(moment) for moment in timestamps], np.int64)


def _is_moment(moment: object) -> bool:
    if isinstance(moment, bool) or not isinstance(moment, int | np.integer):
        return False
    return _NEVER < int(moment) < _LATEST


def _floats(values: Sequence[object], what: str, name: Callable[[int], str]) -> NDArray[np.float64]:
    try:
        numbers = np.array(values, np.float64)
        if numbers.ndim == 1:
            return numbers
    except (TypeError, ValueError):
        pass
    odd = next(at for at, value in enumerate(values) if not _is_number(value))
    raise SampleError(
        f"The {what} of {name(odd)} is {values[odd]!r}; it must be a number. Convert it, for "
        "example `float(rating)`."
    )


def _is_number(value: object) -> bool:
    try:
        return np.array(value, np.float64).ndim == 0
    except (TypeError, ValueError):
        return False
