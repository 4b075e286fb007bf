"""The errors of this package: files, requests, or the place where events are kept are wrong.

Every message is a sentence that says which thing, what was expected, what came and what to do.
"""

_SHOWN = 60


class BundleError(ValueError):
    """A bundle cannot be used: missing, damaged, of another version, or not as its manifest says.

    Examples
    --------
    >>> raise BundleError("model.json is missing: copy it beside model.onnx")
    Traceback (most recent call last):
    ...
    device_runtime.errors.BundleError: model.json is missing: copy it beside model.onnx
    """


class StorageError(RuntimeError):
    """What users did cannot be kept: no place, no room, or a file that is none of ours.

    Examples
    --------
    >>> raise StorageError("events.db: the disk is full; make room on it")
    Traceback (most recent call last):
    ...
    device_runtime.errors.StorageError: events.db: the disk is full; make room on it
    """


class UpdateError(RuntimeError):
    """A new model cannot be taken now; what is served goes on being served.

    Examples
    --------
    >>> raise UpdateError("latest.json: the feed answers with status 404")
    Traceback (most recent call last):
    ...
    device_runtime.errors.UpdateError: latest.json: the feed answers with status 404
    """


class UnusableFileError(UpdateError):
    """A file of a feed is not what was signed; another way to the same model may do.

    Examples
    --------
    >>> raise UnusableFileError("models/7/shop.onnx: it was altered")
    Traceback (most recent call last):
    ...
    device_runtime.errors.UnusableFileError: models/7/shop.onnx: it was altered
    """


class RefusedModelError(UpdateError):
    """A new model is whole, and is not to be served here: it is not tried again.

    Examples
    --------
    >>> raise RefusedModelError("a golden request is answered otherwise")
    Traceback (most recent call last):
    ...
    device_runtime.errors.RefusedModelError: a golden request is answered otherwise
    """


class RequestError(ValueError):
    """A request cannot be answered as it was sent.

    Parameters
    ----------
    message : str
        A sentence that says what to send instead.
    status : int, default 400
        The HTTP status that fits: 400, or 413 where the request is too large.

    Examples
    --------
    >>> RequestError("k: expected an integer of 1 or more, got 0").status
    400
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class NoScoreError(RequestError):
    """No finite score follows from a request: its values are to blame, or the graph is.

    Examples
    --------
    >>> NoScoreError("history values: no finite score follows from them").status
    400
    """


def shown(value: object) -> str:
    """Return how a value from outside stands in a message: its ``repr``, cut when it is long.

    Parameters
    ----------
    value : object
        Whatever came.

    Returns
    -------
    str
        At most about 60 characters, so that a message stays a sentence.

    Examples
    --------
    >>> shown("ab")
    "'ab'"
    >>> len(shown("a" * 1000))
    61
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        # The digits of a huge integer cost more than the answer is worth; Python may refuse them.
        return "an integer of more than 256 bits"
    if isinstance(value, str | bytes):
        value = value[: _SHOWN + 1]
    elif isinstance(value, list | tuple | dict) and value:
        return f"a {type(value).__name__} of length {len(value)}"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
