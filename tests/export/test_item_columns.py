"""What is known of items is standardised, in blocks, and whitened."""

import numpy as np
import pytest

from edgerec.export import item_columns
from edgerec.export.item_columns import ItemColumns
from tests.trained import generated_model


@pytest.fixture(params=[7, 65_536])
def columns(request, monkeypatch):
    monkeypatch.setattr(item_columns, "_ROWS_AT_ONCE", request.param)
    return ItemColumns(generated_model().ranker.tables)


def test_columns_have_mean_0_and_spread_1_or_are_nothing(columns):
    every = np.concatenate([columns.rows(rows) for rows in columns.blocks()])
    assert len(every) == len(generated_model().ranker.item_ids) + 1
    np.testing.assert_allclose(every.mean(axis=0), 0, atol=1e-4)
    spread = every.std(axis=0)
    assert (np.isclose(spread, 1, atol=1e-3) | (spread < 1e-3)).all()


def test_a_root_and_its_inverse(columns):
    every = np.concatenate([columns.rows(rows) for rows in columns.blocks()]).astype(np.float64)
    root, inverse = columns.whitening()
    np.testing.assert_allclose(root @ root.T, every.T @ every / len(every), atol=1e-3)
    np.testing.assert_allclose(inverse.T @ root, np.eye(len(root)), atol=1e-6)
