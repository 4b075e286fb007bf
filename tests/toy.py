"""Recommenders whose right answers are known: even users like even items, odd users odd ones."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from edgerec.config import EmbeddingSettings, NetworkSettings, TrainSettings
from edgerec.ids import IdType
from edgerec.progress import Silent
from edgerec.recsys import Id, RecSys, Sample
from edgerec.samples.intake import Intake, take_in
from edgerec.schema import Request
from edgerec.training.ranker import Ranker

SETTINGS = TrainSettings(
    n_history=10,
    n_folds=2,
    held_out_share=0.2,
    chunk_rows=1024,
    embedding=EmbeddingSettings(embedding_dim=4, window=5, epochs=5, sample=0.0),
    network=NetworkSettings(
        hidden_layer_sizes=(8,), alpha=1e-3, batch_size=32, learning_rate=1e-2, max_epochs=4
    ),
)


class Listed:
    """Yields the samples it is given; one constant feature for each user, two for each item."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.samples = list(samples)

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return [1.0]

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return [1.0, float(len(str(item_id)))]

    def sample_generator(self) -> Iterator[Sample]:
        return iter(self.samples)


class Checkerboard:
    """Every user meets random items: rates them all, or takes what he likes and leaves the rest.

    What was left is a sampled negative, without a value. The users of `test_users` stand in no
    sample; they are there to be asked about.
    """

    def __init__(
        self,
        n_users: int = 40,
        n_items: int = 24,
        n_samples_each: int = 16,
        *,
        id_type: IdType = "int64",
        rated: bool = False,
        item_feature_width: int = 1,
        user_feature_width: int = 1,
    ) -> None:
        self.id_type = id_type
        self.rated = rated
        self.item_feature_width = item_feature_width
        self.user_feature_width = user_feature_width
        random = np.random.default_rng(5)
        self.seen = {
            user: random.permutation(n_items)[:n_samples_each].tolist()
            for user in range(n_users + 8)
        }
        self.users = range(n_users)
        self.test_users = range(n_users, n_users + 8)

    def user_id(self, user: int) -> Id:
        return 100 + user if self.id_type == "int64" else f"user-{user}"

    def item_id(self, item: int) -> Id:
        return 10 * item - 50 if self.id_type == "int64" else f"item-{item}"

    def item(self, item_id: Id) -> int:
        return (int(item_id) + 50) // 10 if self.id_type == "int64" else int(str(item_id)[5:])

    def value(self, user: int, item: int) -> float | None:
        if (user + item) % 2 == 0:
            return 5.0
        return 1.0 if self.rated else None

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return [float(len(str(user_id)))] * self.user_feature_width

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        item = self.item(item_id)
        return [float(item % 2), float(item % 3)][: self.item_feature_width]

    def sample_generator(self) -> Iterator[Sample]:
        for user in self.users:
            for position, item in enumerate(self.seen[user]):
                yield Sample(
                    user_id=self.user_id(user),
                    item_id=self.item_id(item),
                    label=float((user + item) % 2 == 0),
                    timestamp=1_000 + 60 * position,
                    value=self.value(user, item),
                )


def area_under_curve(ranker: Ranker, board: Checkerboard) -> float:
    """The AUC on users that training never saw, after half of what they met."""
    labels: list[int] = []
    scores: list[NDArray[np.float32]] = []
    for user in board.test_users:
        seen = board.seen[user]
        first, later = seen[: len(seen) // 2], seen[len(seen) // 2 :]
        history = [item for item in first if board.value(user, item) is not None]
        answer = ranker.answer(
            Request(
                user_id=board.user_id(user),
                item_ids=[board.item_id(item) for item in later],
                history=[board.item_id(item) for item in history],
                history_values=[float(board.value(user, item) or 0) for item in history],
            )
        )
        labels += [int((user + item) % 2 == 0) for item in later]
        scores.append(answer.scores)
    return float(roc_auc_score(labels, np.concatenate(scores)))


def taken_in(rec_sys: RecSys, folder: Path, chunk_rows: int = 1024) -> Intake:
    return take_in(rec_sys, folder, chunk_rows, Silent())


def assert_same_arrays(
    left: Iterable[NDArray[np.float32]], right: Iterable[NDArray[np.float32]]
) -> None:
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)
