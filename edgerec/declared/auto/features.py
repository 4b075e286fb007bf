"""From a database to the features that are kept: profile, screen, try, report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.columns import StatisticsNeeded
from edgerec.declared.auto.candidates import Candidate, Proposal, candidates_of
from edgerec.declared.auto.leaks import category_leak, future_leak, label_leak
from edgerec.declared.auto.profile import ColumnProfile, profile_columns
from edgerec.declared.auto.report import Report
from edgerec.declared.auto.screening import drop_by_form
from edgerec.declared.auto.selection import Bench, select
from edgerec.declared.auto.things import ThingRows, read_things
from edgerec.declared.auto.trial import Trial
from edgerec.declared.auto.walk import Seen, Side, Walk, walk
from edgerec.declared.recsys import DeclaredRecSys
from edgerec.declared.roles import Roles, ThingTable
from edgerec.features.tabular.values import keys, numbers, seconds
from edgerec.progress import Progress
from edgerec.source import Engine, column_statistics

# Samples times candidates that are scored: about a minute on two cores.
_BUDGET: Final = 600_000
_FEWEST_SAMPLES, _MOST_SAMPLES = 10_000, 100_000
_FEWEST_USERS: Final = 30


@dataclass(frozen=True)
class Automatic:
    """What is kept, and how it came to that."""

    roles: Roles
    """with the interactions' own table for users or items where its columns describe them"""
    proposals: Mapping[str, list[Proposal]]
    """per role"""
    report: Report


@dataclass(frozen=True)
class _Side:
    things: ThingTable
    rows: ThingRows
    profiles: Mapping[str, ColumnProfile]


def automatic_features(
    engine: Engine,
    roles: Roles,
    rec_sys: DeclaredRecSys,
    random_state: int,
    progress: Progress,
) -> Automatic:
    """Choose the features of users and items that help on held-out users.

    Parameters
    ----------
    rec_sys : DeclaredRecSys
        The samples, without features.
    random_state : int
        The same data and seed give the same choice.

    Raises
    ------
    SourceError
        A table or a cell cannot be read.
    """
    progress.stage("columns")
    sides = {role: _side(engine, roles, role) for role in ("users", "items")}
    dropped = {role: drop_by_form(side.rows, side.profiles) for role, side in sides.items()}
    moments = {
        role: {
            name: np.array([seconds(value) for value in side.rows.columns[name]], np.float64)
            for name, profile in side.profiles.items()
            if profile.form == "moment" and name not in dropped[role]
        }
        for role, side in sides.items()
    }
    n_possible = sum(
        len(candidates_of(role, profile, 0))
        for role, side in sides.items()
        for name, profile in side.profiles.items()
        if name not in dropped[role]
    )
    wanted = int(np.clip(_BUDGET // (n_possible + 2), _FEWEST_SAMPLES, _MOST_SAMPLES))
    walked = walk(
        rec_sys.sample_generator(),
        {role: Side(side.rows.ids, moments[role]) for role, side in sides.items()},
        wanted / max(_n_samples(engine, rec_sys), 1),
        wanted,
        random_state,
        progress,
    )
    for role, side in sides.items():
        for name, profile in side.profiles.items():
            if name not in dropped[role]:
                reason = _leak(side, profile, walked.seen[role], moments[role].get(name), walked)
                if reason is not None:
                    dropped[role][name] = reason
    candidates = [
        candidate
        for role, side in sides.items()
        for name, profile in side.profiles.items()
        if name not in dropped[role]
        for candidate in candidates_of(role, profile, walked.last_time)
    ]
    reasons = {
        (role, name): reason
        for role, side in sides.items()
        for name, reason in dropped[role].items()
    }
    report = _try(candidates, sides, walked, reasons, random_state, progress)
    kept = [one.candidate for one in report.tried if one.is_kept]
    if not report.n_samples:
        first = {(one.role, one.column): one for one in reversed(candidates)}
        kept = [one for one in candidates if first[one.role, one.column] is one]
    proposals = {role: [dict(one.proposal) for one in kept if one.role == role] for role in sides}
    used = {
        role: side.things if proposals[role] else getattr(roles, role)
        for role, side in sides.items()
    }
    found = Roles(roles.interactions, roles.columns, used["items"], used["users"], roles.test_table)
    return Automatic(found, proposals, report)


def _side(engine: Engine, roles: Roles, role: str) -> _Side:
    columns = roles.columns
    things: ThingTable | None = getattr(roles, role)
    if things is None:
        own_id = columns.user_id if role == "users" else columns.item_id
        things = ThingTable(roles.interactions, own_id, None)
    # What makes an interaction says nothing lasting of its user or its item.
    made_of = (columns.user_id, columns.item_id, columns.timestamp, columns.value or "")
    left_out = made_of if things.table == roles.interactions else ()
    rows = read_things(engine, things, left_out)
    return _Side(things, rows, profile_columns(engine, rows))


def _n_samples(engine: Engine, rec_sys: DeclaredRecSys) -> int:
    configuration = rec_sys.configuration
    interactions, label = configuration.interactions, configuration.label
    needed = {interactions.user_id: StatisticsNeeded()}
    found = column_statistics(engine, interactions.table, needed)
    n_each = 1 + label.n_negatives if label.rule == "taken" else 1
    return found[interactions.user_id].n_rows * n_each


def _leak(
    side: _Side,
    profile: ColumnProfile,
    seen: Seen,
    moments: NDArray[np.float64] | None,
    walked: Walk,
) -> str | None:
    name = profile.name
    values = side.rows.columns[name]
    is_filled = np.array([value is not None for value in values])
    appeared = seen.first_time < np.iinfo(np.int64).max
    is_new = seen.first_time >= walked.cut
    reason = future_leak(
        seen.n_earlier.get(name, 0),
        seen.n_dated.get(name, 0),
        is_filled[appeared],
        is_new[appeared],
    )
    if reason is not None:
        return reason
    read = numbers(values) if moments is None else moments
    if not np.isnan(read).all():
        reason = label_leak(read, seen.halves)
    if reason is None and not is_filled.all():
        reason = label_leak(is_filled.astype(np.float64), seen.halves)
    if reason is None and profile.form in ("category", "code"):
        reason = category_leak(keys(values), seen.halves)
    return reason


def _try(
    candidates: list[Candidate],
    sides: Mapping[str, _Side],
    walked: Walk,
    dropped: Mapping[tuple[str, str], str],
    random_state: int,
    progress: Progress,
) -> Report:
    users = {sample.user_id for sample in walked.samples}
    remark = ""
    if not candidates:
        remark = "no column is left to make a feature of"
    elif len(users) < _FEWEST_USERS:
        remark = (
            f"{len(users)} users are too few to hold any out, so the plainest feature of each "
            "column is taken"
        )
    elif len({sample.label for sample in walked.samples}) < 2:
        remark = (
            "all labels are the same, so the plainest feature of each column is taken; correct "
            "the rule under [label] and run it again"
        )
    if remark:
        nothing = (0.0, 0.0)
        return Report(random_state, 0, 0, (nothing, nothing), [], dropped, remark)
    progress.stage("trial")
    trial = Trial(walked.samples, random_state, progress)
    bench = Bench(trial, {role: side.rows for role, side in sides.items()}, random_state)
    base, best, tried = select(bench, candidates, progress)
    quality = ((base.auc, base.gauc), (best.auc, best.gauc))
    return Report(random_state, len(trial.label), len(users), quality, tried, dropped)
