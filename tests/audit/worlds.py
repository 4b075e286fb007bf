"""A recommender over generated ratings, split at each user's time, which leaks on demand."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from edgerec.config import EmbeddingSettings, NetworkSettings, TrainSettings
from edgerec.datasets import make_interactions
from edgerec.recsys import Id, Sample

SETTINGS = TrainSettings(
    n_history=20,
    embedding=EmbeddingSettings(embedding_dim=4, epochs=1),
    network=NetworkSettings(hidden_layer_sizes=(4,), max_epochs=1),
)


class Ratings:
    """Each user's last fifth is held out; features are the genres."""

    def __init__(self, random_state: int = 0) -> None:
        made = make_interactions(200, 300, 9_000, random_state=random_state)
        names = sorted({name for joined in made.genres for name in joined.split("|")})
        self.genres: dict[Id, list[float]] = {
            item: [float(name in joined.split("|")) for name in names]
            for item, joined in zip(made.catalogue_ids.tolist(), made.genres, strict=True)
        }
        order = np.lexsort((made.item_ids, made.timestamps, made.user_ids))
        self.everything = [
            Sample(user, item, float(value > 3.5), time, value)
            for user, item, value, time in zip(
                made.user_ids[order].tolist(),
                made.item_ids[order].tolist(),
                made.values[order].tolist(),
                made.timestamps[order].tolist(),
                strict=True,
            )
        ]
        self.train: list[Sample] = []
        self.test: list[Sample] = []
        for _, own in groupby(self.everything, key=lambda sample: sample.user_id):
            rows = list(own)
            self.train += rows[: -(len(rows) // 5)]
            self.test += rows[-(len(rows) // 5) :]

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return self.genres[item_id]

    def sample_generator(self) -> Iterator[Sample]:
        return iter(self.train)

    def evaluation_sample_generator(self) -> Iterator[Sample]:
        return iter(self.test)

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        return self.sequences(self.train)

    def sequences(self, samples: Sequence[Sample]) -> Iterator[Sequence[Id]]:
        for _, own in groupby(samples, key=lambda sample: sample.user_id):
            yield [sample.item_id for sample in own]

    def mean(self, role: str) -> dict[Id, float]:
        """The mean value of each user or item over all rows, held-out ones included."""
        values: dict[Id, list[float]] = {}
        for sample in self.everything:
            id_ = sample.user_id if role == "user" else sample.item_id
            values.setdefault(id_, []).append(float(sample.value or 0))
        return {id_: sum(own) / len(own) for id_, own in values.items()}
