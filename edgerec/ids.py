"""Ids as they come from outside: integers or strings, one kind per model, never the padding id."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import SampleError
from edgerec.recsys import Id

IdType = Literal["int64", "string"]
IdArray = NDArray[np.int64] | NDArray[np.object_]

PADDING_INTEGER: Final = -(2**63)
PADDING_STRING: Final = ""
_LARGEST: Final = 2**63 - 1


def padding_id(id_type: IdType) -> Id:
    """Return the id that means "nothing here" in a padded list.

    >>> padding_id("string")
    ''
    """
    return PADDING_INTEGER if id_type == "int64" else PADDING_STRING


class IdIndex:
    """Gives each id the next free code, in order of appearance, and refuses what is no id.

    Parameters
    ----------
    role : str
        "user" or "item"; errors name it.

    >>> index = IdIndex("item")
    >>> index.encode([30, 10, 30]).tolist()
    [0, 1, 0]
    >>> ids, row_of_code = index.finish()
    >>> ids.tolist(), row_of_code.tolist()
    ([10, 30], [2, 1])
    """

    def __init__(self, role: str) -> None:
        self._role = role
        self._codes: dict[Id, int] = {}
        self.id_type: IdType | None = None

    def __len__(self) -> int:
        return len(self._codes)

    def encode(self, ids: Sequence[Id]) -> NDArray[np.int64]:
        """Return the code of each id: int64 [len(ids)].

        Raises
        ------
        SampleError
            An id is no integer or string, of another kind than those before it, out of the
            range of int64, or the padding id.
        """
        self._check(ids)
        codes = self._codes
        for id_ in dict.fromkeys(ids):
            if id_ not in codes:
                codes[id_] = len(codes)
        return np.fromiter(map(codes.__getitem__, ids), np.int64, len(ids))

    def id_of(self, code: int) -> Id:
        """Return the id that has `code`. Slow: for error messages."""
        return next(id_ for id_, known in self._codes.items() if known == code)

    def finish(self) -> tuple[IdArray, NDArray[np.int32]]:
        """Return the ids ascending [n], and the row (1 + rank) of each code [n].

        Raises
        ------
        SampleError
            A string id that no runtime could be asked for.
        """
        ids = id_array(self._codes, self.id_type or "int64")
        if self.id_type == "string":
            self._check_text(ids)
        order = np.argsort(ids, kind="stable")
        row_of_code = np.empty(len(ids), np.int32)
        row_of_code[order] = np.arange(1, len(ids) + 1, dtype=np.int32)
        return ids[order], row_of_code

    def _check_text(self, ids: IdArray) -> None:
        for id_ in ids.tolist():
            # A runtime's C strings end at a NUL, and JSON and ONNX carry UTF-8 alone.
            if "\0" in id_ or not _is_unicode(id_):
                raise SampleError(
                    f"The {self._role} id {id_!r} holds a NUL or half a character, which no "
                    "runtime can be asked for. Clean it before it is yielded."
                )

    def _check(self, ids: Sequence[Id]) -> None:
        kinds = {_kind(kind) for kind in set(map(type, ids))}
        if None in kinds:
            odd = next(id_ for id_ in ids if _kind(type(id_)) is None)
            raise SampleError(
                f"The {self._role} id {odd!r} is of type {type(odd).__name__}; ids must be "
                "integers or strings. Convert it before it is yielded."
            )
        if self.id_type is None and len(ids):
            self.id_type = _kind(type(ids[0]))
        for kind in kinds:
            if kind != self.id_type:
                odd = next(id_ for id_ in ids if _kind(type(id_)) == kind)
                raise SampleError(
                    f"The {self._role} id {odd!r} is of kind {kind}, but earlier {self._role} ids "
                    f"are of kind {self.id_type}. Use one kind in the whole model."
                )
        self._check_range(ids)

    def _check_range(self, ids: Sequence[Id]) -> None:
        if self.id_type == "string":
            if PADDING_STRING in ids:
                raise SampleError(
                    f"The {self._role} id '' is the padding id, which means that nothing is there. "
                    "Give that row another id or leave it out."
                )
            return
        smallest, largest = min(ids, default=0), max(ids, default=0)
        if smallest == PADDING_INTEGER:
            raise SampleError(
                f"The {self._role} id -2**63 is the padding id, which means that nothing is "
                "there. Give that row another id or leave it out."
            )
        if int(smallest) < PADDING_INTEGER or int(largest) > _LARGEST:
            odd = smallest if int(smallest) < PADDING_INTEGER else largest
            raise SampleError(
                f"The {self._role} id {odd} does not fit into 64 bits. Use string ids instead."
            )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def require_kind(ids: Sequence[Id], id_type: IdType, source: str) -> None:
    """Refuse item ids of another kind than the model's.

    Raises
    ------
    SampleError
        The sentence names `source`, which yielded them, and the id.
    """
    for kind in set(map(type, ids)):
        if _kind(kind) != id_type:
            odd = next(id_ for id_ in ids if type(id_) is kind)
            raise SampleError(
                f"{source} gave the item id {odd!r} of type {kind.__name__}, but the items of "
                f"sample_generator have ids of kind {id_type}. Give the same kind."
            )


def _kind(kind: type) -> IdType | None:
    if kind is int or issubclass(kind, np.integer):
        return "int64"
    return "string" if issubclass(kind, str) else None


def id_array(ids: Iterable[Id], id_type: IdType) -> IdArray:
    """Return the ids as int64 [n] or as Python strings in an object array [n].

    >>> id_array(["b", "a"], "string").tolist()
    ['b', 'a']
    """
    listed = list(ids)
    if id_type == "int64":
        return np.array(listed, np.int64)
    strings = np.empty(len(listed), object)
    strings[:] = [str(id_) for id_ in listed]
    return strings


def rows_of(ids: Iterable[Id], known: IdArray) -> NDArray[np.int64]:
    """Return the row of each id in the ascending array `known`: 1 + rank; 0: not there.

    >>> rows_of([30, 7], np.array([10, 30])).tolist()
    [2, 0]
    """
    wanted = id_array(ids, "int64" if known.dtype == np.int64 else "string")
    if not len(known) or not len(wanted):
        return np.zeros(len(wanted), np.int64)
    position = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found: NDArray[np.int64] = np.where(known[position] == wanted, position + 1, 0).astype(np.int64)
    return found
