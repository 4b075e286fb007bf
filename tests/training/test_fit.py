import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from edgerec.config import NetworkSettings, TrainSettings
from edgerec.progress import Progress, Silent
from edgerec.training import fit as fit_module
from edgerec.training import network as network_module
from edgerec.training.fit import Course, HeldOut, fit_network, held_out_users
from edgerec.training.network import (
    Weights,
    new_network,
    optimiser_state,
    restore_optimiser,
    set_weights,
    weights_of,
)
from edgerec.training.rows import TrainingRows
from tests.toy import assert_same_arrays

Array = NDArray[np.float32]
WIDTH = 3
SETTINGS = TrainSettings(
    network=NetworkSettings(
        hidden_layer_sizes=(4,), alpha=1e-4, batch_size=32, learning_rate=1e-2, max_epochs=5
    )
)
Checkpoint = Callable[[MLPClassifier, Course], None]


def some_rows(seed: int, n: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, WIDTH)).astype(np.float32)
    return features, (features[:, 0] > features[:, 1]).astype(np.float32)


def nowhere(network: MLPClassifier, course: Course) -> None:
    pass


class Training:
    """Rows, held-out rows, a network and a course, ready to be fitted."""

    def __init__(self, folder: Path, settings: TrainSettings = SETTINGS) -> None:
        self.settings = settings
        self.rows = TrainingRows(folder, 300, WIDTH, settings.random_state)
        self.rows.add(*some_rows(0, 300))
        self.rows.finish()
        self.held_out = HeldOut(*some_rows(1, 100))
        self.network = new_network(settings.network, WIDTH, settings.random_state)
        self.course = Course([], 0, None)

    def fit(self, progress: Progress | None = None, checkpoint: Checkpoint = nowhere) -> None:
        fit_network(
            self.network,
            self.rows,
            self.held_out,
            self.course,
            self.settings,
            progress or Silent(),
            checkpoint,
        )

    def last(self) -> list[Array]:
        return [*self.network.coefs_, *self.network.intercepts_]

    def best(self) -> list[Array]:
        assert self.course.best is not None
        return [*self.course.best.coefficients, *self.course.best.intercepts]


def with_network(**changes: object) -> TrainSettings:
    network = dataclasses.replace(SETTINGS.network, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(SETTINGS, network=network)


def scripted(monkeypatch: pytest.MonkeyPatch, aucs: list[float]) -> None:
    """Let the held-out AUCs be these, one after the other."""
    left = iter(aucs)
    monkeypatch.setattr(HeldOut, "area_under_curve", lambda *_: next(left))


class InterruptedAt(Silent):
    """Raises Ctrl-C in the middle of an epoch (from 1), or as it is reported."""

    def __init__(self, epoch: int, where: str) -> None:
        self.epoch, self.where = epoch, where
        self.now = ""
        self.messages: list[str] = []

    def stage(self, name: str) -> None:
        self.now = name

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        if self.where == "advance" and self.now == f"epoch {self.epoch}":
            raise KeyboardInterrupt

    def message(self, text: str) -> None:
        self.messages.append(text)
        if self.where == "message" and text.startswith(f"epoch {self.epoch} of"):
            raise KeyboardInterrupt


def test_training_learns_and_ends_finished(tmp_path: Path) -> None:
    training = Training(tmp_path, with_network(max_epochs=12, patience=12))
    training.fit()
    course = training.course
    assert course.finished
    assert len(course.epochs) == 12
    aucs = [epoch["held_out_auc"] for epoch in course.epochs]
    assert max(aucs) > 0.95
    as_good = np.flatnonzero(np.array(aucs) >= max(aucs) - 1e-3)
    assert course.best_epoch == 1 + as_good[-1]


@pytest.mark.parametrize(
    ("aucs", "n_epochs", "best_epoch"),
    [
        ([0.6, 0.7, 0.65, 0.69, 0.9], 4, 2),  # stops two epochs after the best
        ([0.6, 0.5, 0.7, 0.6, 0.8], 5, 5),
        ([0.7, 0.6989, 0.6985, 0.9, 0.9], 3, 1),
        ([0.7, 0.7, 0.7, 0.7, 0.7], 5, 5),  # of equals the last
        ([0.7, 0.6995, 0.6992, 0.698, 0.697], 5, 3),  # so little is chance
        ([0.7, 0.6995, 0.6989, 0.698, 0.71], 4, 2),  # and is not added up
        ([np.nan] * 5, 5, 5),  # nothing to compare by: the last
    ],
)
def test_early_stopping_keeps_the_latest_of_the_best(
    aucs: list[float],
    n_epochs: int,
    best_epoch: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted(monkeypatch, aucs)
    training = Training(tmp_path, with_network(patience=2))
    seen: list[Weights] = []

    def checkpoint(network: MLPClassifier, course: Course) -> None:
        seen.append(weights_of(network, training.rows.mean, training.rows.inverse_spread))

    training.fit(checkpoint=checkpoint)
    assert (len(training.course.epochs), training.course.best_epoch) == (n_epochs, best_epoch)
    assert training.course.finished
    best = seen[best_epoch - 1]
    assert_same_arrays(training.best(), [*best.coefficients, *best.intercepts])


def test_a_checkpoint_follows_each_epoch_and_the_end(tmp_path: Path) -> None:
    heard: list[tuple[int, bool]] = []
    Training(tmp_path).fit(
        checkpoint=lambda _, course: heard.append((len(course.epochs), course.finished))
    )
    assert heard == [(1, False), (2, False), (3, False), (4, False), (5, False), (5, True)]


@pytest.mark.parametrize("where", ["advance", "message"])
def test_ctrl_c_keeps_the_best_so_far(where: str, tmp_path: Path) -> None:
    training = Training(tmp_path)
    progress = InterruptedAt(3, where)
    training.fit(progress)
    assert not training.course.finished
    assert training.course.best is not None
    assert progress.messages[-1].startswith("interrupted in epoch ")
    assert progress.messages[-1].endswith(
        f"keeping the weights of epoch {training.course.best_epoch}. "
        "Train with resume (--resume) to go on."
    )


def test_ctrl_c_while_scikit_learn_fits_keeps_the_best_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tmp_path)
    backprop, n_calls = training.network._backprop, 0

    def interrupting(*arguments: object) -> object:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 25:  # ten steps an epoch
            raise KeyboardInterrupt
        return backprop(*arguments)

    monkeypatch.setattr(training.network, "_backprop", interrupting)
    training.fit()
    assert n_calls == 25
    assert len(training.course.epochs) == 2
    assert not training.course.finished


def test_ctrl_c_before_the_first_epoch_is_done_goes_on_to_the_caller(tmp_path: Path) -> None:
    training = Training(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        training.fit(InterruptedAt(1, "advance"))
    assert training.course.epochs == []


@pytest.mark.parametrize("where", ["advance", "message"])
@pytest.mark.parametrize("epoch", [2, 3, 5])
def test_an_interrupted_run_ends_as_one_that_was_not(
    epoch: int, where: str, tmp_path: Path
) -> None:
    whole = Training(tmp_path)
    whole.fit()

    first = Training(tmp_path)
    kept: dict[str, object] = {}

    def checkpoint(network: MLPClassifier, course: Course) -> None:
        state = {name: array.copy() for name, array in optimiser_state(network).items()}
        now = weights_of(network, first.rows.mean, first.rows.inverse_spread)
        kept.update(
            state=state, now=now, course=dataclasses.replace(course, epochs=[*course.epochs])
        )

    first.fit(InterruptedAt(epoch, where), checkpoint)

    second = Training(tmp_path)
    second.course = kept["course"]  # type: ignore[assignment]
    assert len(second.course.epochs) == epoch - 1
    set_weights(second.network, kept["now"])  # type: ignore[arg-type]
    restore_optimiser(second.network, kept["state"])  # type: ignore[arg-type]
    second.fit()
    assert_same_arrays(second.last(), whole.last())
    assert_same_arrays(second.best(), whole.best())
    assert second.course.epochs == whole.course.epochs


def test_epochs_come_in_different_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(tmp_path)
    seen: list[bytes] = []
    monkeypatch.setattr(
        fit_module, "fit_rows", lambda network, features, *_: seen.append(features.tobytes())
    )
    training.fit()
    assert len(seen) == len(set(seen)) == len(training.course.epochs)


def test_progress_hears_of_every_row_and_of_the_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "_CALL_ROWS", 128)
    heard: list[tuple[str, int, int | None]] = []
    messages: list[str] = []
    notes: list[str] = []

    class Listening(InterruptedAt):
        def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
            assert " samples/s" in note
            if "held-out AUC" in note:
                notes.append(note.partition(", ")[0])
            else:
                heard.append((self.now, n_done, n_total))

        def message(self, text: str) -> None:
            messages.append(text)

    training = Training(tmp_path, with_network(max_epochs=2))
    training.fit(Listening(0, ""))
    assert heard == [
        (f"epoch {epoch}", n_done, 300) for epoch in (1, 2) for n_done in (128, 256, 300)
    ]
    auc = training.course.epochs[0]["held_out_auc"]
    assert messages[0] == f"epoch 1 of 2: held-out AUC {auc:.4f}"
    assert notes[0] == f"held-out AUC {auc:.4f}"
    assert len(notes) == 2


def test_held_out_rows_of_one_label_have_no_auc(tmp_path: Path) -> None:
    training = Training(tmp_path)
    features, label = some_rows(1, 10)
    weights = weights_of(training.network, training.rows.mean, training.rows.inverse_spread)
    for same in (np.zeros_like(label), np.ones_like(label), label[:0]):
        held_out = HeldOut(features[: len(same)], same)
        assert np.isnan(held_out.area_under_curve(training.network, weights))


@pytest.mark.parametrize("heavier", [0, 1])
def test_of_two_rows_that_contradict_each_other_the_heavier_is_believed(
    heavier: int, tmp_path: Path
) -> None:
    training = Training(tmp_path)
    features, label = some_rows(0, 300)
    rows = TrainingRows(tmp_path, 600, WIDTH, 0)
    for number, some in enumerate((label, 1 - label)):
        rows.add(features, some, np.full(300, 5.0 if number == heavier else 1.0, np.float32))
    rows.finish()
    training.rows = rows
    training.fit()
    auc = training.course.epochs[-1]["held_out_auc"]
    assert auc > 0.9 if heavier == 0 else auc < 0.1


def test_the_held_out_auc_is_weighted(tmp_path: Path) -> None:
    training = Training(tmp_path)
    network = training.network
    weights = weights_of(network, training.rows.mean, training.rows.inverse_spread)
    features, label = some_rows(1, 40)
    score = network_module.score(network, weights, features)
    random = np.random.default_rng(0)
    weight = random.integers(0, 4, 40).astype(np.float32)
    pairs = [
        (weight[one] * weight[other], np.sign(score[one] - score[other]))
        for one in np.flatnonzero(label == 1)
        for other in np.flatnonzero(label == 0)
    ]
    total = sum(mass for mass, _ in pairs)
    expected = sum(mass * (1 + sign) / 2 for mass, sign in pairs) / total
    held_out = HeldOut(features, label, weight)
    assert held_out.area_under_curve(network, weights) == pytest.approx(expected)
    without = HeldOut(features, label).area_under_curve(network, weights)
    assert without != pytest.approx(expected)
    alike = HeldOut(features, label, np.full(40, 3, np.float32))
    assert alike.area_under_curve(network, weights) == without
    # What weighs nothing is no label.
    assert np.isnan(HeldOut(features, label, label).area_under_curve(network, weights))
    assert np.isnan(HeldOut(features, label, 0 * label).area_under_curve(network, weights))


def test_a_finished_course_is_not_gone_on_with(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.fit()
    before = [array.copy() for array in training.last()]
    training.fit()
    assert_same_arrays(training.last(), before)


def test_users_are_held_out_until_there_are_samples_enough() -> None:
    def held_out(n_samples: Array | list[int], share: float) -> NDArray[np.bool_]:
        return held_out_users(np.array([0, *n_samples]), share, np.random.default_rng(0))

    assert held_out([5] * 100, 0.1).sum() == 10
    assert held_out([1_000] * 100, 0.1).sum() == 5
    assert held_out([100_000] * 100, 0.1).sum() == 1
    assert held_out([5, 5], 0.1).sum() == 1
    assert not held_out([5], 0.1).any()
    assert not held_out([5] * 100, 0.1)[0]
