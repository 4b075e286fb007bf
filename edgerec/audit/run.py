"""The whole audit: every check of one training, before its epochs."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edgerec.audit.after_cut import check_after_cut
from edgerec.audit.few_users import FitTables
from edgerec.audit.future import check_future
from edgerec.audit.groups import Groups, Signal, group_sums
from edgerec.audit.held_out import HeldOutRows, take_in_held_out
from edgerec.audit.out_of_fold import check_out_of_fold
from edgerec.audit.overlap import check_overlap
from edgerec.audit.own_statistics import check_statistics
from edgerec.audit.report import AuditReport, Finding
from edgerec.audit.sequences import check_sequences
from edgerec.audit.static import check_features
from edgerec.config import TrainSettings
from edgerec.features.vector import FeatureTables
from edgerec.progress import Progress
from edgerec.recsys import EvaluationSamples, FeatureNames, RecSys
from edgerec.samples.encoding import whole_samples
from edgerec.samples.intake import Intake
from edgerec.samples.stream import FoldsOfUser


def audit(
    rec_sys: RecSys,
    intake: Intake,
    tables: FeatureTables,
    folds_of_user: FoldsOfUser,
    settings: TrainSettings,
    fit: FitTables,
    held_out_rows: HeldOutRows | None,
    folder: Path,
    progress: Progress,
) -> AuditReport:
    """Run every check.

    Parameters
    ----------
    tables : FeatureTables
        With the statistics of all folds.
    fit : callable
        What training fitted the tables by, for other samples.
    held_out_rows : callable, optional
        The rows that the finished file will be evaluated on; by default those of
        `evaluation_sample_generator`, where it is offered.
    folder : Path
        Where rows are spooled; it must exist.
    """
    progress.stage("leak audit")
    rows = held_out_rows or _offered_rows(rec_sys)
    chunk_rows = settings.chunk_rows
    seed = settings.random_state
    held_out = take_in_held_out(rows(), intake, folder, chunk_rows) if rows else None
    groups = _groups(intake, settings)
    own: tuple[Callable[[], Finding], ...] = (
        lambda: check_statistics(intake, tables.statistics, folds_of_user.statistics, chunk_rows),
        lambda: check_out_of_fold(fit, intake, tables, settings.n_history, folder, seed),
    )
    if settings.objective == "top":
        # What a user did before his cut may go into what his samples see; what came after may not.
        own = (lambda: check_after_cut(fit, intake, tables, settings, folder),)
    checks: tuple[Callable[[], Finding], ...] = (
        lambda: check_future(
            rec_sys, intake, tables, folds_of_user, settings.n_history, folder, seed
        ),
        lambda: check_overlap(intake, held_out, chunk_rows),
        lambda: check_sequences(rec_sys, intake, held_out, seed),
        *own,
        lambda: check_features(
            "item", tables.item_features, groups["item"], _names(rec_sys, "item")
        ),
        lambda: check_features(
            "user", tables.user_features, groups["user"], _names(rec_sys, "user")
        ),
    )
    findings = []
    for number, check in enumerate(checks):
        findings.append(check())
        progress.advance(number + 1, len(checks), findings[-1].check)
    return AuditReport(tuple(findings))


def _names(rec_sys: RecSys, role: str) -> Sequence[str]:
    return rec_sys.get_feature_names(role) if isinstance(rec_sys, FeatureNames) else ()


def _offered_rows(rec_sys: RecSys) -> HeldOutRows | None:
    if not isinstance(rec_sys, EvaluationSamples):
        return None
    return lambda: (
        (sample.user_id, sample.item_id, sample.timestamp, sample.value)
        for sample in whole_samples(
            rec_sys.evaluation_sample_generator(), "evaluation_sample_generator"
        )
    )


def _groups(intake: Intake, settings: TrainSettings) -> dict[str, dict[Signal, Groups]]:
    """Return the sums of labels, and of values where they say more, by "user" and by "item"."""
    low, high = intake.value_range
    signals: tuple[Signal, ...] = ("label", "value") if low < high else ("label",)
    by_signal = {
        signal: group_sums(
            lambda: intake.spool.blocks(settings.chunk_rows),
            intake.spool.n_users,
            intake.spool.n_items,
            signal,
            settings.random_state,
        )
        for signal in signals
    }
    return {
        role: {signal: sums[role] for signal, sums in by_signal.items()}
        for role in ("user", "item")
    }
