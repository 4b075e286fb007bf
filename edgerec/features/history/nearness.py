"""Nearness on scales: of two items' popularity, and of their declared numbers, such as a year.

A cosine compares directions, so that 1950 and 1990 are alike as years after 1900; on a scale the
distance counts. Written as a product of two rows, minus the squared distance costs the graph no
more than a cosine: -(a - b)² = [2 a, -a², -1] · [b, 1, b²].
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.inputs import Array

_LARGEST: Final = 3.0
_MOST: Final = 8


def scales(features: Array, fitted: NDArray[np.bool_] | None = None) -> Array:
    """Return where each item stands on the scales of its features: float32 [n_items + 1, Q].

    A column of more than two values is a scale. Standardised, cut at 3, and divided by the root of
    their number, so that distances are alike however many there are. Row 0 stands in the middle.
    Of more than eight none is taken: such columns are an embedding, which the cosines compare.
    What is a scale, its mean and its spread go by the `fitted` items [n_items + 1], by default all.

    >>> scales(np.float32([[0, 5], [0, 4], [1, 6], [1, 5]])).astype(float).round(3).tolist()
    [[0.0], [-1.225], [1.225], [0.0]]
    """
    own = features[1:].astype(np.float64)
    known = own if fitted is None else own[fitted[1:]]
    number = [place for place, column in enumerate(known.T) if len(np.unique(column)) > 2]
    if len(number) > _MOST:
        number = []
    table = np.zeros((len(features), len(number)), np.float32)
    if number:
        own, known = own[:, number], known[:, number]
        standard = (own - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9)
        table[1:] = np.clip(standard, -_LARGEST, _LARGEST) / np.sqrt(len(number))
    return table


def of_slots(places: NDArray[np.float32]) -> Array:
    """Return the rows by which slots are compared: [..., Q] becomes [..., Q + 2]."""
    squares = (places * places).sum(axis=-1, keepdims=True)
    return np.concatenate([places, np.ones_like(squares), squares], axis=-1, dtype=np.float32)


def of_candidates(places: NDArray[np.float32]) -> Array:
    """Return the rows by which candidates are compared: [..., Q] becomes [..., Q + 2].

    >>> float(of_candidates(np.float32([1.0])) @ of_slots(np.float32([4.0])))
    -9.0
    """
    squares = (places * places).sum(axis=-1, keepdims=True)
    return np.concatenate([2 * places, -squares, -np.ones_like(squares)], axis=-1, dtype=np.float32)
