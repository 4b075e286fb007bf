"""Searches the file that loses least within a budget.

First each knob is turned alone, by a notch and then another, and what that saves and costs is
measured. Then a path is walked from the file as it was trained: at each step the knob is turned
that, by those figures, brings the file nearest to its budget for the least loss; and what the path
reaches is exported and measured as a whole. A step that costs too much is taken back and its knob
left alone. At the end, knobs are turned back where there is room left. So some dozens of graphs
are measured, and not the thousands of a grid.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from edgerec.budget.bounds import BOUNDS, Budget, Point
from edgerec.budget.frontier import Frontier, Step
from edgerec.budget.measuring import Glance, Measuring
from edgerec.budget.space import Place, knobs, settings_at
from edgerec.errors import ConfigurationError
from edgerec.export_settings import ExportSettings
from edgerec.files import scratch_folder
from edgerec.progress import Progress, Silent
from edgerec.training.ranker import Ranker

# What a step costs is known to no better than this on some thousand samples.
_NOISE: Final = 2e-5
_MOST_STEPS: Final = 24
_MOST_TURNED_BACK: Final = 3


def search(
    ranker: Ranker,
    budget: Budget,
    settings: ExportSettings | None = None,
    *,
    again: Sequence[Callable[[], Ranker]] = (),
    progress: Progress | None = None,
) -> Frontier:
    """Export files until one meets the budget, and find which loses least.

    Parameters
    ----------
    ranker : Ranker
        A finished one.
    settings : ExportSettings, optional
        Where the search begins; a loss above its `max_loss` is not allowed.
    again : callables, optional
        Each trains a ranker of other widths on the same data, for which the path is walked too.

    Raises
    ------
    ConfigurationError
        Memory is to be bounded where the system does not say what a process has.
    ParityError
        A graph and its ranker disagree.
    KeyboardInterrupt
        Ctrl-C before anything met the budget. Later it ends the search, and the best is chosen.
    """
    progress = progress or Silent()
    with scratch_folder() as folder:
        walk = _Walk(ranker, budget, settings or ExportSettings(), progress, folder)
        try:
            walk.walk(ranker)
            for train in again:
                other = train()
                walk.walk(other)
        except KeyboardInterrupt:
            if walk.chosen() is None:
                raise
            progress.message("interrupted; of what was tried until now the best is taken")
        return walk.frontier()


class _Walk:
    def __init__(
        self,
        ranker: Ranker,
        budget: Budget,
        settings: ExportSettings,
        progress: Progress,
        folder: Path,
    ) -> None:
        self._budget, self._settings, self._progress = budget, settings, progress
        self._ranker = ranker
        self._knobs = knobs(ranker, settings)
        progress.stage("as it was trained")
        self._measuring = Measuring(ranker, settings, folder)
        self._steps: dict[tuple[str, int], Step] = {}
        self._points: list[Point] = []
        self._rankers: dict[int, Ranker] = {}

    def frontier(self) -> Frontier:
        return Frontier(
            self._budget,
            self._settings.max_loss,
            tuple(self._points),
            tuple(self._steps.values()),
            self.chosen(),
            len(self._ranker.held_out.label),
            self._rankers,
        )

    def chosen(self) -> Point | None:
        meeting = [
            one
            for one in self._points
            if not self._budget.excess(one) and one.loss <= self._settings.max_loss
        ]
        return min(meeting, key=lambda one: (one.loss, -one.overlap, one.n_bytes), default=None)

    def walk(self, ranker: Ranker) -> None:
        """Turn knobs until the budget is met, and then back what need not be."""
        place: dict[str, int] = dict.fromkeys(self._knobs, 0)
        last = self._export(ranker, place)
        if not self._budget.excess(last):
            return
        self._measure_steps()
        left_alone: set[str] = set()
        for _ in range(_MOST_STEPS):
            over = self._budget.excess(last)
            turned = self._next(place, last, left_alone) if over else None
            if turned is None:
                break
            tried = {**place, turned: place[turned] + 1}
            point = self._export(ranker, tried)
            if point.loss > self._settings.max_loss >= last.loss:
                left_alone.add(turned)
                continue
            place, last = tried, point
        if not self._budget.excess(last):
            self._turn_back(ranker, place, last)

    def _export(self, ranker: Ranker, place: Place) -> Point:
        settings = settings_at(self._settings, self._knobs, place)
        self._progress.stage(f"file {len(self._points) + 1}")
        point = self._measuring.point(ranker, settings)
        if self._budget.resident_bytes is not None and point.resident_bytes is None:
            raise ConfigurationError(
                "This system does not say how much memory a process has, so a bound of it cannot "
                "be kept. Leave out --max-rss, or export on Linux."
            )
        if ranker is not self._ranker:
            self._rankers[len(self._points)] = ranker
        self._points.append(point)
        self._progress.message(
            f"file {len(self._points)}: {point.n_bytes / 1e6:.2f} MB, {point.ms:.2f} ms, loss "
            f"{point.loss:.5f}: {point.what}"
        )
        return point

    def _measure_steps(self) -> None:
        """Turn each knob alone, from a small exact file: what a step saves there, it saves."""
        if self._steps:
            return
        base: dict[str, int] = dict.fromkeys(self._knobs, 0)
        start = self._glance(base)
        self._progress.stage("steps")
        n_steps = sum(len(notches) - 1 for notches in self._knobs.values())
        for knob, notches in self._knobs.items():
            before = start
            for notch in range(1, len(notches)):
                after = self._glance({**base, knob: notch})
                self._steps[knob, notch] = Step(knob, notch, before, after)
                self._progress.advance(len(self._steps), n_steps, knob)
                before = after
            # What costs nothing is taken before the others are measured: their tables are smaller.
            if knob in ("deduplicate", "precision") and self._is_bytes():
                exact = [
                    notch
                    for notch in range(1, len(notches))
                    if self._steps[knob, notch].after.loss <= _NOISE
                ]
                base[knob] = max(exact, default=0)
                start = self._steps[knob, base[knob]].after if base[knob] else start

    def _is_bytes(self) -> bool:
        return self._budget.n_bytes is not None or self._budget.resident_bytes is not None

    def _glance(self, place: Place) -> Glance:
        return self._measuring.glance(settings_at(self._settings, self._knobs, place))

    def _next(self, place: Place, last: Point, left_alone: set[str]) -> str | None:
        """Return the knob that brings the file nearest to its budget for the least loss."""
        over = self._budget.excess(last)
        best, most = None, 0.0
        for knob, notch in place.items():
            step = self._steps.get((knob, notch + 1))
            if step is None or knob in left_alone:
                continue
            relief = sum(
                min(1.0, max(0.0, _saved(step, bound)) / excess) for bound, excess in over.items()
            )
            value = relief / max(_lost(step), _NOISE)
            if value > most:
                best, most = knob, value
        return best

    def _turn_back(self, ranker: Ranker, place: dict[str, int], last: Point) -> None:
        """Turn knobs back that the budget does not need, the dearest first."""
        bounds = self._budget.bounds()
        for _ in range(_MOST_TURNED_BACK):
            fitting = [
                (_lost(self._steps[knob, notch]), knob)
                for knob, notch in place.items()
                if notch and _lost(self._steps[knob, notch]) > _NOISE
                if all(
                    (getattr(last, bound) or 0) + _saved(self._steps[knob, notch], bound) <= most
                    for bound, most in bounds.items()
                )
            ]
            if not fitting:
                return
            knob = max(fitting)[1]
            place = {**place, knob: place[knob] - 1}
            point = self._export(ranker, place)
            if self._budget.excess(point):
                return
            last = point


def _saved(step: Step, bound: str) -> float:
    """Return what a step saves of a bound; memory falls with the bytes, as far as it does."""
    assert bound in BOUNDS
    if bound == "ms":
        return step.before.ms - step.after.ms
    return float(step.before.n_bytes - step.after.n_bytes)


def _lost(step: Step) -> float:
    """Return what a step loses; a gain is as dear.

    Of some thousand samples a step that changes scores much may gain as well as lose by chance,
    and one that changes nothing is the better one to take.
    """
    return abs(step.after.loss - step.before.loss)
