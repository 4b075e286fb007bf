"""Turn what callers have into the tensors of the contract, never rounding or wrapping silently."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError, shown

PADDING: dict[str, int | str] = {"int64": -(2**63), "string": ""}
DTYPES: dict[str, Any] = {
    "int64": np.int64,
    "string": object,
    "float32": np.float32,
    "bool": np.bool_,
}

_NOT_STATED = -(2**63)
_MAX_FLOAT32 = 3.4028234e38
_IDS = "the ids as they are in the training data"
_TIMES = {
    "history_times": "whole Unix seconds, one for each item of the history",
    "now": "whole Unix seconds",
}


def neutral_values(bundle: Bundle) -> dict[str, NDArray[Any]]:
    """Return what to pass for each input that the caller does not know.

    Parameters
    ----------
    bundle : Bundle
        Says of which types the ids are.

    Returns
    -------
    dict of str to ndarray
        The nine inputs of the contract.
    """
    types = bundle.tensor_types({"user": "user", "item": "item"})
    user = np.array([PADDING[types["user"]]], dtype=DTYPES[types["user"]])
    item = np.array([PADDING[types["item"]]], dtype=DTYPES[types["item"]])
    return {
        "user_id": user,
        "item_ids": item[:0],
        "history": item,
        "history_values": np.array([np.nan], dtype=np.float32),
        "history_times": np.array([_NOT_STATED], dtype=np.int64),
        "now": np.array([_NOT_STATED], dtype=np.int64),
        "exclude": item,
        "context": np.array(list(bundle.context.values()), dtype=np.float32),
        "k": np.zeros(1, dtype=np.int64),
    }


def ids_tensor(name: str, ids: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Return ids, or times, as a tensor.

    Parameters
    ----------
    name : str
        Of the list, for messages.
    ids : array-like of shape (N,)
        Integers or strings.
    dtype : type
        ``numpy.int64`` or ``object``, which stands for strings.

    Returns
    -------
    ndarray of shape (N,)
        Of that dtype.

    Raises
    ------
    RequestError
        An id is of another type, or an integer outside int64.

    Examples
    --------
    >>> ids_tensor("item_ids", [1, 2], np.int64)
    array([1, 2])
    >>> ids_tensor("item_ids", [1.5], np.int64)
    Traceback (most recent call last):
    ...
    device_runtime.errors.RequestError: item_ids: expected a list of integers ...
    """
    if dtype is object:
        return _strings(name, ids)
    try:
        array = np.asarray(ids)
    except ValueError:  # Lists of unequal length.
        array = np.empty((0, 0))
    if array.ndim == 1:
        if array.dtype == np.int64:
            return array
        # An unsigned id above the range is still above it as an integer of Python.
        if not array.size or (array.dtype.kind in "iu" and int(array.max()) < 2**63):
            return array.astype(np.int64)
    raise RequestError(
        f"{name}: expected a list of integers from -2**63 to 2**63-1, got {shown(ids)} (as "
        f"{array.dtype}); send {_TIMES.get(name, _IDS)}"
    )


def _strings(name: str, ids: ArrayLike) -> NDArray[Any]:
    texts = ids.tolist() if isinstance(ids, np.ndarray) else ids
    # ONNX Runtime would print whatever is not a string, and cannot pass on a lone surrogate.
    if isinstance(texts, list | tuple) and set(map(type, texts)) <= {str}:
        try:
            "".join(texts).encode()
        except UnicodeEncodeError:
            pass
        else:
            # Objects, not a fixed width: that would lose a NUL at the end.
            return np.array(texts, dtype=object)
    raise RequestError(
        f"{name}: expected a list of strings of Unicode text, got {shown(ids)}; send {_IDS}"
    )


def values_tensor(values: ArrayLike) -> NDArray[np.float32]:
    """Return the values of a history as a tensor.

    Parameters
    ----------
    values : array-like of float of shape (H,)
        NaN or None: not stated.

    Returns
    -------
    ndarray of float32 of shape (H,)
        The same.

    Raises
    ------
    RequestError
        A value is no number, infinite, or too large for float32.

    Examples
    --------
    >>> values_tensor([4.5, None])
    array([4.5, nan], dtype=float32)
    """
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        array = np.empty((0, 0), dtype=np.float32)
    if array.ndim != 1 or np.isinf(array).any():
        raise RequestError(
            f"history_values: expected a list of finite numbers (NaN: not stated), got "
            f"{shown(values)}; send one number for each item of the history"
        )
    return array


def context_tensor(
    stated: Mapping[str, float | None] | Sequence[float | None] | ArrayLike,
    defaults: Mapping[str, float],
) -> NDArray[np.float32]:
    """Return the context of a request as a tensor.

    Parameters
    ----------
    stated : mapping of str to float, or array-like of float
        By name, or in the order of the bundle; what is left out, None or NaN is the default.
    defaults : mapping of str to float
        Of the bundle.

    Returns
    -------
    ndarray of float32 of shape (len(defaults),)
        One number for each name.

    Raises
    ------
    RequestError
        A name is unknown, there are more numbers than names, or one is no finite number.

    Examples
    --------
    >>> context_tensor({"hour": 9}, {"hour": 12.0, "is_phone": 0.5})
    array([9. , 0.5], dtype=float32)
    >>> context_tensor({"hours": 9}, {"hour": 12.0})
    Traceback (most recent call last):
    ...
    device_runtime.errors.RequestError: context: 'hours' is no name of it; the names are hour
    """
    names = list(defaults)
    if not isinstance(stated, Mapping):
        listed = stated.tolist() if isinstance(stated, np.ndarray) else stated
        if not isinstance(listed, list | tuple) or len(listed) > len(names):
            order = f"{{name: number}}, or numbers in this order: {', '.join(names)}"
            raise RequestError(
                f"context: expected at most {len(names)} numbers, got {shown(listed)}; "
                + (f"send {order}" if names else "leave it out: this model has no context")
            )
        stated = dict(zip(names, listed, strict=False))
    row = dict(defaults)
    for name, number in stated.items():
        if name not in row:
            raise RequestError(
                f"context: {shown(name)} is no name of it; the names are "
                f"{', '.join(names) or 'none: this model has no context'}"
            )
        if number is None or number != number:
            continue
        # bool is an int of Python, but true is no number of JSON.
        is_number = isinstance(number, int | float | np.number) and type(number) is not bool
        if not is_number or not abs(number) <= _MAX_FLOAT32:
            raise RequestError(
                f"context: {name}: expected a finite number, got {shown(number)}; or leave it out"
            )
        row[name] = float(number)
    return np.array(list(row.values()), dtype=np.float32)


def from_json(values: Sequence[Any], kind: str) -> NDArray[Any]:
    """Return a tensor from its JSON form.

    Parameters
    ----------
    values : sequence
        int64 as decimal strings, float32 as numbers (None is NaN), strings and booleans as such.
    kind : str
        ``"int64"``, ``"float32"``, ``"string"`` or ``"bool"``.

    Returns
    -------
    ndarray of shape (len(values),)
        Of dtype int64, float32, object or bool.

    Raises
    ------
    ValueError
        An element has another form.

    Examples
    --------
    >>> from_json(["-1", "9007199254740993"], "int64")
    array([              -1, 9007199254740993])
    >>> from_json([0.5, None], "float32")
    array([0.5, nan], dtype=float32)
    """
    allowed: tuple[type, ...] = {
        "int64": (str,),
        "string": (str,),
        "float32": (int, float, type(None)),
        "bool": (bool,),
    }[kind]
    for index, value in enumerate(values):
        if type(value) not in allowed:
            names = " or ".join(each.__name__ for each in allowed)
            raise ValueError(f"element {index} of a tensor of {kind} is no {names}")
    if kind == "int64":
        return np.array([int(value) for value in values], dtype=np.int64)
    if kind == "string":
        return np.array(values, dtype=object)
    return np.array(values, dtype=np.float32 if kind == "float32" else np.bool_)
