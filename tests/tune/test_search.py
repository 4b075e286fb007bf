"""The search over a known hill: it climbs, resumes to the same bytes, and distrusts luck."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.config import NetworkSettings, TrainSettings
from edgerec.errors import ConfigurationError, StateError
from edgerec.tune.search import tune
from edgerec.tune.space import SearchSpace, point_of, settings_at

ABOUT = {"data": "a hill", "metric": "height"}


def hill(settings: TrainSettings) -> tuple[float, dict[str, float]]:
    """Highest at alpha 0.1; seeds differ by a hundredth of what the hill is high."""
    noise = float(np.random.default_rng(settings.random_state).normal(0, 0.002))
    height = -0.1 * (math.log10(settings.network.alpha) + 1) ** 2 + noise
    return height, {"height": height}


def test_the_best_is_higher_than_the_start(tmp_path: Path) -> None:
    outcome = tune(hill, TrainSettings(), tmp_path / "record.json", ABOUT, n_trials=12)
    assert outcome.record.trials[0].point == point_of(TrainSettings())
    assert len(outcome.record.trials) == 12
    assert outcome.improved
    assert outcome.gain > 0.05 > outcome.noise
    assert 0.03 <= outcome.best.network.alpha < 0.5


def test_luck_is_not_taken_for_a_gain(tmp_path: Path) -> None:
    def lucky(settings: TrainSettings) -> tuple[float, dict[str, float]]:
        """Look better with the seed of the search alone; with others, only by chance."""
        if settings.random_state == 0:
            return float(settings.network.alpha != 1), {}
        seed = [settings.random_state, round(1e6 * settings.network.alpha)]
        return float(np.random.default_rng(seed).normal()), {}

    outcome = tune(lucky, TrainSettings(), tmp_path / "record.json", ABOUT, n_trials=4)
    assert max(one.quality for one in outcome.record.trials) == 1
    assert len(outcome.record.confirmations) == 6
    assert abs(outcome.gain) < 2 * outcome.noise
    assert not outcome.improved


def test_an_interrupted_search_goes_on_to_the_same_result(tmp_path: Path) -> None:
    whole = tune(hill, TrainSettings(), tmp_path / "whole.json", ABOUT, n_trials=9)
    calls = 0

    def interrupted(settings: TrainSettings) -> tuple[float, dict[str, float]]:
        nonlocal calls
        calls += 1
        if calls in (4, 9, 13):
            raise KeyboardInterrupt
        return hill(settings)

    path = tmp_path / "part.json"
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            tune(interrupted, TrainSettings(), path, ABOUT, n_trials=9)
    resumed = tune(interrupted, TrainSettings(), path, ABOUT, n_trials=9)
    assert _untimed(resumed.record) == _untimed(whole.record)
    assert resumed.best == whole.best
    assert calls == 3 + 9 + 6


def _untimed(record: Any) -> list[tuple[Any, ...]]:
    return [
        (one.point, one.random_state, one.quality)
        for one in (*record.trials, *record.confirmations)
    ]


def test_more_trials_go_on_from_fewer(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    few = tune(hill, TrainSettings(), path, ABOUT, n_trials=3).record.trials
    many = tune(hill, TrainSettings(), path, ABOUT, n_trials=6).record.trials
    assert many[:3] == few
    assert len(many) == 6


def test_a_record_of_another_search_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    tune(hill, TrainSettings(), path, ABOUT, n_trials=1)
    with pytest.raises(StateError) as raised:
        tune(hill, TrainSettings(n_folds=7), path, {**ABOUT, "data": "another"}, n_trials=1)
    assert str(raised.value) == (
        f"{path} is the record of another search: its data, settings differ from what is asked for "
        "now. Remove it, or name another file with --record, to begin anew."
    )


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text("[]")
    with pytest.raises(StateError, match="is not a record of a search") as raised:
        tune(hill, TrainSettings(), path, ABOUT, n_trials=1)
    assert str(raised.value).endswith(
        "Remove it, or name another file with --record, to begin anew."
    )
    assert path.read_text() == "[]"


def test_the_start_may_lie_outside_of_the_space(tmp_path: Path) -> None:
    network = NetworkSettings(hidden_layer_sizes=(48, 24), alpha=50.0, max_epochs=1)
    start = TrainSettings(n_history=7, network=network)
    outcome = tune(hill, start, tmp_path / "record.json", ABOUT, n_trials=8)
    assert outcome.record.trials[0].point == point_of(start)
    assert settings_at(TrainSettings(), point_of(start)) == start
    described = json.loads((tmp_path / "record.json").read_text())["about"]["space"]
    assert described["hidden_layer_sizes"] == [[32], [48, 24], [64], [96], [128]]
    assert described["alpha"] == [0.03, 50.0]


def test_a_space_of_one_point_tries_it_alone(tmp_path: Path) -> None:
    space = SearchSpace(((96,),), (200,), (32,), (1.0, 1.0), (1e-3, 1e-3), (16, 16))
    outcome = tune(hill, TrainSettings(), tmp_path / "record.json", ABOUT, space=space, n_trials=3)
    assert {json.dumps(one.point) for one in outcome.record.trials} == {
        json.dumps(point_of(TrainSettings()))
    }
    assert not outcome.improved
    assert not outcome.record.confirmations


def test_an_empty_choice_is_refused() -> None:
    with pytest.raises(ConfigurationError) as raised:
        dataclasses.replace(SearchSpace(), n_history=())
    assert str(raised.value) == (
        "SearchSpace.n_history must hold at least one choice, but is empty. Name the value to "
        "keep, for example the one that training has by default."
    )
