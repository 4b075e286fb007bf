import inspect

import pytest

from edgerec.columns import COLUMN_KINDS, StatisticsNeeded
from edgerec.errors import ConfigurationError, StateError
from edgerec.features.tabular import TRANSFORMS, build
from edgerec.features.tabular.registry import transform_from_state

KINDS = list(TRANSFORMS)


@pytest.mark.parametrize("name", KINDS)
def test_options_are_those_of_the_constructor(name: str) -> None:
    kind = TRANSFORMS[name]
    signature = inspect.signature(kind.transform)
    assert [option.name for option in kind.options] == list(signature.parameters)
    for option in kind.options:
        assert signature.parameters[option.name].default == option.default
        assert option.doc
        assert option.type


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_what_it_does(name: str) -> None:
    kind = TRANSFORMS[name]
    assert kind.doc
    assert kind.missing
    assert kind.unseen
    assert kind.accepts
    assert set(kind.accepts) <= set(COLUMN_KINDS)
    assert kind.name == name


def test_the_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSFORMS["other"] = TRANSFORMS["log"]  # type: ignore[index]


def test_a_kind_says_which_statistics_it_needs() -> None:
    assert TRANSFORMS["hashing"].needs({}) == StatisticsNeeded()
    assert TRANSFORMS["robust"].needs({}).quantiles == (0.25, 0.5, 0.75)
    assert TRANSFORMS["one_hot"].needs({"max_categories": 8}).n_top_values == 8
    assert TRANSFORMS["count"].needs({}).n_top_values == -1
    assert len(TRANSFORMS["quantile"].needs({}, n_rows=7).quantiles) == 8
    assert len(TRANSFORMS["quantile"].needs({}).quantiles) == 1001


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build("minmax")
    assert str(caught.value) == (
        "There is no feature kind 'minmax'. Did you mean 'min_max'? The kinds are "
        f"{', '.join(KINDS)}."
    )


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build("k_bins", {"bins": 4})
    assert str(caught.value) == (
        "Feature kind 'k_bins' has no option 'bins'. Did you mean 'n_bins'? It takes n_bins, "
        "strategy, encode, add_indicator."
    )


def test_options_that_do_not_go_together_are_refused_before_fitting() -> None:
    with pytest.raises(ConfigurationError, match="must be above minimum, 3, but is 2"):
        build("clip", {"minimum": 3, "maximum": 2})


def test_a_wrong_state_is_refused() -> None:
    with pytest.raises(StateError, match="kind 'minmax', which does not exist"):
        transform_from_state({"kind": "minmax"})
    state = build("min_max").fit_columns([]).to_state()
    with pytest.raises(StateError, match="state of feature kind 'min_max' is not whole"):
        transform_from_state({**state, "fitted": {}})
    with pytest.raises(StateError, match="of feature kind 'min_max', but 'log' was expected"):
        TRANSFORMS["log"].transform.from_state(state)
