"""What the dynamic features read, looked up from the tables: arrays of G requests.

Axes: G requests, H history slots (newest first), N candidates, D embedding width, A audience
width, F content width, C kinds of items, Q scales. A slot that holds nothing has `present` 0 and
item row 0. All arrays are float32.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class HistoryInputs:
    """What the dynamic features read, looked up from the item table.

    `stated` is 1 where a slot is present and its value is known; `value` is 0 elsewhere.
    `liked` is the label that the value stands for, 0 where not stated.
    """

    present: Array
    """[G, H]"""
    stated: Array
    """[G, H]"""
    value: Array
    """[G, H]"""
    liked: Array
    """[G, H]"""
    mean_value: Array
    """[G, H]: the items' mean values"""
    liked_rate: Array
    """[G, H]: the items' shares of label 1"""
    embedding: Array
    """[G, H, D]: unit rows, zero where the item has none"""
    audience: Array
    """[G, H, A]: unit rows, by who interacts with the items; zero where nobody did"""
    content: Array
    """[G, H, F]: unit rows of the items' declared features"""
    popularity: Array
    """[G, H, 3]: log count, and what `nearness` compares it by"""
    scale: Array
    """[G, H, Q + 2]: rows by which declared numbers are compared"""
    kinds: Array
    """[G, H, C]: how much the items are of each kind"""
    candidate_mean_value: Array
    """[G, N]"""
    candidate_liked_rate: Array
    """[G, N]"""
    candidate_embedding: Array
    """[G, N, D]"""
    candidate_audience: Array
    """[G, N, A]"""
    candidate_content: Array
    """[G, N, F]"""
    candidate_popularity: Array
    """[G, N, 3]"""
    candidate_scale: Array
    """[G, N, Q + 2]"""
    candidate_age: Array
    """[G, N]: whole days since the item's first interaction in training; 0 before it"""
    prior_value: Array
    """[G]: mean value of the training interactions"""
    prior_liked_rate: Array
    """[G]: share of label 1 in the training samples"""
    prior_spread: Array
    """[G]: variance of the training residuals"""
