"""Columns for the tests of feature kinds."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.errors import ConfigurationError
from edgerec.features.tabular.transform import Transform

Array = NDArray[Any]


def some_numbers(n: int = 200, columns: int = 3) -> NDArray[np.float64]:
    random = np.random.default_rng(0)
    table = random.normal(3, 2, (n, columns))
    table[:, -1] = random.integers(-3, 9, n)
    return table


def column(transform: Transform, fitted: list[Any], asked: list[Any]) -> Any:
    """Fit to one column of raw values and return what another becomes, rounded."""
    given = transform.fit_columns([[fitted]]).transform_columns([asked])
    assert given.dtype == np.float32
    assert given.shape == (len(asked), transform.width)
    rows = given.astype(np.float64).round(4).tolist()
    return [row[0] for row in rows] if transform.width == 1 else rows


def sentence(transform: Transform) -> str:
    """Return what a transformer says that cannot be fitted with its options."""
    with pytest.raises(ConfigurationError) as caught:
        transform.fit(np.zeros((3, 1)))
    return str(caught.value)
