import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec import pipeline as pipeline_module
from edgerec.errors import ConfigurationError, SampleError, StateError, StorageError
from edgerec.features.embeddings import unfinished
from edgerec.features.taste.tables import taste_to_arrays
from edgerec.pipeline import load_model, train
from edgerec.progress import Silent
from edgerec.recsys import Id, Interaction, Sample
from edgerec.schema import Request
from edgerec.training.fit import HeldOut, fit_network
from edgerec.training.ranker import Ranker
from edgerec.training.rows import TrainingRows
from edgerec.training.state import load_state
from tests.toy import SETTINGS, Checkerboard, Listed, area_under_curve, assert_same_arrays

ROOT = Path(__file__).parents[1]


def assert_same_ranker(one: Ranker, other: Ranker) -> None:
    assert one.facts == other.facts
    assert_same_arrays(one.weights.coefficients, other.weights.coefficients)
    assert_same_arrays(one.weights.intercepts, other.weights.intercepts)
    assert_same_arrays([one.tables.embedding], [other.tables.embedding])
    assert_same_arrays(vars(one.tables.statistics).values(), vars(other.tables.statistics).values())
    assert_same_arrays(
        taste_to_arrays(one.tables.taste).values(), taste_to_arrays(other.tables.taste).values()
    )


class InterruptedAt(Silent):
    """Raises Ctrl-C in the middle of one epoch, counted from 1."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.now = ""

    def stage(self, name: str) -> None:
        self.now = name

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        if self.now == f"epoch {self.epoch}":
            raise KeyboardInterrupt


class WithSequences(Checkerboard):
    """Offers sequences of what each user took."""

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        for user in self.users:
            yield [
                self.item_id(item) for item in self.seen[user] if self.value(user, item) is not None
            ]


class Weighted(Checkerboard):
    """Some samples count more than others."""

    weights: Sequence[float] = (1.0, 0.0, 3.0)

    def sample_generator(self) -> Iterator[Sample]:
        for number, sample in enumerate(super().sample_generator()):
            yield sample._replace(weight=self.weights[number % len(self.weights)])


class WeightedAlike(Weighted):
    weights = (0.3,)


class Behaving(Checkerboard):
    """Offers the histories that the stream would have given."""

    def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> list[Interaction]:
        earlier = [
            Interaction(sample.item_id, sample.value, sample.timestamp)
            for sample in self.sample_generator()
            if sample.user_id == user_id and sample.timestamp < as_of and sample.value is not None
        ]
        return earlier[-limit:]


@pytest.mark.parametrize(
    "settings_of_board",
    [
        {},
        {"id_type": "string"},
        {"rated": True},
        {"rated": True, "id_type": "string"},
        {"item_feature_width": 0},  # the embedding alone tells the items apart
        {"user_feature_width": 0},
        {"user_feature_width": 3, "item_feature_width": 2},
    ],
)
def test_a_checkerboard_is_learned(settings_of_board: dict[str, Any]) -> None:
    board = Checkerboard(**settings_of_board)
    ranker = train(board, SETTINGS).ranker
    assert area_under_curve(ranker, board) > 0.9
    best = ranker.facts.epochs[ranker.facts.best_epoch - 1]["held_out_auc"]
    assert best >= max(epoch["held_out_auc"] for epoch in ranker.facts.epochs) - 1e-3
    # With sampled negatives a history holds likes alone, and a user's first samples find none. A
    # figure above .9 there once came from an embedding that had seen the held-out users' likes.
    assert best > (0.9 if board.rated else 0.8)


@pytest.mark.parametrize(("n_users", "n_held_out"), [(20, 4), (2, 1), (3, 1), (1, 0)])
def test_held_out_users_are_not_fitted(
    n_users: int, n_held_out: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows: list[tuple[int, int]] = []

    def counting(network: Any, rows: TrainingRows, held_out: HeldOut, *rest: Any) -> None:
        n_rows.append((rows.n_rows, len(held_out.label)))
        fit_network(network, rows, held_out, *rest)

    monkeypatch.setattr(pipeline_module, "fit_network", counting)
    train(Checkerboard(n_users=n_users), SETTINGS)
    assert n_rows == [(16 * (n_users - n_held_out), 16 * n_held_out)]


def test_the_facts_of_the_data_are_kept():
    ranker = train(Checkerboard(n_users=10), SETTINGS).ranker
    facts = ranker.facts
    assert (facts.n_samples, len(ranker.user_ids)) == (160, 10)
    assert 0 < facts.n_interactions < 160
    assert (facts.first_timestamp, facts.last_timestamp) == (1000, 1900)
    assert facts.event_values == {"viewed": None, "liked": 5.0, "bought": 5.0, "skipped": None}
    assert ranker.tables.label_above == 0.0
    assert ranker.tables.statistics.n_folds == 0
    assert len(ranker.tables.taste.mean) == 1
    assert len(ranker.tables.embedding) == 1


def test_the_same_seed_gives_the_same_ranker_and_another_does_not():
    first, second, other = (
        train(Checkerboard(n_users=10), dataclasses.replace(SETTINGS, random_state=seed)).ranker
        for seed in (3, 3, 4)
    )
    assert_same_ranker(first, second)
    assert (first.weights.coefficients[0] != other.weights.coefficients[0]).any()


def test_weights_change_the_network_and_nothing_else() -> None:
    plain, weighted = train(Checkerboard(), SETTINGS).ranker, train(Weighted(), SETTINGS).ranker
    assert (plain.weights.coefficients[0] != weighted.weights.coefficients[0]).any()
    # Tables say how much there was and what it was like, however much a sample counts.
    weighted = weighted.replaced(weights=plain.weights, facts=plain.facts)
    assert_same_ranker(plain, weighted)


def test_weights_that_are_all_the_same_change_nothing() -> None:
    plain, alike = train(Checkerboard(), SETTINGS).ranker, train(WeightedAlike(), SETTINGS).ranker
    assert plain.facts.fingerprint != alike.facts.fingerprint
    facts = dataclasses.replace(alike.facts, fingerprint=plain.facts.fingerprint)
    assert_same_ranker(plain, alike.replaced(facts=facts))


def test_users_may_interleave_in_the_stream():
    board = Checkerboard(n_users=10)
    by_time = Checkerboard(n_users=10)
    samples = sorted(board.sample_generator(), key=lambda sample: sample.timestamp)
    by_time.sample_generator = lambda: iter(samples)  # type: ignore[method-assign]
    assert_same_ranker(train(by_time, SETTINGS).ranker, train(board, SETTINGS).ranker)


HASHED = """
import sys
from tests.toy import SETTINGS, Checkerboard
from edgerec.pipeline import train
train(Checkerboard(n_users=10, id_type="string"), SETTINGS, training_folder=sys.argv[1])
"""


def test_the_hash_seed_of_python_changes_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / seed for seed in ("1", "2")]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HASHED, str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": folder.name, "PYTHONPATH": str(ROOT)},
        )
        for folder in folders
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    first, second = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in folders
    )
    assert first == second
    assert len(first) == 3


def test_a_sampled_negative_never_enters_a_history():
    board = Checkerboard(n_users=10)
    known = train(board, SETTINGS).ranker.known
    for user in board.users:
        rows = known.rows[known.offsets[user + 1] : known.offsets[user + 2]]
        taken = [item for item in board.seen[user] if board.value(user, item) is not None]
        ids = sorted({item for seen in board.seen.values() for item in seen})
        assert [ids[row - 1] for row in rows] == taken[-SETTINGS.n_history :]


def test_histories_may_come_from_get_user_behavior():
    assert_same_ranker(
        train(Behaving(n_users=8), SETTINGS).ranker, train(Checkerboard(n_users=8), SETTINGS).ranker
    )


def test_other_histories_make_another_ranker():
    class Forgetful(Checkerboard):
        def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> list[Interaction]:
            return []

    forgetful = train(Forgetful(n_users=8), SETTINGS).ranker
    assert len(forgetful.known.rows) == 0
    told = train(Checkerboard(n_users=8), SETTINGS).ranker
    assert (forgetful.weights.coefficients[0] != told.weights.coefficients[0]).any()


def test_without_sequences_the_embedding_is_that_of_the_interactions():
    without, with_them = (
        train(kind(n_users=10), SETTINGS).ranker for kind in (Checkerboard, WithSequences)
    )
    assert without.tables.embedding[0, 1:].any(axis=1).all()
    assert_same_arrays([without.tables.embedding], [with_them.tables.embedding])


def test_the_file_gets_the_embedding_of_all_sequences(tmp_path: Path) -> None:
    board = WithSequences(rated=True)
    board.item_seq_generator = lambda: (  # type: ignore[method-assign]
        [board.item_id(item) for item in board.seen[user] if (user + item) % 2 == 0]
        for user in board.users
    )
    ranker = train(board, SETTINGS, training_folder=tmp_path).ranker
    fits = load_state(tmp_path).ranker.tables.embedding
    assert len(fits) == 3
    assert_same_arrays([ranker.tables.embedding], [fits[-1:]])
    assert area_under_curve(ranker, board) > 0.9


def test_sequences_that_are_offered_must_come():
    class Silenced(Checkerboard):
        def item_seq_generator(self) -> Iterator[Sequence[Id]]:
            return iter([])

    with pytest.raises(SampleError, match="item_seq_generator yielded 0 sequences"):
        train(Silenced(n_users=10), SETTINGS)


def test_equal_timestamps_are_remarked_on():
    class Timeless(Checkerboard):
        def sample_generator(self):
            for sample in super().sample_generator():
                yield sample._replace(timestamp=7)

    messages: list[str] = []

    class Listening(Silent):
        def message(self, text: str) -> None:
            messages.append(text)

    train(Timeless(n_users=10), SETTINGS, progress=Listening())
    assert messages[0] == (
        "all samples have the timestamp 7, so nobody has an earlier one and every history is "
        "empty. Name a column of times that differ, or a number that grows."
    )


def test_without_any_value_a_message_says_that_histories_stay_empty():
    class Valueless(Checkerboard):
        def value(self, user: int, item: int) -> float | None:
            return None

    messages: list[str] = []

    class Listening(Silent):
        def message(self, text: str) -> None:
            messages.append(text)

    ranker = train(Valueless(n_users=10), SETTINGS, progress=Listening()).ranker
    assert messages[0].startswith("no sample has a value, so every history is empty")
    assert not ranker.tables.embedding.any()


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (
            ["10"],
            (
                "item_seq_generator gave the item id '10' of type str, but the items of "
                "sample_generator have ids of kind int64. Give the same kind."
            ),
        ),
        (
            10,
            (
                "item_seq_generator yielded 10, which is no sequence of item ids. "
                "Yield one list per user."
            ),
        ),
    ],
)
def test_sequences_that_cannot_be_used(odd: Any, message: str) -> None:
    class Odd(Checkerboard):
        def item_seq_generator(self) -> Iterator[Sequence[Id]]:
            yield odd

    with pytest.raises(SampleError) as caught:
        train(Odd(n_users=4), SETTINGS)
    assert str(caught.value) == message


def test_a_generator_of_sequences_that_returns_nothing() -> None:
    class Odd(Checkerboard):
        def item_seq_generator(self) -> Any:
            return None

    with pytest.raises(SampleError) as caught:
        train(Odd(n_users=4), SETTINGS)
    assert str(caught.value) == (
        "item_seq_generator returned None; expected an iterator of sequences of item ids. "
        "Write `yield [first_id, second_id, …]` for each user."
    )


def test_what_is_no_recommender_is_refused_at_once() -> None:
    class Halved:
        def get_user_feature(self, user_id: Id) -> list[float]:
            return []

        def __repr__(self) -> str:
            return "Halved()"

    with pytest.raises(ConfigurationError) as caught:
        train(Halved())  # type: ignore[arg-type]
    assert str(caught.value) == (
        "Halved() lacks get_item_feature, sample_generator. Implement edgerec.RecSys: "
        "get_user_feature, get_item_feature, sample_generator."
    )
    with pytest.raises(ConfigurationError) as caught:
        train(Checkerboard)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "The class Checkerboard was given where one of its objects is expected. "
        "Make one: Checkerboard()."
    )


def test_a_training_folder_that_cannot_be_written_to_is_found_before_anything_is_read(
    tmp_path: Path,
) -> None:
    class Unread(Checkerboard):
        def pre_train(self) -> None:
            pytest.fail("read too early")

    (tmp_path / "a.training").write_text("")
    with pytest.raises(StorageError) as caught:
        train(Unread(), SETTINGS, training_folder=tmp_path / "a.training")
    assert str(caught.value) == (
        f"{tmp_path}/a.training/state.json cannot be written, since {tmp_path}/a.training is no "
        "folder. Name another place, or make that folder writable."
    )


@pytest.mark.parametrize("name", ["samples.raw", "samples.sorted", "sequences", "rows.0"])
def test_a_full_disk_while_training_is_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    class FullDisk(tempfile.TemporaryDirectory[str]):
        def __enter__(self) -> str:
            (Path(self.name) / name).symlink_to("/dev/full")
            return super().__enter__()

    monkeypatch.setattr(tempfile, "TemporaryDirectory", FullDisk)
    with pytest.raises(StorageError) as caught:
        train(WithSequences(), SETTINGS)
    assert str(caught.value) == (
        f"The disk of {tmp_path} is full; training keeps its samples there while it works. Free "
        "some space, or set TMPDIR to a folder on a larger disk."
    )
    assert list(tmp_path.iterdir()) == []


def test_batches_of_features_are_preferred():
    class Batched(Checkerboard):
        def get_user_features(self, user_ids: Sequence[Id]) -> list[Sequence[float]]:
            return [[7.0] for _ in user_ids]

        def get_item_features(self, item_ids: Sequence[Id]) -> list[Sequence[float]]:
            return [[8.0] for _ in item_ids]

    tables = train(Batched(n_users=4), SETTINGS).ranker.tables
    assert set(tables.user_features.ravel().tolist()) == {7.0}
    assert set(tables.item_features.ravel().tolist()) == {8.0}


def test_pre_train_comes_before_anything_is_read():
    class Prepared(Checkerboard):
        ready = 0

        def pre_train(self) -> None:
            self.ready += 1

        def sample_generator(self) -> Iterator[Sample]:
            assert self.ready == 1
            return super().sample_generator()

    train(Prepared(n_users=4), SETTINGS)


def test_a_single_user_is_enough():
    ranker = train(Checkerboard(n_users=1), SETTINGS).ranker
    assert np.isnan([epoch["held_out_auc"] for epoch in ranker.facts.epochs]).all()
    assert ranker.facts.best_epoch == len(ranker.facts.epochs) == SETTINGS.network.max_epochs
    assert np.isfinite(ranker.answer(Request(user_id=100)).scores).all()


@pytest.mark.parametrize("id_type", ["int64", "string"])
@pytest.mark.parametrize("n_items", [1, 2])
def test_a_tiny_catalogue_is_enough(n_items: int, id_type: Any) -> None:
    board = Checkerboard(n_items=n_items, n_samples_each=n_items, id_type=id_type)
    answer = train(board, SETTINGS).ranker.answer(Request())
    assert answer.scores.shape == (n_items,)
    assert np.isfinite(answer.scores).all()


def test_a_history_longer_than_n_history_is_cut_to_the_newest():
    settings = dataclasses.replace(SETTINGS, n_history=3)
    board = Checkerboard(n_users=6, rated=True)
    ranker = train(board, settings).ranker
    assert np.diff(ranker.known.offsets).tolist() == [0, 3, 3, 3, 3, 3, 3]
    for row, user_id in enumerate(ranker.user_ids.tolist(), 1):
        newest = board.seen[user_id - 100][-3:]
        rows = ranker.known.rows[ranker.known.offsets[row] : ranker.known.offsets[row + 1]]
        assert ranker.item_ids[rows - 1].tolist() == [board.item_id(item) for item in newest]


def test_a_user_who_touches_an_item_again_and_again():
    samples = [
        Sample(user, 1 + moment % 2, float(moment % 2), moment, 1.0 + moment % 2)
        for user in (1, 2, 3)
        for moment in range(30)
    ]
    known = train(Listed(samples), SETTINGS).ranker.known
    assert np.diff(known.offsets).tolist() == [0, 2, 2, 2]
    assert known.times[:2].tolist() == [28, 29]


def test_bad_samples_and_features_stop_training():
    with pytest.raises(SampleError, match=r"^sample_generator yielded nothing; "):
        train(Listed([]), SETTINGS)

    class Unequal(Checkerboard):
        def get_item_feature(self, item_id: Id) -> Sequence[float]:
            return [0.0] * (1 + (item_id == 0))

    with pytest.raises(SampleError, match=r"^get_item_feature\(0\) returned 2 numbers, "):
        train(Unequal(n_users=4), SETTINGS)


@pytest.mark.parametrize(
    "board", [Checkerboard(), WithSequences(), Weighted(), Behaving(n_users=12)]
)
@pytest.mark.parametrize("epoch", [2, 4])
def test_a_resumed_run_ends_as_one_that_was_not_interrupted(
    epoch: int, board: Checkerboard, tmp_path: Path
) -> None:
    whole = train(board, SETTINGS).ranker
    cut = train(board, SETTINGS, training_folder=tmp_path, progress=InterruptedAt(epoch)).ranker
    assert len(cut.facts.epochs) == epoch - 1
    resumed = train(board, training_folder=tmp_path, resume=True).ranker
    assert_same_ranker(resumed, whole)
    assert_same_ranker(load_model(tmp_path).ranker, whole)


def test_an_interrupt_before_the_first_epoch_is_done_can_be_resumed(tmp_path: Path) -> None:
    board = Checkerboard(n_users=10)
    with pytest.raises(KeyboardInterrupt):
        train(board, SETTINGS, training_folder=tmp_path, progress=InterruptedAt(1))
    with pytest.raises(StateError) as caught:
        load_model(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds no finished epoch, so there is no network to export. "
        "Train with resume first."
    )
    resumed = train(board, training_folder=tmp_path, resume=True).ranker
    assert_same_ranker(resumed, train(board, SETTINGS).ranker)


class InterruptedIn(Silent):
    """Raises Ctrl-C when a stage begins."""

    def __init__(self, stage: str) -> None:
        self.interrupted = stage
        self.messages: list[str] = []

    def stage(self, name: str) -> None:
        if name == self.interrupted:
            raise KeyboardInterrupt

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.mark.parametrize("id_type", ["int64", "string"])
@pytest.mark.parametrize("stage", ["histories", "epoch 1"])
def test_a_run_resumed_before_its_first_epoch_ends_at_the_same_bytes(
    stage: str, id_type: Any, tmp_path: Path
) -> None:
    board = Checkerboard(n_users=10, id_type=id_type)
    whole, cut = tmp_path / "whole.training", tmp_path / "cut.training"
    train(board, SETTINGS, training_folder=whole).export(tmp_path / "whole.onnx")
    progress = InterruptedIn(stage)
    with pytest.raises(KeyboardInterrupt):
        train(board, SETTINGS, training_folder=cut, progress=progress)
    assert progress.messages == [
        (
            f"interrupted; no epoch is done, so there is no network yet. {cut} keeps features, "
            "embedding and statistics: train with resume (--resume) to go on from there."
        )
    ]
    kept = (cut / "tables.npz").read_bytes()
    unfitted = InterruptedIn("item2vec")  # the embedding stands in what was kept
    train(board, training_folder=cut, resume=True, progress=unfitted).export(tmp_path / "cut.onnx")
    assert (cut / "tables.npz").read_bytes() == kept
    assert (tmp_path / "cut.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()
    for path in whole.iterdir():
        assert (cut / path.name).read_bytes() == path.read_bytes()


class InterruptedAmongWords(InterruptedIn):
    """Raises Ctrl-C within a fit of item2vec, of which there are three."""

    def __init__(self, n_fits: int) -> None:
        super().__init__("nothing")
        self._n_fits = n_fits
        self._within = False

    def stage(self, name: str) -> None:
        self._within = name == "item2vec"
        self._n_fits -= self._within

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        if self._within and not self._n_fits and 2 * n_done > (n_total or 0):
            raise KeyboardInterrupt


@pytest.mark.parametrize("n_fits", [1, 3])
def test_an_interrupt_of_item2vec_is_resumed_to_the_same_bytes(
    n_fits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "SECONDS_BETWEEN", 0.0)
    board = Checkerboard(n_users=10)
    whole, cut = tmp_path / "whole.training", tmp_path / "cut.training"
    train(board, SETTINGS, training_folder=whole)
    progress = InterruptedAmongWords(n_fits)
    with pytest.raises(KeyboardInterrupt):
        train(board, SETTINGS, training_folder=cut, progress=progress)
    assert progress.messages == [
        (
            f"interrupted; no epoch is done, so there is no network yet. {cut} keeps item2vec as "
            "far as it came: train with resume (--resume) to go on from there."
        )
    ]
    kept = {1: ["item2vec-1.npz"], 3: [f"item2vec-{fit}.npz" for fit in range(3)]}[n_fits]
    assert sorted(path.name for path in cut.iterdir()) == kept
    train(board, SETTINGS, training_folder=cut, resume=True)
    assert {path.name: path.read_bytes() for path in cut.iterdir()} == {
        path.name: path.read_bytes() for path in whole.iterdir()
    }


def test_an_interrupt_says_what_is_kept(tmp_path: Path) -> None:
    def said(stage: str, **options: Any) -> str:
        progress = InterruptedIn(stage)
        with pytest.raises(KeyboardInterrupt):
            train(Checkerboard(n_users=4), progress=progress, **options)
        return progress.messages[-1]

    assert said("epoch 1", settings=SETTINGS) == (
        "interrupted; nothing is kept, since no training folder was named."
    )
    assert said("features", settings=SETTINGS, training_folder=tmp_path) == (
        "interrupted; nothing of this run is kept yet. Train again."
    )
    train(Checkerboard(n_users=4), SETTINGS, training_folder=tmp_path)
    assert said("features", training_folder=tmp_path, resume=True) == (
        f"interrupted; {tmp_path} keeps the network after epoch 4. Train with resume (--resume) "
        "to go on from there."
    )


class WithOtherItems(Checkerboard):
    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return [one + (item_id == 50) for one in super().get_item_feature(item_id)]


class WithOtherUsers(Checkerboard):
    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return [3.0 + (int(user_id) > 107)]


class WithOtherHistories(Checkerboard):
    def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> list[Interaction]:
        return []


class Wider(Checkerboard):
    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return [*super().get_item_feature(item_id), 1.0]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            WithOtherItems(n_users=10),
            "other item features: those of item 50 have changed, and 0 more.",
        ),
        (
            WithOtherUsers(n_users=10),
            "other user features: those of user 108 have changed, and 1 more.",
        ),
        (Wider(n_users=10), "1 features of each item; now there are 2."),
        (WithOtherHistories(n_users=10), "other histories than get_user_behavior returns now."),
    ],
)
def test_resuming_with_other_features_is_refused(
    other: Checkerboard, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(
            Checkerboard(n_users=10), SETTINGS, training_folder=tmp_path, progress=InterruptedAt(1)
        )
    with pytest.raises(StateError) as caught:
        train(other, training_folder=tmp_path, resume=True)
    assert str(caught.value) == (f"{tmp_path} was trained on {sentence} Train without resume.")


def test_resuming_what_is_finished_changes_nothing(tmp_path: Path) -> None:
    board = Checkerboard(n_users=10)
    whole = train(board, SETTINGS, training_folder=tmp_path).ranker
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert_same_ranker(train(board, SETTINGS, training_folder=tmp_path, resume=True).ranker, whole)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("id_type", ["int64", "string"])
def test_a_loaded_model_answers_as_the_trained_one(id_type: Any, tmp_path: Path) -> None:
    board = Checkerboard(n_users=10, id_type=id_type)
    trained = train(board, SETTINGS, training_folder=tmp_path)
    request = Request(user_id=board.user_id(3), history=[board.item_id(2)], k=5)
    one, other = (model.ranker.answer(request) for model in (trained, load_model(tmp_path)))
    assert_same_arrays(vars(one).values(), vars(other).values())


def test_resuming_needs_a_folder_that_holds_something(tmp_path: Path) -> None:
    with pytest.raises(StateError) as caught:
        train(Checkerboard(), resume=True)
    assert str(caught.value) == "resume=True needs training_folder=…, the folder to resume from."
    with pytest.raises(StateError, match=r" holds no state\.json, so there is nothing to resume\."):
        train(Checkerboard(), training_folder=tmp_path, resume=True)


class Renamed(Checkerboard):
    """The same board under other item ids, in the same order."""

    def item_id(self, item: int) -> Id:
        return int(super().item_id(item)) + 1000

    def item(self, item_id: Id) -> int:
        return super().item(int(item_id) - 1000)


@pytest.mark.parametrize(
    ("other", "now"),
    [
        (Checkerboard(n_users=11), "there are 176"),
        (
            Checkerboard(n_users=10, rated=True),
            "there are as many, but with other ids, labels, values, times or weights",
        ),
        (
            Weighted(n_users=10),
            "there are as many, but with other ids, labels, values, times or weights",
        ),
        (
            Renamed(n_users=10),
            "there are as many, but with other ids, labels, values, times or weights",
        ),
    ],
)
def test_resuming_with_other_data_is_refused(other: Checkerboard, now: str, tmp_path: Path) -> None:
    train(Checkerboard(n_users=10), SETTINGS, training_folder=tmp_path)
    with pytest.raises(StateError) as caught:
        train(other, training_folder=tmp_path, resume=True)
    assert str(caught.value) == (
        f"{tmp_path} was trained on 160 samples; now {now}. Train without resume."
    )


def test_resuming_with_other_settings_is_refused(tmp_path: Path) -> None:
    board = Checkerboard(n_users=10)
    train(board, SETTINGS, training_folder=tmp_path)
    network = dataclasses.replace(SETTINGS.network, alpha=0.5)
    other = dataclasses.replace(SETTINGS, n_history=9, network=network)
    with pytest.raises(StateError) as caught:
        train(board, other, training_folder=tmp_path, resume=True)
    assert str(caught.value) == (
        f"{tmp_path} was trained with other settings: n_history was 10 and is 9, network.alpha was "
        "0.001 and is 0.5. Resume with the same ones, or train without resume."
    )


def test_training_again_starts_over(tmp_path: Path) -> None:
    board = Checkerboard(n_users=10)
    train(board, SETTINGS, training_folder=tmp_path)
    again = dataclasses.replace(SETTINGS, random_state=9)
    fresh = train(board, again, training_folder=tmp_path).ranker
    assert_same_ranker(load_model(tmp_path).ranker, fresh)
    assert json.loads((tmp_path / "state.json").read_text())["settings"]["random_state"] == 9
