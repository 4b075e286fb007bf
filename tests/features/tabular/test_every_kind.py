"""Each kind has a hand-computed answer to what was seen, is missing and was never seen.

The tests of the modules go deeper. This table is held to the registry, so that none is forgotten.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.errors import ConfigurationError
from edgerec.features.tabular import TRANSFORMS, FeatureRule, LabelledChunk, fit_block


@dataclass(frozen=True)
class Case:
    """What a kind is fitted to, and what it answers."""

    fitted: list[Any]
    seen: tuple[Any, list[float]]
    missing: list[float]
    unseen: tuple[Any, list[float]]
    wrong: dict[str, Any]
    sentence: str
    options: dict[str, Any] = field(default_factory=dict)
    labels: list[float] | None = None


# log(1 + 1) is .6931; of two words in one of two rows the weight is log(3 / 2) + 1 = 1.4055.
CASES = {
    "identity": Case(
        *([1, 3], (3, [3]), [2], (-7, [-7])),
        *({"fill_value": "mean"}, "fill_value of feature kind 'identity' must be a number or None"),
    ),
    "min_max": Case(
        *([2, 4], (3, [0.5]), [0.5], (6, [2])),
        *({"clip": 1}, "clip of feature kind 'min_max' must be true or false, but is 1"),
    ),
    "standard": Case(
        *([1, 3], (3, [1]), [0], (5, [3])),
        *({"with_std": "no"}, "with_std of feature kind 'standard' must be true or false, but is"),
    ),
    "max_abs": Case(
        *([-4, 2], (2, [0.5]), [-0.25], (8, [2])),
        *({"add_indicator": 0}, "add_indicator of feature kind 'max_abs' must be true or false"),
    ),
    "robust": Case(
        *([1, 2, 3, 4, 5], (5, [1]), [0], (9, [3])),
        *({"quantile_range": (9, 1)}, "'robust' must be two rising numbers from 0 to 100, but is"),
    ),
    "log": Case(
        *([0, 2], (1, [0.6931]), [0.6931], (-5, [0])),
        *({"sign_safe": 1}, "sign_safe of feature kind 'log' must be true or false, but is 1"),
    ),
    "clip": Case(
        *([1, 2], (2, [2]), [1.5], (9, [3])),
        *({"minimum": 5, "maximum": 3}, "maximum of feature kind 'clip' must be above minimum, 5,"),
        options={"maximum": 3},
    ),
    "k_bins": Case(
        *([0, 1, 9, 10], (9, [0, 1]), [0, 0], (-5, [1, 0])),
        *({"n_bins": 1}, "n_bins of feature kind 'k_bins' must be an integer from 2 to 1000, but"),
        options={"n_bins": 2},
    ),
    "quantile": Case(
        *([1, 2, 9], (2, [0.5]), [0.5], (99, [1])),
        *({"n_quantiles": 1}, "'quantile' must be an integer from 2 to 10000, but is 1"),
    ),
    "normalize": Case(
        *([5], (3, [1]), [0], (-2, [-1])),
        *({"norm": "l0"}, "norm of feature kind 'normalize' must be one of 'l1', 'l2', 'max', but"),
    ),
    "one_hot": Case(
        *(["a", "b", "a", "c"], ("a", [1, 0]), [0, 0], ("never", [0, 1])),
        *({"max_categories": 0}, "'one_hot' must be an integer from 1 or None, but is 0"),
        options={"max_categories": 2},
    ),
    "ordinal": Case(
        *(["b", "a"], ("b", [1]), [-1], ("c", [-1])),
        *({"unknown_value": "x"}, "unknown_value of feature kind 'ordinal' must be a number, but"),
    ),
    # MurmurHash3, seed 0, of "red" is -347068675, of "blue" -389811965: column |hash| modulo 4.
    "hashing": Case(
        *([], ("red", [0, 0, 0, -1]), [0, 0, 0, 0], ("blue", [0, -1, 0, 0])),
        *({"n_features": 0}, "n_features of feature kind 'hashing' must be an integer from 1 to"),
        options={"n_features": 4},
    ),
    "multi_hot": Case(
        *(["a|b", "b"], ("a|b", [1, 1]), [0, 0], ("c|b", [0, 1])),
        *({"separator": ""}, "separator of feature kind 'multi_hot' must be a text that is not em"),
    ),
    # (1 + 1 * 3 / 4) / (1 + 1), of all rows 3 / 4.
    "target_mean": Case(
        *(["a", "b", "b", "c"], ("a", [0.875]), [0.75], ("never", [0.75])),
        *({"smooth": -1}, "smooth of feature kind 'target_mean' must be a number from 0, but is"),
        options={"smooth": 1.0},
        labels=[1, 1, 0, 1],
    ),
    "count": Case(
        *(["red blue", "red"], ("red red", [0, 2]), [0, 0], ("green", [0, 0])),
        *({"min_df": 0}, "min_df of feature kind 'count' must be an integer from 1, but is 0"),
    ),
    # 1.4055 and 1, brought to length 1.
    "tf_idf": Case(
        *(["red blue", "red"], ("red blue", [0.8148, 0.5797]), [0, 0], ("green", [0, 0])),
        *({"norm": "l0"}, "norm of feature kind 'tf_idf' must be one of 'l1', 'l2', 'max', but"),
    ),
    # One trigram each, so one column of length 1.
    "char_ngrams": Case(
        *(["x"], ("a", [1]), [0], ("b", [1])),
        *({"ngram_range": (3, 2)}, "'char_ngrams' must be two integers from 1 to 10, not falling"),
        options={"n_features": 1, "alternate_sign": False},
    ),
    "date_parts": Case(
        *(["2020-02-29"], ("2020-02-29", [2020, 5]), [2020, 5], ("2024-01-01", [2024, 0])),
        *({"parts": ("minute",)}, "parts of feature kind 'date_parts' must be some of year, month"),
        options={"parts": ("year", "weekday")},
    ),
    "age": Case(
        *(["2024-01-01"], ("2024-01-01", [30]), [30], ("2024-02-02", [-2])),
        *({"reference": "now"}, "reference of feature kind 'age' must be a date or a time, such"),
        options={"reference": "2024-01-31"},
    ),
    "extract": Case(
        *(["1 kg", "2 kg", "3 g"], ("9 kg", [1, 0]), [0, 0], ("5 oz", [0, 1])),
        *({"pattern": "("}, "pattern of feature kind 'extract' must be a regular expression, but"),
        options={"pattern": r"\d (\w+)", "output": "category", "min_frequency": 2},
    ),
    "when": Case(
        *([], ("DVD", [1]), [-1], ("never", [-1])),
        *({"operator": "~"}, "operator of feature kind 'when' must be one of '==', '!=', '<', '<="),
        options={"operator": "==", "value": "DVD", "otherwise": -1},
    ),
}


def test_every_kind_stands_here() -> None:
    assert list(CASES) == list(TRANSFORMS)


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("asked", ["seen", "missing", "unseen"])
def test_the_answer_is_the_one_computed_by_hand(kind: str, asked: str) -> None:
    case = CASES[kind]
    rule = FeatureRule("feature", ("x",), kind, case.options)
    labelled = None
    if case.labels is not None:
        folds = [0 for _ in case.labels]
        labelled = [LabelledChunk({"x": case.fitted}, case.labels, folds)]
    block = fit_block([rule], [{"x": case.fitted}], labelled=labelled)
    value, expected = {
        "seen": case.seen,
        "missing": (None, case.missing),
        "unseen": case.unseen,
    }[asked]
    given = block.transform({"x": [value]})
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, [expected], atol=1e-4)


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_a_wrong_option_names_rule_option_and_what_came(kind: str) -> None:
    case = CASES[kind]
    with pytest.raises(ConfigurationError) as raised:
        FeatureRule("feature", ("x",), kind, {**case.options, **case.wrong})
    assert str(raised.value).startswith("Feature rule 'feature': Option ")
    assert case.sentence in str(raised.value)
    assert repr(list(case.wrong.values())[-1]) in str(raised.value)


def test_scikit_learn_checks_every_kind() -> None:
    checked: set[str] = set()
    for module in Path(__file__).parent.glob("test_*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        lists = {
            ast.unparse(target): node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "parametrize_with_checks":
                given = lists.get(ast.unparse(node.args[0]), node.args[0])
                checked |= {
                    ast.unparse(one.func) for one in ast.walk(given) if isinstance(one, ast.Call)
                }
    assert checked >= {kind.transform.__name__ for kind in TRANSFORMS.values()}
