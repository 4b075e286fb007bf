"""What a search may change: choices and ranges, widened to hold the settings it starts from."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from edgerec.config import TrainSettings
from edgerec.errors import ConfigurationError

Value = str | int | float


@dataclass(frozen=True)
class SearchSpace:
    """Choices are tried as they stand, ranges between their ends (alpha and rate by magnitude).

    Raises
    ------
    ConfigurationError
        A range whose lower end is not below its upper one, or no choice.

    >>> SearchSpace(alpha=(1.0, 0.1))
    Traceback (most recent call last):
    ...
    edgerec.errors.ConfigurationError: SearchSpace.alpha must be (lowest, highest) with ...
    """

    hidden_layer_sizes: tuple[tuple[int, ...], ...] = ((32,), (64,), (96,), (128,))
    """choices: widths of the hidden layers"""
    n_history: tuple[int, ...] = (50, 100, 200)
    """choices: newest items of a user that count"""
    embedding_dim: tuple[int, ...] = (16, 32, 64)
    """choices: width of an item's vector"""
    alpha: tuple[float, float] = (0.03, 10.0)
    """range of the L2 penalty"""
    learning_rate: tuple[float, float] = (3e-4, 3e-3)
    """range of Adam's rate at the start"""
    max_epochs: tuple[int, int] = (2, 32)
    """range of the passes over the samples"""

    def __post_init__(self) -> None:
        for name in ("hidden_layer_sizes", "n_history", "embedding_dim"):
            if not getattr(self, name):
                raise ConfigurationError(
                    f"SearchSpace.{name} must hold at least one choice, but is empty. Name the "
                    "value to keep, for example the one that training has by default."
                )
        for name in ("alpha", "learning_rate", "max_epochs"):
            ends = getattr(self, name)
            if len(ends) != 2 or not 0 < ends[0] <= ends[1]:
                raise ConfigurationError(
                    f"SearchSpace.{name} must be (lowest, highest) with 0 < lowest <= highest, but "
                    f"is {ends!r}. Give two such numbers, twice the same one to keep it."
                )

    def around(self, settings: TrainSettings) -> Self:
        """Return the space widened so that `settings` lie in it.

        >>> SearchSpace().around(TrainSettings(n_history=70)).n_history
        (50, 70, 100, 200)
        """
        start = point_of(settings)
        widened: dict[str, Any] = {
            name: (min(low, start[name]), max(high, start[name]))
            for name, (low, high) in self._ranges().items()
        }
        widened["n_history"] = _with(self.n_history, settings.n_history)
        widened["embedding_dim"] = _with(self.embedding_dim, settings.embedding.embedding_dim)
        widened["hidden_layer_sizes"] = _with(
            self.hidden_layer_sizes, settings.network.hidden_layer_sizes
        )
        return dataclasses.replace(self, **widened)

    def choices(self) -> dict[str, tuple[Value, ...]]:
        """Return what is chosen from, by name; layers as in "64-32"."""
        layers = tuple(_layers(sizes) for sizes in self.hidden_layer_sizes)
        return {
            "hidden_layer_sizes": layers,
            "n_history": self.n_history,
            "embedding_dim": self.embedding_dim,
        }

    def _ranges(self) -> dict[str, tuple[Any, Any]]:
        return {name: getattr(self, name) for name in ("alpha", "learning_rate", "max_epochs")}


def point_of(settings: TrainSettings) -> dict[str, Any]:
    """Return the settings as a point of the space.

    >>> point_of(TrainSettings())["hidden_layer_sizes"]
    '96'
    """
    network = settings.network
    return {
        "hidden_layer_sizes": _layers(network.hidden_layer_sizes),
        "n_history": settings.n_history,
        "embedding_dim": settings.embedding.embedding_dim,
        "alpha": network.alpha,
        "learning_rate": network.learning_rate,
        "max_epochs": network.max_epochs,
    }


def settings_at(settings: TrainSettings, point: Mapping[str, Any]) -> TrainSettings:
    """Return `settings` with what the point names.

    >>> settings_at(TrainSettings(), {**point_of(TrainSettings()), "max_epochs": 3}).network
    NetworkSettings(hidden_layer_sizes=(96,), alpha=1.0, ..., max_epochs=3, patience=8)
    """
    network = dataclasses.replace(
        settings.network,
        hidden_layer_sizes=tuple(int(one) for one in point["hidden_layer_sizes"].split("-")),
        alpha=point["alpha"],
        learning_rate=point["learning_rate"],
        max_epochs=point["max_epochs"],
    )
    embedding = dataclasses.replace(settings.embedding, embedding_dim=point["embedding_dim"])
    return dataclasses.replace(
        settings, n_history=point["n_history"], network=network, embedding=embedding
    )


def _layers(sizes: tuple[int, ...]) -> str:
    return "-".join(str(one) for one in sizes)


def _with(choices: tuple[Any, ...], start: object) -> tuple[Any, ...]:
    return tuple(sorted({*choices, start}))
