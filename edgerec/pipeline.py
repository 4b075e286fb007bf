"""train(): wires the stages together, nothing else."""

import dataclasses
from collections.abc import Collection
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.held_out import HeldOutRows
from edgerec.audit.report import require_known
from edgerec.audit.run import audit
from edgerec.config import TrainSettings
from edgerec.embedding import Keeping
from edgerec.errors import SampleError, StateError
from edgerec.files import require_writable, scratch_folder
from edgerec.fitting import fit_tables, folds_of_users, refit_tables
from edgerec.item_vectors.kept import load_item_vectors
from edgerec.model import Model
from edgerec.progress import Progress, Silent
from edgerec.recsys import PreTraining, RecSys, require_rec_sys
from edgerec.samples.cut import cut_blocks, samples_to_tell
from edgerec.samples.held_out import held_out_samples
from edgerec.samples.intake import Intake, take_in
from edgerec.samples.stream import sample_blocks
from edgerec.titles.kept import keep_titles, named_items
from edgerec.training.fit import Course, HeldOut, fit_network, held_out_users
from edgerec.training.network import for_rows, new_network
from edgerec.training.ranker import Ranker
from edgerec.training.resume import (
    ITEM2VEC_KEPT,
    TABLES_KEPT,
    require_same_data,
    require_same_embedding,
    require_same_settings,
    what_is_kept,
)
from edgerec.training.rows import TrainingRows
from edgerec.training.state import SavedState, load_state, save_checkpoint, save_tables


def train(
    rec_sys: RecSys,
    settings: TrainSettings | None = None,
    *,
    training_folder: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    held_out_rows: HeldOutRows | None = None,
    accepted_leaks: Collection[str] = (),
    embedding: str | Path | None = None,
) -> Model:
    """Train a ranker on everything that `rec_sys` yields.

    Parameters
    ----------
    rec_sys : RecSys
        Features and samples; see `edgerec.recsys` for what more it may offer.
    settings : TrainSettings, optional
        Defaults to `TrainSettings()`; when resuming, to those of the run that goes on.
    training_folder : path, optional
        Where a checkpoint is written after each epoch (NAME.training).
    resume : bool
        Go on from the checkpoint in `training_folder`. A resumed run ends at the same weights as
        one that was never interrupted.
    progress : Progress, optional
        What to report to.
    held_out_rows : callable, optional
        Returns (user_id, item_id, timestamp, value) of the rows that the file will be tested on,
        for the leak audit; by default those of `evaluation_sample_generator`, where it is offered.
    accepted_leaks : collection of str
        Checks of the leak audit whose failure you take upon yourself: docs/leak-audit.md.
    embedding : path, optional
        Item vectors that `edgerec embed` keeps (NAME.embedding), in place of those that training
        fits by itself. They must have been made of all that users did, liked or not, and of no row
        that the file is tested on.

    Returns
    -------
    Model
        Offers `export(path)`.

    Raises
    ------
    ConfigurationError
        `rec_sys` lacks one of the three methods.
    SampleError
        A sample, a feature or a history cannot be used; the sentence names the id.
    StorageError
        `training_folder` cannot be written to, which is found before anything is read; or a disk
        is full.
    StateError
        There is nothing to resume, or it belongs to other samples, features, histories or
        settings.
    AuditError
        A feature knows what it must not, or training saw held-out rows; nothing was trained.
    KeyboardInterrupt
        Ctrl-C before the first epoch was done; a message says what is kept. Later it ends the
        training, and the best network so far is returned.
    """
    require_rec_sys(rec_sys)
    require_known(accepted_leaks)
    progress = progress or Silent()
    folder = None if training_folder is None else Path(training_folder)
    if folder is not None:
        require_writable(folder / "state.json")
    saved = None
    if resume:
        if folder is None:
            raise StateError("resume=True needs training_folder=…, the folder to resume from.")
        # An interrupt of item2vec leaves that alone: everything else is read and fitted again.
        if not Keeping(folder, resume).is_alone():
            saved = load_state(folder)
    if saved is not None:
        assert folder is not None
        require_same_settings(saved.ranker, settings or saved.ranker.settings, folder)
        settings = saved.ranker.settings
    settings = settings or TrainSettings()
    if isinstance(rec_sys, PreTraining):
        rec_sys.pre_train()
    kept = what_is_kept(folder, saved)
    given = None if embedding is None else load_item_vectors(embedding).table
    try:
        with scratch_folder() as scratch:
            intake = take_in(
                rec_sys,
                scratch,
                settings.chunk_rows,
                progress,
                one_label=settings.objective == "top",
            )
            if saved is None:
                keeping = None if folder is None else Keeping(folder, resume)
                ranker = fit_tables(rec_sys, intake, settings, scratch, progress, given, keeping)
                held_out = held_out_samples(intake, _is_held_out(intake, settings))
                ranker = ranker.replaced(held_out=held_out)
            else:
                assert folder is not None
                progress.stage("features")
                require_same_data(saved.ranker, rec_sys, intake, folder)
                if given is not None:
                    require_same_embedding(saved.ranker, given, folder)
                ranker = saved.ranker
            report = audit(
                rec_sys,
                intake,
                ranker.tables,
                folds_of_users(intake, ranker),
                settings,
                partial(refit_tables, settings, given=given),
                held_out_rows,
                scratch,
                progress,
            )
            ranker = ranker.replaced(audit=report.accepting(accepted_leaks).plain())
            if saved is None and folder is not None:
                save_tables(folder, ranker)
                keep_titles(folder, named_items(rec_sys, ranker.item_ids.tolist()))
                Keeping(folder, resume).remove()
                kept = TABLES_KEPT.format(folder)
            return Model(_fit(rec_sys, intake, ranker, saved, folder, scratch, progress))
    except KeyboardInterrupt:
        if folder is not None and Keeping(folder, resume).is_alone():
            kept = ITEM2VEC_KEPT.format(folder)
        progress.message(f"interrupted; {kept}")
        raise


def load_model(training_folder: str | Path) -> Model:
    """Return the model whose state stands in `training_folder` (NAME.training).

    Raises
    ------
    StateError
        There is no state, it is damaged, or no epoch was finished yet.
    """
    saved = load_state(Path(training_folder))
    if saved.course.best is None:
        raise StateError(
            f"{training_folder} holds no finished epoch, so there is no network to export. "
            "Train with resume first."
        )
    return Model(_finished(saved.ranker, saved.course))


def _fit(
    rec_sys: RecSys,
    intake: Intake,
    ranker: Ranker,
    saved: SavedState | None,
    folder: Path | None,
    scratch: Path,
    progress: Progress,
) -> Ranker:
    """Fit the network and return the finished ranker, with the statistics of all users alone."""
    settings = ranker.settings
    course = Course([], 0, None) if saved is None else saved.course
    if not course.finished:
        width = len(ranker.tables.names())
        with TrainingRows(scratch, intake.n_samples, width, settings.random_state) as rows:
            held_out = _write_rows(rec_sys, intake, ranker, rows, progress)
            top = settings.objective == "top"
            shape = for_rows(settings.network, rows.n_rows) if top else settings.network
            network = new_network(shape, width, settings.random_state)
            if saved is not None and saved.network is not None:
                saved.restore_network(network)

            def checkpoint(network: object, course: Course) -> None:
                if folder is not None:
                    save_checkpoint(folder, ranker, network, course)

            fit_network(network, rows, held_out, course, settings, progress, checkpoint)
    return _finished(ranker, course)


def _finished(ranker: Ranker, course: Course) -> Ranker:
    """Return the ranker with the best weights and the statistics of all users alone."""
    assert course.best is not None
    tables = dataclasses.replace(
        ranker.tables,
        statistics=ranker.tables.statistics.full(),
        taste=ranker.tables.taste.full(),
        embedding=ranker.tables.embedding[-1:],
        audience=ranker.tables.audience[-1:],
        neighbours=ranker.tables.neighbours and ranker.tables.neighbours.full(),
    )
    facts = dataclasses.replace(
        ranker.facts, epochs=tuple(course.epochs), best_epoch=course.best_epoch
    )
    return ranker.replaced(tables=tables, weights=course.best, facts=facts)


def _is_held_out(intake: Intake, settings: TrainSettings) -> NDArray[np.bool_]:
    random = np.random.default_rng([settings.random_state, 1])
    worth = np.diff(intake.spool.offsets)
    if settings.objective == "top":
        worth = samples_to_tell(worth, settings)
    return held_out_users(worth, settings.held_out_share, random)


def _write_rows(
    rec_sys: RecSys, intake: Intake, ranker: Ranker, rows: TrainingRows, progress: Progress
) -> HeldOut:
    """Send the samples of most users to `rows` and keep those of the held-out users."""
    progress.stage("histories")
    settings = ranker.settings
    top = settings.objective == "top"
    is_held_out = _is_held_out(intake, settings)
    features: list[NDArray[np.float32]] = []
    labels: list[NDArray[np.float32]] = []
    weights: list[NDArray[np.float32]] = []
    n_done = 0
    # By "top" each sample has many candidates; whom `held_out_users` chose fit, as a rule.
    most_held_out = settings.chunk_rows * (4 if top else 1)
    if top:
        blocks = cut_blocks(intake, ranker.tables, ranker.embedding_fit_of_user, settings)
    else:
        blocks = sample_blocks(
            intake,
            ranker.tables,
            folds_of_users(intake, ranker),
            settings.n_history,
            rec_sys,
            settings.chunk_rows,
        )
    for block in blocks:
        held = is_held_out[block.user]
        rows.add(block.features[~held], block.label[~held], block.weight[~held])
        if sum(len(label) for label in labels) < most_held_out:
            features.append(block.features[held])
            labels.append(block.label[held])
            weights.append(block.weight[held])
        n_done += len(held)
        progress.advance(n_done, None if top else intake.n_samples)
    # By "samples" there are always some: no more than half of the users are held out.
    if not rows.n_rows:
        raise SampleError(
            f"Of {intake.n_samples} samples none is left to train on. By the objective 'top' that "
            "takes users who liked something after their cut, and other items that they do not "
            "have. Give more items and interactions, or train by the objective 'samples'."
        )
    rows.finish(ranker.tables.quantities())
    return HeldOut(np.concatenate(features), np.concatenate(labels), np.concatenate(weights))
