"""train(): wires the stages together, nothing else."""

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.embedding import fit_embeddings
from edgerec.errors import StateError
from edgerec.features.statistics import folds
from edgerec.features.tables import content_directions, item_table, user_table
from edgerec.features.vector import FeatureTables
from edgerec.files import require_writable, scratch_folder
from edgerec.fitted import fit_tables
from edgerec.model import Model
from edgerec.progress import Progress, Silent
from edgerec.recsys import PreTraining, RecSys, require_rec_sys
from edgerec.samples.cut import cut_blocks
from edgerec.samples.intake import Intake, take_in
from edgerec.samples.known import known_histories
from edgerec.samples.stream import FoldsOfUser, sample_blocks
from edgerec.train.fit import Course, HeldOut, fit_network
from edgerec.train.network import Weights, new_network
from edgerec.train.ranker import Ranker, TrainingFacts
from edgerec.train.resume import require_same_data, require_same_settings
from edgerec.train.rows import TrainingRows
from edgerec.train.state import SavedState, load_state, save_checkpoint, save_tables

_TABLES_KEPT: Final = (
    "no epoch is done, so there is no network yet. {} keeps features, embedding and statistics: "
    "train with resume (--resume) to go on from there."
)


def train(
    rec_sys: RecSys,
    settings: TrainSettings | None = None,
    *,
    training_folder: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
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
    KeyboardInterrupt
        Ctrl-C before the first epoch was done; a message says what is kept. Later it ends the
        training, and the best network so far is returned.
    """
    require_rec_sys(rec_sys)
    progress = progress or Silent()
    folder = None if training_folder is None else Path(training_folder)
    if folder is not None:
        require_writable(folder / "state.json")
    saved = None
    if resume:
        if folder is None:
            raise StateError("resume=True needs training_folder=…, the folder to resume from.")
        saved = load_state(folder)
        require_same_settings(saved.ranker, settings or saved.ranker.settings, folder)
        settings = saved.ranker.settings
    settings = settings or TrainSettings()
    if isinstance(rec_sys, PreTraining):
        rec_sys.pre_train()
    kept = _kept(folder, saved)
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
                ranker = _tables(rec_sys, intake, settings, scratch, progress)
                if folder is not None:
                    save_tables(folder, ranker)
                    kept = _TABLES_KEPT.format(folder)
            else:
                assert folder is not None
                progress.stage("features")
                require_same_data(saved.ranker, rec_sys, intake, folder)
                ranker = saved.ranker
            return Model(_fit(rec_sys, intake, ranker, saved, folder, scratch, progress))
    except KeyboardInterrupt:
        progress.message(f"interrupted; {kept}")
        raise


def _kept(folder: Path | None, saved: SavedState | None) -> str:
    """Say what an interrupt at the beginning leaves."""
    if folder is None:
        return "nothing is kept, since no training folder was named."
    if saved is None:
        return "nothing of this run is kept yet. Train again."
    if not saved.course.epochs:
        return _TABLES_KEPT.format(folder)
    return (
        f"{folder} keeps the network after epoch {len(saved.course.epochs)}. Train with resume "
        "(--resume) to go on from there."
    )


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


def _fold_of_user(intake: Intake, settings: TrainSettings) -> NDArray[np.int64]:
    return folds(intake.spool.n_users, settings.n_folds, settings.random_state)


def _tables(
    rec_sys: RecSys, intake: Intake, settings: TrainSettings, scratch: Path, progress: Progress
) -> Ranker:
    """Make everything but the network."""
    progress.stage("features")
    user_features = user_table(rec_sys, intake.user_ids)
    item_features = item_table(rec_sys, intake.item_ids)
    embedding, fit_of_user = fit_embeddings(rec_sys, intake, settings, scratch, progress)
    statistics, neighbours = fit_tables(intake, _fold_of_user(intake, settings), settings, progress)
    known = known_histories(intake, settings, rec_sys, progress)
    disliked, liked = intake.mean_value_of_label
    nothing = np.zeros(0, np.float32)
    return Ranker(
        settings=settings,
        user_ids=intake.user_ids,
        item_ids=intake.item_ids,
        user_id_type=intake.user_id_type,
        item_id_type=intake.item_id_type,
        tables=FeatureTables(
            user_features=user_features,
            item_features=item_features,
            content=content_directions(item_features),
            embedding=embedding,
            statistics=statistics,
            label_above=intake.label_above,
            value_range=intake.value_range,
            neighbours=neighbours,
            n_compared=settings.n_compared,
        ),
        known=known,
        embedding_fit_of_user=fit_of_user,
        weights=Weights((), (), nothing, nothing),
        facts=TrainingFacts(
            n_samples=intake.n_samples,
            n_interactions=intake.n_interactions,
            first_timestamp=intake.first_timestamp,
            last_timestamp=intake.last_timestamp,
            fingerprint=intake.fingerprint,
            event_values={"viewed": None, "liked": liked, "bought": liked, "skipped": disliked},
        ),
    )


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
            network = new_network(settings.network, width, settings.random_state)
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
        embedding=ranker.tables.embedding[-1:],
        neighbours=ranker.tables.neighbours and ranker.tables.neighbours.full(),
    )
    facts = dataclasses.replace(
        ranker.facts, epochs=tuple(course.epochs), best_epoch=course.best_epoch
    )
    return ranker.replaced(tables=tables, weights=course.best, facts=facts)


def _write_rows(
    rec_sys: RecSys, intake: Intake, ranker: Ranker, rows: TrainingRows, progress: Progress
) -> HeldOut:
    """Send the samples of most users to `rows` and keep those of the held-out users."""
    progress.stage("histories")
    settings = ranker.settings
    n_users = intake.spool.n_users
    n_held_out = max(1, round(settings.held_out_share * n_users)) if n_users > 1 else 0
    random = np.random.default_rng([settings.random_state, 1])
    is_held_out = np.zeros(n_users + 1, bool)
    is_held_out[1 + random.permutation(n_users)[:n_held_out]] = True
    features: list[NDArray[np.float32]] = []
    labels: list[NDArray[np.float32]] = []
    n_done = 0
    if settings.objective == "top":
        blocks = cut_blocks(intake, ranker.tables, ranker.embedding_fit_of_user, settings)
    else:
        blocks = sample_blocks(
            intake,
            ranker.tables,
            FoldsOfUser(_fold_of_user(intake, settings), ranker.embedding_fit_of_user),
            settings.n_history,
            rec_sys,
            settings.chunk_rows,
        )
    for block in blocks:
        held = is_held_out[block.user]
        rows.add(block.features[~held], block.label[~held])
        if sum(len(label) for label in labels) < settings.chunk_rows:
            features.append(block.features[held])
            labels.append(block.label[held])
        n_done += len(held)
        progress.advance(n_done, None if settings.objective == "top" else intake.n_samples)
    rows.finish()
    return HeldOut(np.concatenate(features), np.concatenate(labels))
