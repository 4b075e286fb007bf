import json
from datetime import date
from typing import Any

import pytest

from edgerec.columns import ColumnKind, StatisticsNeeded
from edgerec.errors import ConfigurationError
from edgerec.features.tabular import Condition, FeatureRule, check_rules, statistics_needed

COLUMNS: dict[str, ColumnKind] = {"price": "number", "title": "text", "released": "date"}


def refused(**changes: Any) -> str:
    rule = {"name": "a", "columns": ("price",), "kind": "log"}
    with pytest.raises(ConfigurationError) as caught:
        FeatureRule(**{**rule, **changes})
    return str(caught.value)


def unfit(*rules: FeatureRule) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_rules(rules, COLUMNS)
    return str(caught.value)


def test_a_rule_is_checked_when_it_is_made() -> None:
    assert refused(kind="logs").startswith(
        "Feature rule 'a': There is no feature kind 'logs'. Did you mean 'log'?"
    )
    assert refused(options={"sign": True}) == (
        "Feature rule 'a': Feature kind 'log' has no option 'sign'. Did you mean 'sign_safe'? It "
        "takes sign_safe, fill_value, add_indicator."
    )
    for columns in ("price", (), ("",), (3,)):
        assert refused(columns=columns) == (
            f"Feature rule 'a': columns must be a list of names of columns, but is {columns!r}."
        )


def test_a_rule_is_checked_against_the_table() -> None:
    check_rules([FeatureRule("a", ("price",), "log")], COLUMNS)
    assert unfit(FeatureRule("a", ("prize",), "log")) == (
        "Feature rule 'a': there is no column 'prize'. Did you mean 'price'? The columns are "
        "price, title, released."
    )
    condition = Condition("kind", "==", "film")
    assert unfit(FeatureRule("a", ("price",), "log", when=condition)) == (
        "Feature rule 'a': there is no column 'kind'. The columns are price, title, released."
    )
    assert unfit(FeatureRule("a", ("released",), "log")) == (
        "Feature rule 'a': kind 'log' takes columns of integer, number, boolean, but 'released' "
        "is of date. For that there are one_hot, ordinal, hashing, target_mean, date_parts, age, "
        "when."
    )
    twice = FeatureRule("a", ("price",), "log")
    assert unfit(twice, twice) == (
        "There are 2 feature rules with the name 'a'. Give each its own."
    )


@pytest.mark.parametrize(
    "rule",
    [
        FeatureRule("a", ("price", "tax"), "normalize", {"norm": "l1"}),
        FeatureRule("a", ("x",), "age", {"reference": "2024-01-01"}, Condition("y", "is_null")),
        FeatureRule("a", ("x",), "min_max", {"feature_range": [0, 2]}, Condition("y", "in", ["b"])),
    ],
)
def test_a_rule_goes_through_json(rule: FeatureRule) -> None:
    assert FeatureRule.from_mapping(json.loads(json.dumps(rule.to_mapping()))) == rule


def test_dates_go_through_json_as_texts() -> None:
    day = date(2024, 1, 1)
    rule = FeatureRule("a", ("x",), "age", {"reference": day}, Condition("y", "<", day))
    mapping = rule.to_mapping()
    assert mapping["options"]["reference"] == mapping["when"]["value"] == "2024-01-01"
    assert rule.reads == ("x", "y")
    assert hash(rule) == hash(FeatureRule("a", ("x",), "age", {"reference": day}, rule.when))


def test_one_query_serves_all_rules_of_a_column() -> None:
    rules = [
        FeatureRule("a", ("x", "y"), "robust"),
        FeatureRule("b", ("x",), "k_bins", {"n_bins": 2}),
        FeatureRule("c", ("x",), "standard"),
        FeatureRule("d", ("z",), "one_hot", {"max_categories": 9}),
        FeatureRule("e", ("z",), "one_hot", {"max_categories": 4}),
        FeatureRule("f", ("z",), "one_hot", when=Condition("x", "<", 3)),
        FeatureRule("g", ("w",), "hashing"),
        FeatureRule("h", ("w",), "target_mean"),
    ]
    assert statistics_needed(rules) == {
        "x": StatisticsNeeded(True, (0.0, 0.25, 0.5, 0.75, 1.0)),
        "y": StatisticsNeeded(False, (0.25, 0.5, 0.75)),
        "z": StatisticsNeeded(n_top_values=9),
    }
