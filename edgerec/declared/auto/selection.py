"""Tries candidates on held-out users and keeps what helps beyond noise.

First each candidate alone is compared with no static features at all. Those that gain are then
added, best first, to what is kept already, and stay where they help there beyond noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.auto.candidates import Candidate
from edgerec.declared.auto.comparison import Difference, Judge, Quality, difference
from edgerec.declared.auto.things import ThingRows
from edgerec.declared.auto.trial import N_FOLDS, Columns, Trial
from edgerec.declared.features import feature_rules
from edgerec.declared.schema import Things
from edgerec.features.tabular.fit import fit_block
from edgerec.progress import Progress

Array = NDArray[np.float32]
_ROLES: Final = ("users", "items")


@dataclass(frozen=True)
class Tried:
    """A candidate and what it was worth."""

    candidate: Candidate
    alone: Difference
    """added to no static feature"""
    beside: Difference | None = None
    """added to what was kept before it; None: not tried"""
    is_kept: bool = False
    reason: str = ""


class Bench:
    """Scores sets of candidates."""

    def __init__(self, trial: Trial, things: Mapping[str, ThingRows], random_state: int) -> None:
        self._trial = trial
        self._things = things
        self._judge = Judge(trial.label, trial.user, random_state)

    def quality(self, candidates: Sequence[Candidate]) -> Quality:
        """Return the held-out quality with these features, in this order."""
        tables = {role: self._tables(role, candidates) for role in _ROLES}
        scores = self._trial.scores(Columns(tables["users"], tables["items"]))
        return self._judge.measure(scores)

    def _tables(self, role: str, candidates: Sequence[Candidate]) -> tuple[Array, ...]:
        own = [one.proposal for one in candidates if one.role == role]
        ids = self._trial.user_ids if role == "users" else self._trial.item_ids
        if not own:
            return (np.zeros((len(ids) + 1, 0), np.float32),) * N_FOLDS
        rows = self._things[role]
        section = Things.model_validate({"table": rows.table, "id": rows.id, "features": own})
        rules = feature_rules(role, section)
        row_of = {id_: row for row, id_ in enumerate(rows.ids)}
        place = np.array([row_of.get(id_, -1) for id_ in ids], np.int64)
        wanted = list(dict.fromkeys(column for rule in rules for column in rule.reads))
        columns = {name: rows.columns[name] for name in wanted}
        missing: dict[str, list[object]] = {name: [None] for name in wanted}

        def table(kept: NDArray[np.bool_]) -> Array:
            fitted_to = {
                name: [value for value, keep in zip(values, kept, strict=True) if keep]
                for name, values in columns.items()
            }
            block = fit_block(rules, [fitted_to])
            whole = np.concatenate([block.transform(columns), block.transform(missing)])
            own_rows = whole[place]  # the last row, -1, is that of an id without one
            return np.concatenate([own_rows.mean(axis=0, keepdims=True), own_rows])

        everything = np.ones(len(rows.ids), bool)
        if role == "items":
            return (table(everything),) * N_FOLDS
        # Rules are fitted without the users who are scored.
        tables = []
        for fold in range(N_FOLDS):
            kept = everything.copy()
            held_out = place[(self._trial.fold_of_user[1:] == fold) & (place >= 0)]
            kept[held_out] = False
            tables.append(table(kept))
        return tuple(tables)


def select(
    bench: Bench, candidates: Sequence[Candidate], progress: Progress
) -> tuple[Quality, Quality, list[Tried]]:
    """Return the quality without and with what is kept, and what each candidate was worth."""
    progress.stage("features")
    base = bench.quality([])
    alone = []
    for number, candidate in enumerate(candidates, 1):
        alone.append(difference(bench.quality([candidate]), base))
        progress.advance(number, len(candidates), candidate.column)
    n = len(candidates)
    # Three seeds say little of their own spread; those of all candidates together say enough.
    network_variance = float(np.mean([one.network_variance for one in alone]))
    order = sorted(range(n), key=lambda position: -alone[position].mean)
    decided: dict[int, Tried] = {}
    kept: list[int] = []
    best = base
    columns: set[tuple[str, str]] = set()
    progress.stage("together")
    for position in order:
        candidate, worth = candidates[position], alone[position]
        column = (candidate.role, candidate.column)
        progress.advance(len(decided), n, candidate.column)
        if worth.mean <= 0:
            decided[position] = Tried(candidate, worth, reason="no gain")
            continue
        if column in columns and candidate.kind in _ALTERNATIVES:
            decided[position] = Tried(candidate, worth, reason="another kind of it did better")
            continue
        with_it = bench.quality([candidates[one] for one in sorted([*kept, position])])
        beside = difference(with_it, best)
        is_kept = beside.is_better(n, network_variance)
        reason = "kept" if is_kept else "no gain beyond noise"
        decided[position] = Tried(candidate, worth, beside, is_kept, reason)
        if is_kept:
            kept, best = [*kept, position], with_it
            columns.add(column)
    return base, best, [decided[position] for position in range(n)]


# Kinds that say the same of a column in other ways; a year in a title and its words do not.
_ALTERNATIVES: Final = frozenset(
    {"standard", "log", "k_bins", "one_hot", "hashing", "age", "date_parts"}
)
