"""Small trained models that several tests share: real training, a second or two each."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cache

import edgerec
from edgerec import Sample
from edgerec.config import EmbeddingSettings, NetworkSettings, TasteSettings, TrainSettings
from edgerec.datasets import GeneratedInteractions, make_interactions
from edgerec.model import Model
from edgerec.recsys import Id

# Few directions of taste: what they cost grows with their cube, and every part of them is there.
# There are fewer than features of items, of which WIDE has one each.
SETTINGS = TrainSettings(
    n_history=8,
    n_folds=2,
    taste=TasteSettings(n_latent=2, n_content=6, n_rounds=2),
    embedding=EmbeddingSettings(embedding_dim=6, window=5, epochs=2),
    network=NetworkSettings(hidden_layer_sizes=(12,), max_epochs=2),
)
WIDE = dataclasses.replace(SETTINGS, taste=TasteSettings(n_rounds=2))


@cache
def interactions() -> GeneratedInteractions:
    return make_interactions(n_users=60, n_items=120, n_interactions=2400, random_state=3)


class Generated:
    """A RecSys over generated interactions; strings for ids where asked."""

    def __init__(self, strings: bool = False) -> None:
        self._data = interactions()
        self._strings = strings
        self._genres = sorted({g for joined in self._data.genres for g in joined.split("|")})
        self._genres_of = {
            self.item(int(id_)): joined.split("|")
            for id_, joined in zip(self._data.catalogue_ids, self._data.genres, strict=True)
        }

    def item(self, id_: int) -> Id:
        return f"item {id_} é" if self._strings else id_

    def user(self, id_: int) -> Id:
        return f"user {id_}" if self._strings else id_

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        number = int(str(user_id).rpartition(" ")[2])
        return [float(number % 2)]

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return [float(genre in self._genres_of[item_id]) for genre in self._genres]

    def sample_generator(self) -> Iterator[Sample]:
        data = self._data
        for user, item, value, time in zip(
            data.user_ids.tolist(),
            data.item_ids.tolist(),
            data.values.tolist(),
            data.timestamps.tolist(),
            strict=True,
        ):
            yield Sample(self.user(user), self.item(item), float(value > 3.5), time, value)


@cache
def generated_model(strings: bool = False) -> Model:
    return edgerec.train(Generated(strings), SETTINGS)


@cache
def wide_model() -> Model:
    return edgerec.train(Generated(), WIDE)


@cache
def neighbours_model() -> Model:
    """Return a model that ranks the catalogue, by neighbours too."""
    settings = dataclasses.replace(
        SETTINGS, n_neighbours=4, objective="top", n_candidates=20, popularity_penalty=0.3
    )
    return edgerec.train(Generated(), settings)


class Enormous(Generated):
    """Integer ids that are one and the same as doubles."""

    def item(self, id_: int) -> Id:
        return 2**63 - 1 - id_

    def user(self, id_: int) -> Id:
        return 2**60 + id_ if id_ % 2 else -(2**60) - id_

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return [float(int(user_id) % 2)]


@cache
def enormous_model() -> Model:
    return edgerec.train(Enormous(), SETTINGS)


class Viewed:
    """Implicit feedback: what was viewed has value 1, and each view has a sampled negative."""

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return []

    def sample_generator(self) -> Iterator[Sample]:
        for user in range(1, 31):
            for step in range(12):
                seen = 2 * ((user + step) % 15) + user % 2
                yield Sample(user, seen, 1.0, 1000 + step, 1.0)
                yield Sample(user, 2 * ((user * step) % 15) + 1 - user % 2, 0.0, 1000 + step, None)


@cache
def viewed_model() -> Model:
    return edgerec.train(Viewed(), SETTINGS)
