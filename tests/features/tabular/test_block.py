import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.columns import ColumnStatistics
from edgerec.errors import ConfigurationError, StateError
from edgerec.features.tabular import (
    TRANSFORMS,
    Condition,
    FeatureBlock,
    FeatureRule,
    LabelledChunk,
    fit_block,
    statistics_needed,
)
from edgerec.features.tabular.values import key, numbers

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "min_max": [{}, {"clip": True, "add_indicator": True}],
    "log": [{}, {"sign_safe": True}],
    "clip": [{"maximum": 3}, {"quantile_range": (10, 90)}],
    "k_bins": [{}, {"strategy": "uniform", "encode": "ordinal"}],
    "quantile": [{"n_quantiles": 20}, {"n_quantiles": 9, "output_distribution": "normal"}],
    "one_hot": [{}, {"min_frequency": 2}, {"max_categories": 3, "add_indicator": True}],
    "hashing": [{"n_features": 4}],
    "multi_hot": [{}, {"min_frequency": 0.3}],
    "char_ngrams": [{"n_features": 8}],
    "date_parts": [{}, {"cyclical": True}],
    "age": [{"reference": "2024-01-01"}, {"reference": date(2024, 1, 1), "unit": "years"}],
    "extract": [{"pattern": r"(\d)"}, {"pattern": "a|b", "group": 0, "output": "category"}],
    "when": [{}, {"operator": ">=", "value": "b"}, {"operator": "in", "value": [1, date.min]}],
}
RULES = [
    FeatureRule(f"{kind} {number}", ("x", "y") if number else ("x",), kind, options)
    for kind in TRANSFORMS
    for number, options in enumerate(OPTIONS.get(kind, [{}]))
]
CONDITIONAL = FeatureRule("conditional", ("x",), "standard", {}, Condition("y", ">", 0))
STATIC = [*(rule for rule in RULES if rule.kind != "target_mean"), CONDITIONAL]

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.floats(),
    st.floats(-5, 5, width=16),
    st.sampled_from(["", "a", "b", "a|b", "a1", "Red b2", "2024-02-29", "[1, 2]", "7"]),
    st.text(max_size=6),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.decimals(),
    st.lists(st.sampled_from(["a", "b", 1, None]), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.integers(), max_size=2),
)
pairs = st.lists(st.tuples(anything, anything, st.integers(0, 1), st.integers(0, 4)), max_size=12)


def labelled(rows: list[Any]) -> LabelledChunk:
    columns = {"x": [row[0] for row in rows], "y": [row[1] for row in rows]}
    return LabelledChunk(columns, [row[2] for row in rows], [row[3] for row in rows])


@settings(max_examples=60, deadline=None)
@given(pairs, pairs, st.integers(1, 5))
def test_whatever_comes_the_features_are_finite_and_the_chunks_do_not_matter(
    fitted: list[Any], asked: list[Any], size: int
) -> None:
    rules = [*RULES, CONDITIONAL]
    whole = labelled(fitted)
    block = fit_block(rules, [whole.columns], labelled=[whole])
    chunks = [labelled(fitted[start : start + size]) for start in range(0, len(fitted), size)]
    other = fit_block(rules, (chunk.columns for chunk in chunks), labelled=chunks)
    assert other.to_state() == block.to_state()
    columns = labelled(asked).columns
    for fold in (None, 0, 4):
        given = block.transform(columns, fold)
        assert given.dtype == np.float32
        assert given.shape == (len(asked), block.width)
        assert np.isfinite(given).all()
    restored = FeatureBlock.from_state(json.loads(json.dumps(block.to_state(), allow_nan=False)))
    assert restored.transform(columns, 0).tobytes() == block.transform(columns, 0).tobytes()
    assert restored.names == block.names
    assert len(set(block.names)) == block.width
    one_by_one = [block.transform(labelled([row]).columns) for row in asked]
    if asked:
        np.testing.assert_array_equal(np.concatenate(one_by_one), block.transform(columns))


def some_table(n: int = 400) -> dict[str, list[Any]]:
    random = np.random.default_rng(1)
    return {
        "x": [None if one < -1 else round(float(one), 3) for one in random.normal(0, 1, n)],
        "y": random.integers(0, 9, n).tolist(),
        "g": [("a|b", "b", None, "c|a", "")[one] for one in random.integers(0, 5, n)],
        "t": [("Big Red 1", "red", None, "blue 2")[one] for one in random.integers(0, 4, n)],
        "d": [date.fromordinal(737_000 + int(one)) for one in random.integers(0, 900, n)],
    }


TABLE_RULES = [
    *(
        FeatureRule(kind, ("x", "y"), kind, *OPTIONS.get(kind, [{}])[:1])
        for kind in ("identity", "min_max", "standard", "max_abs", "robust", "log", "quantile")
    ),
    FeatureRule("clipped", ("x",), "clip", {"quantile_range": (5, 95)}),
    FeatureRule("bins", ("x", "y"), "k_bins"),
    FeatureRule("wide", ("x",), "k_bins", {"strategy": "uniform"}),
    FeatureRule("one", ("y", "d"), "one_hot", {"max_categories": 5}),
    FeatureRule("often", ("g",), "one_hot", {"min_frequency": 0.2}),
    FeatureRule("number", ("g",), "ordinal"),
    FeatureRule("genre", ("g",), "multi_hot", {"max_categories": 3}),
    FeatureRule("word", ("t",), "count"),
    FeatureRule("weighed", ("t",), "tf_idf"),
    FeatureRule("parts", ("d",), "date_parts"),
    FeatureRule("age", ("d",), "age", {"reference": "2024-01-01"}),
    FeatureRule("digit", ("t",), "extract", {"pattern": r"(\d)"}),
    FeatureRule("hash", ("g",), "hashing"),
]


def aggregates(values: list[Any], rules: list[FeatureRule], column: str) -> ColumnStatistics:
    """Compute what a database would, with nothing of the package but the reading of a value."""
    read = numbers(values)
    if isinstance(values[0], date):
        read = np.array(
            [datetime(one.year, one.month, one.day, tzinfo=UTC).timestamp() for one in values]
        )
    there = read[~np.isnan(read)]
    counts = Counter(key(value) for value in values if value is not None)
    needed = statistics_needed(rules, len(values))[column]
    top = counts.most_common()
    if needed.n_top_values > 0 and len(top) > needed.n_top_values:
        top = [one for one in top if one[1] >= top[needed.n_top_values - 1][1]]
    return ColumnStatistics(
        n_rows=len(values),
        n_null=sum(value is None for value in values),
        minimum=float(there.min()) if len(there) else None,
        maximum=float(there.max()) if len(there) else None,
        mean=float(there.mean()) if len(there) else None,
        standard_deviation=float(there.std()) if len(there) else None,
        n_distinct=len(counts),
        quantiles=tuple((one, float(np.quantile(there, one))) for one in needed.quantiles),
        top_values=tuple(top),
    )


def test_statistics_of_a_database_fit_as_the_rows_do() -> None:
    table = some_table()
    statistics = {column: aggregates(table[column], TABLE_RULES, column) for column in table}
    from_rows = fit_block(TABLE_RULES, [table])
    from_statistics = fit_block(TABLE_RULES, statistics=statistics)
    assert from_statistics.names == from_rows.names
    np.testing.assert_allclose(
        from_statistics.transform(table), from_rows.transform(table), rtol=1e-6, atol=1e-6
    )


def test_rows_are_read_only_where_statistics_do_not_suffice() -> None:
    table = some_table()
    read: list[int] = []

    def chunks() -> Iterator[dict[str, list[Any]]]:
        read.append(1)
        yield table

    statistics = {"y": aggregates(table["y"], TABLE_RULES, "y")}
    enough = [FeatureRule("a", ("y",), "min_max"), FeatureRule("b", ("g",), "hashing")]
    fit_block(enough, chunks(), statistics)
    assert not read
    fit_block([*enough, FeatureRule("c", ("y",), "min_max", {}, Condition("x", ">", 0))], chunks())
    assert read == [1]
    with pytest.raises(ConfigurationError) as caught:
        fit_block([FeatureRule("c", ("y",), "ordinal")], None, {"y": ColumnStatistics(9)})
    assert str(caught.value) == (
        "Feature rule 'c' needs the rows of its columns to be fitted, and neither rows nor "
        "statistics that suffice are given. Pass chunks."
    )


def test_rows_that_do_not_meet_the_condition_count_as_missing() -> None:
    rule = FeatureRule(
        "price", ("price",), "min_max", {"add_indicator": True}, Condition("unit", "==", "EUR")
    )
    table = {"price": [1, 3, 900, 2], "unit": ["EUR", "EUR", "YEN", None]}
    block = fit_block([rule], [table])
    assert block.transform(table).tolist() == [[0, 0], [1, 0], [0.5, 1], [0.5, 1]]
    assert block.columns == ("price", "unit")


def test_names_are_those_of_rules_columns_and_categories() -> None:
    rules = [
        FeatureRule("size", ("x",), "min_max"),
        FeatureRule("both", ("x", "y"), "standard"),
        FeatureRule("both_x", ("x",), "log"),
        FeatureRule("genre", ("g",), "multi_hot"),
    ]
    names = fit_block(rules, [some_table()]).names
    assert names == ("size", "both_x", "both_y", "both_x_2", "genre_a", "genre_b", "genre_c")


def test_target_means_are_per_fold_and_the_rest_is_not() -> None:
    rules = [FeatureRule("liked", ("g",), "target_mean"), FeatureRule("g", ("g",), "one_hot")]
    chunk = LabelledChunk({"g": ["a", "a", "b"]}, [1, 0, 1], [0, 1, 2])
    block = fit_block(rules, [{"g": ["a", "b"]}], labelled=[chunk])
    assert block.n_folds == 5
    assert fit_block(rules[1:], [{"g": ["a"]}]).n_folds == 0
    served, trained = block.transform({"g": ["a", "b"]}), block.transform({"g": ["a", "b"]}, 0)
    assert (served[:, 0] != trained[:, 0]).all()
    np.testing.assert_array_equal(served[:, 1:], trained[:, 1:])
    other = FeatureRule("other", ("g",), "target_mean", {"n_folds": 3})
    with pytest.raises(ConfigurationError, match="must have one n_folds, but have 3, 5"):
        fit_block([*rules, other], [{"g": ["a", "b"]}], labelled=[chunk])
    with pytest.raises(ConfigurationError) as caught:
        fit_block(rules, [{"g": ["a", "b"]}])
    assert str(caught.value) == (
        "Feature rule 'liked': a target mean is fitted to interactions with their labels, and "
        "none are given. Pass labelled, or use another kind."
    )


def test_a_chunk_that_is_not_whole_is_refused() -> None:
    rules = [FeatureRule("a", ("price",), "log", {}, Condition("unit", "==", "EUR"))]
    block = fit_block(rules, [])
    with pytest.raises(ConfigurationError) as caught:
        block.transform({"price": [1], "units": ["EUR"]})
    assert str(caught.value) == (
        "Feature rule 'a': there is no column 'unit'. Did you mean 'units'? The columns are price, "
        "units."
    )
    with pytest.raises(ConfigurationError) as caught:
        block.transform({"price": [1], "unit": []})
    assert str(caught.value) == (
        "The columns of a chunk must be of one length, but are of 0, 1. Give None where there is "
        "no value."
    )


def test_no_rules_give_no_features() -> None:
    block = fit_block([])
    assert (block.width, block.columns) == (0, ())
    assert block.transform({"x": [1, 2]}).shape == (2, 0)
    assert block.transform({}).shape == (0, 0)


def test_a_damaged_state_is_refused() -> None:
    state = fit_block(STATIC[:2], [{"x": [1], "y": [2]}]).to_state()
    for damaged in ({}, {**state, "rules": [{"name": "a"}]}):
        with pytest.raises(StateError, match="state of a feature block is not whole"):
            FeatureBlock.from_state(damaged)
    with pytest.raises(StateError, match="has 1 rules for transformers of kinds"):
        FeatureBlock.from_state({**state, "rules": state["rules"][:1]})


PROGRAM = """
import json, sys
from tests.features.tabular.test_block import TABLE_RULES, STATIC, some_table
from edgerec.features.tabular import fit_block
table = some_table()
block = fit_block([*STATIC, *TABLE_RULES], [table])
sys.stdout.buffer.write(json.dumps(block.to_state()).encode() + block.transform(table).tobytes())
"""


def test_two_processes_give_the_same_bytes() -> None:
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True
        )
        assert len(run.stdout) > 10_000
        digests.add(hashlib.sha256(run.stdout).hexdigest())
    assert len(digests) == 1
