import dataclasses
import json
import math
from typing import Any

import pytest

from edgerec.config import (
    EmbeddingSettings,
    ExportSettings,
    NetworkSettings,
    TasteSettings,
    TrainSettings,
    settings_from_mapping,
    settings_to_mapping,
)
from edgerec.errors import ConfigurationError


@pytest.mark.parametrize(
    ("settings", "name", "value", "expected"),
    [
        (EmbeddingSettings, "embedding_dim", 0, "at least 1"),
        (EmbeddingSettings, "window", 0, "at least 1"),
        (EmbeddingSettings, "epochs", -1, "at least 1"),
        (EmbeddingSettings, "negative", 0, "at least 1, or 0 beside hs=1"),
        (EmbeddingSettings, "sg", 2, "1 (skip-gram) or 0 (CBOW)"),
        (EmbeddingSettings, "hs", -1, "1 (hierarchical softmax) or 0 (without it)"),
        (EmbeddingSettings, "min_count", 0, "at least 1"),
        (EmbeddingSettings, "session_gap", -1, "at least 0"),
        (EmbeddingSettings, "workers", -1, "at least 0"),
        (EmbeddingSettings, "sample", 1.0, "in [0, 1)"),
        (EmbeddingSettings, "sample", math.nan, "in [0, 1)"),
        (NetworkSettings, "hidden_layer_sizes", (), "a tuple of widths, each at least 1"),
        (NetworkSettings, "hidden_layer_sizes", (8, 0), "a tuple of widths, each at least 1"),
        (NetworkSettings, "hidden_layer_sizes", [8], "a tuple of widths, each at least 1"),
        (NetworkSettings, "hidden_layer_sizes", 8, "a tuple of widths, each at least 1"),
        (NetworkSettings, "alpha", -1.0, "at least 0"),
        (NetworkSettings, "batch_size", 1, "at least 2"),
        (NetworkSettings, "learning_rate", 0.0, "above 0"),
        (NetworkSettings, "max_epochs", 0, "at least 1"),
        (NetworkSettings, "patience", 0, "at least 1"),
        (TasteSettings, "n_latent", 65, "from 0 to 64"),
        (TasteSettings, "n_content", -1, "from 0 to 256"),
        (TasteSettings, "n_rounds", 0, "at least 1"),
        (TrainSettings, "n_history", 0, "from 1 to 10000"),
        (TrainSettings, "n_history", 10_001, "from 1 to 10000"),
        (TrainSettings, "n_folds", 1, "from 2 to 100"),
        (TrainSettings, "held_out_share", 0.0, "in (0, 0.5]"),
        (TrainSettings, "held_out_share", 0.6, "in (0, 0.5]"),
        (TrainSettings, "n_compared", 0, "at least 1"),
        (TrainSettings, "objective", "best", "'samples' or 'top'"),
        (TrainSettings, "cut_share", 1.0, "in (0, 1)"),
        (TrainSettings, "n_candidates", 1, "at least 2"),
        (TrainSettings, "popularity_penalty", -0.1, "from 0 to 2"),
        (TrainSettings, "chunk_rows", 1023, "at least 1024"),
        (TrainSettings, "random_state", -1, "at least 0"),
    ],
)
def test_a_value_out_of_range_is_refused(
    settings: Any, name: str, value: object, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**{name: value})
    assert str(caught.value) == (
        f"{settings.__name__}.{name} must be {expected}, but is {value!r}. "
        f"Pass {name}=… with such a value."
    )


def test_settings_survive_json():
    settings = TrainSettings(
        n_history=7,
        held_out_share=0.25,
        embedding=EmbeddingSettings(embedding_dim=3, sample=0.0),
        network=NetworkSettings(hidden_layer_sizes=(4, 2), alpha=0.0),
    )
    text = json.dumps(settings_to_mapping(settings))
    assert settings_from_mapping(json.loads(text)) == settings


@pytest.mark.parametrize("settings", [EmbeddingSettings(), NetworkSettings(), TrainSettings()])
def test_settings_are_frozen(settings: Any) -> None:
    field = dataclasses.fields(settings)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, field, 1)


def test_the_objective_top_needs_neighbours() -> None:
    with pytest.raises(ConfigurationError, match="which takes its candidates from there"):
        TrainSettings(objective="top")


def test_a_shortlist_is_long_enough_or_none() -> None:
    assert ExportSettings(n_shortlist=0).n_shortlist == 0
    with pytest.raises(ConfigurationError, match="n_shortlist must be 0, or 10 and more, but is 9"):
        ExportSettings(n_shortlist=9)
