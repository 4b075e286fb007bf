"""What a device allows, and what a file takes of it."""

import math
from dataclasses import dataclass
from typing import Final

from edgerec.config import ExportSettings, TrainSettings
from edgerec.errors import ConfigurationError
from edgerec.export.cost import RoundingCost

BOUNDS: Final = ("n_bytes", "ms", "resident_bytes")
"""what a file takes, by the name of its field in Point and in Budget"""
_WORDS: Final = {"n_bytes": "size", "ms": "time", "resident_bytes": "memory"}


@dataclass(frozen=True)
class Point:
    """A file that was exported, parity check included, and what it takes and costs."""

    settings: ExportSettings
    trained: TrainSettings
    """of the ranker: another's where it was trained again"""
    what: str
    """how it differs from the file as it was trained, in words"""
    n_bytes: int
    ms: float
    """median of 100 candidates with a full history, one thread, here"""
    resident_bytes: int | None
    """of a fresh process of the device's server that holds the file; None: the system does not
    say"""
    cost: RoundingCost | None
    """on held-out samples, against the file as it was trained; None: it is that file"""

    @property
    def loss(self) -> float:
        """Of AUC or GAUC, the larger one; a gain by chance is no loss. In steps of .00001."""
        return 0.0 if self.cost is None else round(max(0.0, self.cost.loss), 5)

    @property
    def overlap(self) -> float:
        """Share of the ten best of the catalogue that stay; 1 where no user was held out."""
        found = 1.0 if self.cost is None else self.cost.top_10_overlap
        return 1.0 if math.isnan(found) else found


@dataclass(frozen=True)
class Budget:
    """Upper bounds; None: none.

    >>> Budget(ms=0)
    Traceback (most recent call last):
    ...
    edgerec.errors.ConfigurationError: The bound of time is 0; it must be above 0.
    """

    n_bytes: float | None = None
    ms: float | None = None
    resident_bytes: float | None = None

    def __post_init__(self) -> None:
        for name in BOUNDS:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigurationError(
                    f"The bound of {_WORDS[name]} is {value:g}; it must be above 0."
                )

    def bounds(self) -> dict[str, float]:
        """Return the bounds there are, by name."""
        return {name: getattr(self, name) for name in BOUNDS if getattr(self, name) is not None}

    def excess(self, point: Point) -> dict[str, float]:
        """Return by how much a file is above each bound that it misses."""
        over = {}
        for name, bound in self.bounds().items():
            taken = getattr(point, name)
            if taken is not None and taken > bound:
                over[name] = taken - bound
        return over

    def excess_share(self, point: Point) -> float:
        """Return the largest excess as a share of its bound; 0 where all are met."""
        bounds = self.bounds()
        return max((over / bounds[name] for name, over in self.excess(point).items()), default=0.0)


def said(name: str, amount: float) -> str:
    """Write an amount of what a bound is of.

    >>> said("n_bytes", 2_130_000), said("n_bytes", 2_130), said("ms", 0.314)
    ('2.13 MB', '2.1 KB', '0.31 ms')
    """
    if name == "ms":
        return f"{amount:.2f} ms"
    return f"{amount / 1e6:.2f} MB" if amount >= 1e6 else f"{amount / 1e3:.1f} KB"


def missed(budget: Budget, point: Point) -> str:
    """Say by how much each bound is missed."""
    bounds = budget.bounds()
    return ", ".join(
        f"{_WORDS[name]} {said(name, getattr(point, name))} is {said(name, over)} "
        f"({over / bounds[name]:.0%}) above {said(name, bounds[name])}"
        for name, over in budget.excess(point).items()
    )
