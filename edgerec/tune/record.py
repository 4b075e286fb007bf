"""The file that a search writes after each trial, and goes on from."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from edgerec.errors import StateError
from edgerec.files import replace_file

_FORMAT: Final = 1


@dataclass(frozen=True)
class Trial:
    """One training and what it was worth."""

    point: dict[str, Any]
    """the settings that differ between trials, by name"""
    random_state: int
    quality: float
    """what the search maximises"""
    metrics: dict[str, float]
    """what is shown beside it"""
    seconds: float


@dataclass(frozen=True)
class Record:
    """What a search is about, and its finished trials."""

    about: dict[str, Any]
    """data, cut, metric, space and starting settings, as plain JSON types"""
    trials: tuple[Trial, ...] = ()
    """those of the search, in order"""
    confirmations: tuple[Trial, ...] = ()
    """the start and the best again, with other seeds"""

    def with_trial(self, trial: Trial) -> Self:
        """Return the record with one trial more."""
        return dataclasses.replace(self, trials=(*self.trials, trial))

    def with_confirmation(self, trial: Trial) -> Self:
        """Return the record with one confirmation more."""
        return dataclasses.replace(self, confirmations=(*self.confirmations, trial))


def write_record(path: Path, record: Record) -> None:
    """Write the record whole.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    described = {"format": _FORMAT, **dataclasses.asdict(record)}
    text = json.dumps(described, indent=1, sort_keys=True, allow_nan=False) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(text, "utf-8"))


def read_record(path: Path, about: Mapping[str, Any]) -> Record:
    """Return the record at `path`, or an empty one about `about` where there is no file.

    Raises
    ------
    StateError
        The file is damaged, or belongs to other data, another cut or other settings.
    """
    expected = json.loads(json.dumps(about))
    try:
        described = json.loads(path.read_text("utf-8"))
        found = Record(
            described["about"],
            tuple(Trial(**one) for one in described["trials"]),
            tuple(Trial(**one) for one in described["confirmations"]),
        )
    except FileNotFoundError:
        return Record(expected)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"{path} is not a record of a search ({error}). Remove it, or name another file with "
            "--record, to begin anew."
        ) from None
    changed = sorted(
        name for name in {*expected, *found.about} if expected.get(name) != found.about.get(name)
    )
    if changed:
        raise StateError(
            f"{path} is the record of another search: its {', '.join(changed)} "
            f"{'differs' if len(changed) == 1 else 'differ'} from what is asked for now. Remove "
            "it, or name another file with --record, to begin anew."
        )
    return found
