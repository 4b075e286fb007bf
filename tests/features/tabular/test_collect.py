import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerec.columns import StatisticsNeeded
from edgerec.features.tabular.collect import ColumnCollector, Moments, Reservoir

finite = st.floats(-1e9, 1e9, allow_nan=False, width=32)


@given(st.lists(finite, min_size=1, max_size=60), st.integers(1, 59))
def test_moments_are_the_same_in_any_chunks_and_any_order(values: list[float], cut: int) -> None:
    whole, parts, turned = Moments(), Moments(), Moments()
    whole.add(np.array(values))
    parts.add(np.array(values[:cut]))
    parts.add(np.array(values[cut:]))
    turned.add(np.array(values[::-1]))
    for other in (parts, turned):
        assert other.mean == whole.mean
        assert other.standard_deviation == whole.standard_deviation
    assert whole.mean == pytest.approx(np.mean(values), abs=1e-3)


def test_a_small_spread_about_a_large_mean_is_not_lost() -> None:
    moments = Moments()
    moments.add(np.array([1e9, 1e9 + 0.25] * 500))
    assert moments.standard_deviation == 0.125
    constant = Moments()
    constant.add(np.full(1000, 0.1))
    assert (constant.mean, constant.standard_deviation) == (0.1, 0)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_full_reservoir_holds_the_same_rows_whatever_the_chunks(chunk: int) -> None:
    values = np.arange(1000.0)
    whole, parts = Reservoir(100), Reservoir(100)
    whole.add(values)
    for start in range(0, 1000, chunk):
        parts.add(values[start : start + chunk])
    shares = (0.0, 0.25, 0.5, 1.0)
    assert parts.quantiles(shares) == whole.quantiles(shares)
    assert dict(whole.quantiles((0.5,)))[0.5] == pytest.approx(500, abs=150)


def test_up_to_its_size_quantiles_are_exact() -> None:
    reservoir = Reservoir(100)
    reservoir.add(np.arange(50.0)[::-1])
    reservoir.add(np.arange(50.0, 100.0))
    assert reservoir.quantiles((0.1, 0.5)) == ((0.1, 9.9), (0.5, 49.5))
    assert Reservoir().quantiles((0.5,)) == ()


def test_counts_stand_for_repeated_rows() -> None:
    needed = StatisticsNeeded(moments=True, quantiles=(0.5,))
    rows, counted = (ColumnCollector(lambda _: needed) for _ in range(2))
    rows.add([3, 3, None, 8])
    counted.add([3, None, 8], [2, 1, 1])
    assert rows.statistics() == counted.statistics()
    assert rows.statistics().n_null == 1
