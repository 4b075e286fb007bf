"""What a configuration says of training, as settings."""

from edgerec.config import (
    TOP_NETWORK,
    EmbeddingSettings,
    NetworkSettings,
    TextSettings,
    TrainSettings,
)
from edgerec.declared.schema import Configuration

_NEIGHBOURS = 50
_HISTORY = 200
# Long enough for nearly everybody: item-item weights want all that a user took.
_LONG_HISTORY = 1000
# What a candidate is compared with one by one costs time for each item of a catalogue.
_COMPARED = 100


def objective_of(configuration: Configuration) -> str:
    """Return what the network learns, as declared or by the rule."""
    label = configuration.label
    by_rule = "top" if label.rule == "taken" and label.negatives is None else "samples"
    return configuration.training.objective or by_rule


def train_settings(configuration: Configuration) -> TrainSettings:
    """Return the settings that the section [training] declares."""
    training = configuration.training
    objective = objective_of(configuration)
    network = TOP_NETWORK if objective == "top" else NetworkSettings()
    plain = {**vars(network), **training.network.model_dump(exclude_unset=True)}
    plain["hidden_layer_sizes"] = tuple(plain["hidden_layer_sizes"])
    n_neighbours = training.n_neighbours
    if n_neighbours is None:
        needed = objective == "top" or configuration.label.rule == "taken"
        n_neighbours = _NEIGHBOURS if needed else 0
    return TrainSettings(
        n_neighbours=n_neighbours,
        objective=objective,
        cut_share=training.cut_share,
        n_candidates=training.n_candidates,
        popularity_penalty=training.popularity_penalty,
        n_history=training.n_history or (_LONG_HISTORY if objective == "top" else _HISTORY),
        n_compared=training.n_compared or (_COMPARED if objective == "top" else _HISTORY),
        n_known_interactions=training.n_known_interactions,
        n_folds=training.n_folds,
        held_out_share=training.held_out_share,
        random_state=training.random_state,
        embedding=EmbeddingSettings(**training.embedding.model_dump(exclude={"sequences"})),
        text=_text_settings(configuration),
        network=NetworkSettings(**plain),
    )


def _text_settings(configuration: Configuration) -> TextSettings:
    text = configuration.text
    return (
        TextSettings()
        if text is None
        else TextSettings(**text.model_dump(exclude={"columns", "tags"}))
    )
