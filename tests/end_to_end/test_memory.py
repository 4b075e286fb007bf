"""Memory does not grow with the interactions; `benchmarks/memory.py` shows it for ten million."""

import dataclasses
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest

import edgerec
from edgerec.recsys import Id, Sample
from edgerec.samples import intake as intake_module
from edgerec.training import rows as rows_module
from tests.toy import SETTINGS

N_ITEMS, N_EACH = 300, 100


class Streamed:
    """Yields samples that stand nowhere: users with 100 interactions each."""

    def __init__(self, n_users: int) -> None:
        self.n_users = n_users

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return [float(int(item_id) % 2)]

    def sample_generator(self) -> Iterator[Sample]:
        for user in range(self.n_users):
            for position in range(N_EACH):
                item = (user * 7 + position * 11) % N_ITEMS
                liked = float((user + item) % 2)
                yield Sample(user, item, liked, position, 1.0 + liked)


def peak_of_training(n_users: int) -> int:
    settings = dataclasses.replace(
        SETTINGS,
        n_known_interactions=1000,
        network=dataclasses.replace(SETTINGS.network, batch_size=256, max_epochs=1),
        embedding=dataclasses.replace(SETTINGS.embedding, epochs=1),
    )
    tracemalloc.start()
    try:
        edgerec.train(Streamed(n_users), settings)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_four_times_the_interactions_train_in_the_same_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake_module, "_CHUNK", 1024)
    monkeypatch.setattr(rows_module, "_BIN_BYTES", 2**18)
    peak_of_training(10)  # what is imported and cached at the first use counts once
    assert peak_of_training(400) < 1.3 * peak_of_training(100)
