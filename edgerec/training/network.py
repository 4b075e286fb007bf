"""The multi-layer perceptron: scikit-learn's, with what partial_fit leaves to its caller.

`MLPClassifier.partial_fit` refuses `early_stopping`, keeps its optimiser to itself and has no
schedule. Here are the few places that reach behind it: reading and restoring its state.
"""

import dataclasses
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from edgerec.config import NetworkSettings
from edgerec.training.rows import standardise

Array = NDArray[np.float32]
_CLASSES: Final = np.array([0, 1])
# The learning rate falls linearly to this share of its start.
_LAST_RATE: Final = 0.05
# Samples for which alpha stands by the objective "top".
_ALPHA_ROWS: Final = 150_000
# What scikit-learn warns of when Ctrl-C comes while it fits.
_INTERRUPTED: Final = "Training interrupted by user"


@dataclass(frozen=True)
class Weights:
    """The fitted network and its standardisation: all that scoring needs."""

    coefficients: tuple[Array, ...]
    """per layer [inputs, outputs]"""
    intercepts: tuple[Array, ...]
    """per layer [outputs]"""
    mean: Array
    """[width]"""
    inverse_spread: Array
    """[width]"""


def new_network(settings: NetworkSettings, width: int, random_state: int) -> MLPClassifier:
    """Return a network of `width` inputs whose weights are drawn and not yet fitted."""
    network = MLPClassifier(
        hidden_layer_sizes=settings.hidden_layer_sizes,
        alpha=settings.alpha,
        batch_size=settings.batch_size,
        learning_rate_init=settings.learning_rate,
        random_state=random_state,
    )
    # One call on zeros makes scikit-learn draw the weights and build the optimiser; a rate of
    # (nearly) nothing leaves the drawn weights as they are.
    network.set_params(batch_size=2, learning_rate_init=1e-30)
    network.partial_fit(np.zeros((2, width), np.float32), np.array([0, 1]), classes=_CLASSES)
    network.set_params(batch_size=settings.batch_size, learning_rate_init=settings.learning_rate)
    optimiser = network._optimizer
    optimiser.t = 0
    for moments in (*optimiser.ms, *optimiser.vs):
        moments[:] = 0
    return network


def for_rows(settings: NetworkSettings, n_rows: int) -> NetworkSettings:
    """Return the settings with the L2 penalty that suits so many samples of the objective "top".

    A prior of the weights is worth the same samples however many there are; scikit-learn divides
    alpha by the batch and so lets it grow with them. With the alpha that suits MovieLens
    latest-small, 150 000 candidates, a network of Online Retail's 1.2 million gives up all but the
    strongest columns: on a validation cut its NDCG@10 falls from .060 to .049.

    >>> for_rows(NetworkSettings(alpha=0.3), 1_500_000).alpha
    0.03
    """
    share = min(1.0, _ALPHA_ROWS / max(n_rows, 1))
    return dataclasses.replace(settings, alpha=round(settings.alpha * share, 12))


def set_learning_rate(network: MLPClassifier, start: float, share_done: float) -> None:
    """Lower the rate linearly with the share of all epochs that is done.

    scikit-learn has schedules for SGD alone; Adam reads this attribute at each step.
    """
    network._optimizer.learning_rate_init = start * (1 - (1 - _LAST_RATE) * share_done)


def fit_rows(
    network: MLPClassifier,
    features: Array,
    label: Array,
    batch_size: int,
    weight: Array | None = None,
) -> None:
    """Fit the rows once: float32 [n, width], [n] and [n]; without weights all count alike.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C; scikit-learn alone would turn it into a warning and go on.
    """
    # The last rows of an epoch may be fewer than a batch, which scikit-learn warns of.
    network.set_params(batch_size=min(batch_size, len(label)))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", _INTERRUPTED, UserWarning)
        try:
            network.partial_fit(features, label.astype(np.int64), sample_weight=weight)
        except UserWarning as warning:
            if str(warning).startswith(_INTERRUPTED):
                raise KeyboardInterrupt from None
            raise


def weights_of(network: MLPClassifier, mean: Array, inverse_spread: Array) -> Weights:
    """Return a copy of the weights."""
    return Weights(
        tuple(coefficient.copy() for coefficient in network.coefs_),
        tuple(intercept.copy() for intercept in network.intercepts_),
        mean,
        inverse_spread,
    )


def set_weights(network: MLPClassifier, weights: Weights) -> None:
    """Put the weights into the network."""
    for own, given in zip(network.coefs_, weights.coefficients, strict=True):
        own[:] = given
    for own, given in zip(network.intercepts_, weights.intercepts, strict=True):
        own[:] = given


def scoring_network(weights: Weights) -> MLPClassifier:
    """Return a scikit-learn network that holds the weights, for scoring and conversion."""
    widths = tuple(len(intercept) for intercept in weights.intercepts[:-1])
    settings = NetworkSettings(hidden_layer_sizes=widths)
    network = new_network(settings, len(weights.mean), 0)
    set_weights(network, weights)
    return network


def score(network: MLPClassifier, weights: Weights, features: Array) -> Array:
    """Return the probability of label 1: float32 [n] for features [n, width]."""
    if not len(features):
        return np.zeros(0, np.float32)
    standard = standardise(features, weights.mean, weights.inverse_spread)
    probability: Array = network.predict_proba(standard)[:, 1].astype(np.float32)
    return probability


def optimiser_state(network: MLPClassifier) -> dict[str, NDArray[Any]]:
    """Return Adam's state and the random state, as arrays for a checkpoint."""
    optimiser = network._optimizer
    _, key, position, _, _ = network._random_state.get_state()
    arrays = {
        "step": np.array(optimiser.t),
        "random_key": key,
        "random_position": np.array(position),
    }
    for number, (first, second) in enumerate(zip(optimiser.ms, optimiser.vs, strict=True)):
        arrays[f"first_moment_{number}"] = first
        arrays[f"second_moment_{number}"] = second
    return arrays


def restore_optimiser(network: MLPClassifier, arrays: dict[str, NDArray[Any]]) -> None:
    """Put back what `optimiser_state` returned."""
    optimiser = network._optimizer
    optimiser.t = int(arrays["step"])
    for number in range(len(optimiser.ms)):
        optimiser.ms[number] = arrays[f"first_moment_{number}"].copy()
        optimiser.vs[number] = arrays[f"second_moment_{number}"].copy()
    network._random_state.set_state(
        ("MT19937", arrays["random_key"], int(arrays["random_position"]), 0, 0.0)
    )
