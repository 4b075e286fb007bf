"""The search: Optuna proposes settings, training and the exported file say what they are worth."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from edgerec.config import TrainSettings, settings_to_mapping
from edgerec.errors import ConfigurationError
from edgerec.progress import Progress, Silent
from edgerec.tune.record import Record, Trial, read_record, write_record
from edgerec.tune.space import SearchSpace, point_of, settings_at

# Trials before Optuna's model of the space says more than chance.
_N_RANDOM: Final = 6

Judge = Callable[[TrainSettings], tuple[float, dict[str, float]]]
"""Trains with settings and returns what is maximised and what is shown beside it."""


def _optuna() -> ModuleType:
    """Return Optuna, which those who search install; it is large, and training needs none of it."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise ConfigurationError(
            "Searching settings needs Optuna, which is not installed. Install it with "
            "pip install 'edgerec[tune]'."
        ) from None
    return optuna


@dataclass(frozen=True)
class Outcome:
    """What a search found."""

    record: Record
    start: TrainSettings
    """the settings that the search began with"""
    best: TrainSettings
    """those of the best trial, or the start where nothing is better beyond noise"""
    gain: float
    """mean difference of the best trial's settings to the start, over the seeds"""
    noise: float
    """standard error of that difference by the seeds"""

    @property
    def improved(self) -> bool:
        """Whether the search found something better than it began with."""
        return self.best != self.start


def tune(
    judge: Judge,
    settings: TrainSettings,
    record_path: Path,
    about: Mapping[str, Any],
    *,
    space: SearchSpace | None = None,
    n_trials: int = 20,
    n_confirmations: int = 3,
    progress: Progress | None = None,
) -> Outcome:
    """Try `n_trials` settings, and the best against the start with so many other seeds each.

    The first trial is `settings`. The best of many trials owes part of its figure to luck, so it
    is trained again with other seeds, and so is the start: only what is better by more than two
    standard errors is returned. All of it is measured on the same validation rows; an honest
    figure for the result comes from rows that the search never saw.

    Parameters
    ----------
    judge : callable
        Trains with the settings it is given and measures on rows that training does not see.
    settings : TrainSettings
        Where the search starts; what the space does not name stays so.
    record_path : Path
        Written after each trial; a search that finds its own record there goes on from it, to the
        same result as one that was never interrupted.
    about : mapping of plain JSON types
        What the figures depend on beside the settings: data, cut, metric.

    Raises
    ------
    StateError
        The record belongs to another search.
    StorageError
        The record cannot be written.
    ConfigurationError
        Optuna is not installed.

    References
    ----------
    Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization" (the sampler, TPE).
    """
    optuna = _optuna()
    progress = progress or Silent()
    space = (space or SearchSpace()).around(settings)
    described = {
        **about,
        "settings": settings_to_mapping(settings),
        "space": dataclasses.asdict(space),
    }
    record = read_record(record_path, described)
    for _ in range(len(record.trials), n_trials):
        point = _next_point(optuna, space, settings, record)
        trial = _run(judge, settings, point, settings.random_state)
        record = record.with_trial(trial)
        write_record(record_path, record)
        best = max(record.trials, key=lambda one: one.quality)
        progress.message(
            f"trial {len(record.trials)} of {n_trials}: {trial.quality:.4f} "
            f"(best {best.quality:.4f}) with {_words(point)}"
        )
    return _confirmed(judge, settings, record, record_path, n_confirmations, progress)


def _next_point(
    optuna: ModuleType, space: SearchSpace, settings: TrainSettings, record: Record
) -> dict[str, Any]:
    """Return what to try after the trials of the record; the same record, the same point."""
    if not record.trials:
        return point_of(settings)
    sampler = optuna.samplers.TPESampler(
        # A seed per trial: a search that goes on proposes what an uninterrupted one would have.
        seed=int(
            np.random.default_rng([settings.random_state, len(record.trials)]).integers(2**31)
        ),
        n_startup_trials=_N_RANDOM,
    )
    with _quiet(optuna):
        study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = _distributions(optuna.distributions, space)
    for trial in record.trials:
        study.add_trial(
            optuna.trial.create_trial(
                params=trial.point, distributions=distributions, value=trial.quality
            )
        )
    return dict(study.ask(distributions).params)


@contextmanager
def _quiet(optuna: ModuleType) -> Iterator[None]:
    """Keep Optuna from speaking of each study on standard error."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _distributions(kinds: ModuleType, space: SearchSpace) -> dict[str, Any]:
    choices = space.choices().items()
    return {
        **{name: kinds.CategoricalDistribution(values) for name, values in choices},
        "alpha": kinds.FloatDistribution(*space.alpha, log=True),
        "learning_rate": kinds.FloatDistribution(*space.learning_rate, log=True),
        "max_epochs": kinds.IntDistribution(*space.max_epochs, log=True),
    }


def _run(judge: Judge, settings: TrainSettings, point: dict[str, Any], random_state: int) -> Trial:
    started = time.perf_counter()
    quality, metrics = judge(
        dataclasses.replace(settings_at(settings, point), random_state=random_state)
    )
    return Trial(point, random_state, quality, metrics, time.perf_counter() - started)


def _confirmed(
    judge: Judge,
    settings: TrainSettings,
    record: Record,
    path: Path,
    n_confirmations: int,
    progress: Progress,
) -> Outcome:
    """Train the start and the best with other seeds, and say which is better."""
    start = point_of(settings)
    best = max(record.trials, key=lambda one: one.quality).point
    if best == start:
        return Outcome(record, settings, settings, 0.0, 0.0)
    done = [(one.point, one.random_state) for one in record.confirmations]
    for number in range(1, n_confirmations + 1):
        seed = settings.random_state + number
        for name, point in (("start", start), ("best", best)):
            if (point, seed) in done:
                continue
            trial = _run(judge, settings, point, seed)
            record = record.with_confirmation(trial)
            write_record(path, record)
            progress.message(f"the {name} again, random_state {seed}: {trial.quality:.4f}")
    gain, noise = _difference(record, start, best)
    better = gain > 2 * noise
    return Outcome(
        record, settings, settings_at(settings, best) if better else settings, gain, noise
    )


def _difference(record: Record, start: dict[str, Any], best: dict[str, Any]) -> tuple[float, float]:
    """Return the mean difference of the best to the start over other seeds, and its error.

    The seed of the search is left out: by its figures the best was chosen.
    """
    first, second = (
        {one.random_state: one.quality for one in record.confirmations if one.point == point}
        for point in (start, best)
    )
    differences = [second[seed] - first[seed] for seed in first if seed in second]
    if len(differences) < 2:
        return (differences[0] if differences else 0.0), math.inf
    error = float(np.std(differences, ddof=1) / math.sqrt(len(differences)))
    return float(np.mean(differences)), error


def _words(point: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in point.items()
    )
