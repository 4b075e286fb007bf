"""Very many string ids: hashed on the way in, since a graph would keep each one in memory.

A reader of the file passes, in place of an id, a number that any language computes in five lines:

    number = 14695981039346656037 + seed          (64 bits, what is beyond is cut off)
    for each byte of the id in UTF-8:
        number = (number xor byte) * 1099511628211
    number = number >> 1                          (so it is never negative, as the padding id is)

which is FNV-1a (Fowler, Noll and Vo; http://www.isthe.com/chongo/tech/comp/fnv/). SHA-256 would do
as well and is in no language's core: a browser has it for one id at a time, later, and on https
alone. Where two known ids would be one number, the next seed is taken. An id that is not known is
taken for a known one in n of 2**63 cases.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import ConfigurationError
from edgerec.ids import PADDING_INTEGER, PADDING_STRING, IdArray

FUNCTION: Final = "fnv-1a-63"
"""in the manifest"""
_BASIS: Final = 14_695_981_039_346_656_037
_PRIME: Final = np.uint64(1_099_511_628_211)
_N_SEEDS: Final = 16
_ROLES: Final = {"user_id": "user", "item_ids": "item", "history": "item", "exclude": "item"}


def hashed_texts(ids: IdArray, seed: int = 0) -> NDArray[np.int64]:
    """Return the number of each id: int64 [n]; of the padding id that of integers.

    >>> hashed_texts(np.array(["", "a", "foobar"], object)).tolist()
    [-9223372036854775808, 6319093600277820998, 4812695130666218484]
    """
    texts = [text.encode("utf-8") for text in ids.tolist()]
    lengths = np.array([len(text) for text in texts], np.int64)
    together = np.frombuffer(b"".join(texts), np.uint8)
    starts = np.cumsum(lengths) - lengths
    numbers = np.full(len(texts), (_BASIS + seed) % 2**64, np.uint64)
    place, left = 0, np.flatnonzero(lengths > 0)
    while len(left):
        numbers[left] = (numbers[left] ^ together[starts[left] + place]) * _PRIME
        place += 1
        left = left[lengths[left] > place]
    hashed = (numbers >> np.uint64(1)).astype(np.int64)
    hashed[np.array([text == PADDING_STRING.encode() for text in texts], bool)] = PADDING_INTEGER
    return hashed


def choose_seed(ids: IdArray) -> int:
    """Return the first seed that gives distinct ids distinct numbers.

    Raises
    ------
    ConfigurationError
        None of some does, which chance alone makes of no set of ids that fits into a machine.
    """
    for seed in range(_N_SEEDS):
        if len(np.unique(hashed_texts(ids, seed))) == len(ids):
            return seed
    raise ConfigurationError(
        f"{len(ids)} string ids have the same hash as another by every one of {_N_SEEDS} seeds, "
        "which was made to happen. Raise n_encoded_strings above their number, so that they are "
        "looked up as text, or use integer ids."
    )


def hashed_tensors(
    tensors: Mapping[str, NDArray[Any]], seeds: Mapping[str, int]
) -> dict[str, NDArray[Any]]:
    """Return the inputs with ids hashed, of the roles ("user", "item") that have a seed."""
    return {
        name: hashed_texts(tensor, seeds[_ROLES[name]]) if _ROLES.get(name) in seeds else tensor
        for name, tensor in tensors.items()
    }
