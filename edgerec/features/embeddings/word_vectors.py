"""What training of item2vec has at a moment: enough to go on as if it had not stopped.

gensim's own way of saving is a pickle; this is plain arrays.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class WordVectors:
    """The vectors of items as they are trained, and where training stands."""

    inner: Array
    """[n_items + 1, D]: an item's vector, of any length; row 0 is zero"""
    outer: Array
    """[n_items + 1, D]: what negative sampling predicts it by"""
    nodes: Array
    """[n, D]: what hierarchical softmax decides by at each node of its tree; n is 0 without it"""
    known: NDArray[np.bool_]
    """[n_items + 1]: the item has been trained"""
    counts: NDArray[np.int64]
    """[n_items + 1]: how often the item stood in all sequences so far"""
    random_keys: NDArray[np.uint32]
    """[624] of the Mersenne twister; [0] before the first step"""
    random_position: int
    n_steps: int
    """parts of the corpus that were gone through, in all passes"""
    finished: bool

    def unit_vectors(self) -> Array:
        """Return the vectors [n_items + 1, D] with length 1; zero where an item has none."""
        length = np.linalg.norm(self.inner, axis=1, keepdims=True)
        return (self.inner / np.where(length > 0, length, 1)).astype(np.float32)

    def only(self, learned: NDArray[np.bool_]) -> "WordVectors":
        """Return the same with vectors of `learned` alone, [n_items + 1]: others are chance."""
        return dataclasses.replace(
            self,
            inner=np.where(learned[:, None], self.inner, np.float32(0)),
            known=self.known & learned,
        )

    def continued(self, counts: NDArray[np.int64]) -> "WordVectors":
        """Return the beginning of another training, whose corpus has these `counts`.

        The tree of hierarchical softmax is of other counts then, and its nodes learn anew.
        """
        total = self.counts + counts
        total[0] = 0
        return dataclasses.replace(
            self,
            counts=total,
            nodes=np.zeros((0, self.inner.shape[1]), np.float32),
            n_steps=0,
            finished=False,
        )

    def moved(self, row_of: NDArray[np.int64], n_items: int) -> "WordVectors":
        """Return the same for other item rows.

        Parameters
        ----------
        row_of : int64 [n_items before + 1]
            The new row of each; 0: the item is gone.
        """
        kept = row_of > 0
        new = new_word_vectors(n_items, self.inner.shape[1])
        for name in ("inner", "outer", "known", "counts"):
            getattr(new, name)[row_of[kept]] = getattr(self, name)[kept]
        return dataclasses.replace(
            self, inner=new.inner, outer=new.outer, known=new.known, counts=new.counts
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays, for an npz file."""
        return {name: np.asarray(value) for name, value in vars(self).items()}


def new_word_vectors(n_items: int, embedding_dim: int) -> WordVectors:
    """Return what is there before any training: zeros."""
    zeros = np.zeros((n_items + 1, embedding_dim), np.float32)
    return WordVectors(
        inner=zeros,
        outer=zeros.copy(),
        nodes=np.zeros((0, embedding_dim), np.float32),
        known=np.zeros(n_items + 1, np.bool_),
        counts=np.zeros(n_items + 1, np.int64),
        random_keys=np.zeros(0, np.uint32),
        random_position=0,
        n_steps=0,
        finished=False,
    )


def word_vectors_from(arrays: Mapping[str, NDArray[Any]]) -> WordVectors:
    """Return what `WordVectors.arrays` gave.

    Raises
    ------
    KeyError, ValueError
        One is missing, or their shapes do not belong together.
    """
    inner = arrays["inner"].astype(np.float32)
    n_rows, width = inner.shape
    found = WordVectors(
        inner=inner,
        outer=arrays["outer"].astype(np.float32),
        nodes=arrays["nodes"].astype(np.float32),
        known=arrays["known"].astype(np.bool_),
        counts=arrays["counts"].astype(np.int64),
        random_keys=arrays["random_keys"].astype(np.uint32),
        random_position=int(arrays["random_position"]),
        n_steps=int(arrays["n_steps"]),
        finished=bool(arrays["finished"]),
    )
    shapes = (found.outer.shape, found.nodes.shape[1:], found.known.shape, found.counts.shape)
    if shapes != ((n_rows, width), (width,), (n_rows,), (n_rows,)):
        raise ValueError(f"arrays of the shapes {shapes} beside vectors of {inner.shape}")
    return found
