"""What a search found: files that were exported, single steps, and the choice."""

from dataclasses import dataclass, field

from edgerec.budget.bounds import Budget, Point, missed
from edgerec.budget.measuring import Glance
from edgerec.errors import BudgetError
from edgerec.training.ranker import Ranker


@dataclass(frozen=True)
class Step:
    """One knob turned by itself, from a file in which the others are as they were."""

    knob: str
    notch: int
    before: Glance
    after: Glance


@dataclass(frozen=True)
class Frontier:
    """What a search found."""

    budget: Budget
    max_loss: float
    points: tuple[Point, ...]
    """all files that were exported, in the order in which they were tried"""
    steps: tuple[Step, ...]
    chosen: Point | None
    """the file with the smallest loss that meets the budget; None: there is none"""
    n_samples: int
    """held-out samples that losses were measured on"""
    rankers: dict[int, Ranker] = field(default_factory=dict, compare=False, repr=False)
    """those trained again, by the position of their points"""

    def best(self) -> list[Point]:
        """Return the points that no other beats, the largest file first."""
        return sorted(
            (one for one in self.points if not any(_beats(other, one) for other in self.points)),
            key=lambda one: (-one.n_bytes, one.loss),
        )

    def require_chosen(self) -> Point:
        """Return the chosen point.

        Raises
        ------
        BudgetError
            There is none; the sentence says by how much each bound is missed.
        """
        if self.chosen is not None:
            return self.chosen
        allowed = [one for one in self.points if one.loss <= self.max_loss] or list(self.points)
        nearest = min(allowed, key=lambda one: (self.budget.excess_share(one), one.loss))
        lost = f"{nearest.loss:.5f} of AUC or GAUC lost; at most {self.max_loss:g} is allowed"
        within = [one for one in self.points if not self.budget.excess(one)]
        advice = "Raise the bounds."
        if within:
            least = min(within, key=lambda one: one.loss)
            advice = (
                f"Raise the bounds, or allow a loss of {least.loss:.5f} (--max-loss), with which "
                f"this file meets them: {least.what}."
            )
        raise BudgetError(
            f"No file meets the budget, so none was written. Of {len(self.points)} that were "
            f"exported the nearest ({nearest.what}; {lost}) misses it: "
            f"{missed(self.budget, nearest) or 'by its loss'}. {advice}"
        )


def _beats(one: Point, other: Point) -> bool:
    """Return whether a file is no worse than another in bytes, time and loss, and better in one."""
    # Times are measured: two hundredths are none.
    mine, its = (
        (point.n_bytes, point.ms * factor, point.loss)
        for point, factor in ((one, 0.98), (other, 1.0))
    )
    no_worse = all(left <= right for left, right in zip(mine, its, strict=True))
    return no_worse and (one.n_bytes, one.loss) != (other.n_bytes, other.loss)
