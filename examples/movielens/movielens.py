"""A movie recommender over a MovieLens database, from samples to an answer over HTTP."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlalchemy import text

import edgerec
from edgerec.source import open_engine

LIKED_ABOVE = 3.5  # a rating above this is a like: label 1
YEAR = re.compile(r"\((\d{4})[–\d]*\)\s*$")  # "Toy Story (1995)", "Sherlock (2010–2017)"


class MovieLens:
    """Implements `edgerec.recsys.RecSys`, and its optional capabilities, over a database.

    Its URL is `database`, else the environment's EDGEREC_DATABASE, else sqlite:///movielens.db."""

    def __init__(self, database: str | None = None) -> None:
        url = database or os.environ.get("EDGEREC_DATABASE") or "sqlite:///movielens.db"
        self.engine = open_engine(url)
        movies = self._rows("SELECT movieId, title, genres FROM movies")
        self.movies = {id_: (title, genres) for id_, title, genres in movies}
        self.item_features = self._make_item_features()

    def get_user_feature(self, user_id: int) -> Sequence[float]:
        """Return nothing: MovieLens says nothing of its users but what they rated."""
        return []

    def get_item_feature(self, item_id: int) -> Sequence[float]:
        """Return the movie's genres (1 or 0 for each) and its year."""
        return self.item_features[item_id]

    def get_item_features(self, item_ids: Sequence[int]) -> Sequence[Sequence[float]]:
        """Return `get_item_feature` of many movies at once."""
        return [self.item_features[item_id] for item_id in item_ids]

    def get_item_titles(self, item_ids: Sequence[int]) -> Sequence[str]:
        """Return what people call the movies: for the report, and to search by."""
        return [self.movies[item_id][0] for item_id in item_ids]

    def get_item_categories(self, item_ids: Sequence[int]) -> Sequence[str]:
        """Return the genres, "Animation|Children": for the map, and beside similar movies."""
        return [self.movies[item_id][1] for item_id in item_ids]

    def sample_generator(self) -> Iterator[edgerec.Sample]:
        """Yield every rating to train on, user by user, in order of time."""
        return self._samples("ratings_train")

    def evaluation_sample_generator(self) -> Iterator[edgerec.Sample]:
        """Yield every held-out rating, for the figures of the finished model."""
        return self._samples("ratings_test")

    def item_generator(self) -> Iterator[int]:
        """Yield every movie: one that nobody has rated yet is known by its genres and year."""
        return iter(self.item_features)

    def item_seq_generator(self) -> Iterator[Sequence[int]]:
        """Yield all movies that each user rated: people choose what they watch."""
        for _, samples in groupby(self.sample_generator(), key=lambda sample: sample.user_id):
            yield [sample.item_id for sample in samples]

    def _samples(self, table: str) -> Iterator[edgerec.Sample]:
        order = "ORDER BY userId, timestamp, movieId"
        query = f"SELECT userId, movieId, rating, timestamp FROM {table} {order}"
        for user_id, item_id, rating, timestamp in self._rows(query):
            yield edgerec.Sample(user_id, item_id, float(rating > LIKED_ABOVE), timestamp, rating)

    def _make_item_features(self) -> dict[int, list[float]]:
        movies = self.movies.items()
        listed = {genre for _, (_, joined) in movies for genre in joined.split("|")}
        genres = sorted(listed - {"(no genres listed)"})
        years = {id_: int(found[1]) for id_, (title, _) in movies if (found := YEAR.search(title))}
        mean_year = sum(years.values()) / max(len(years), 1)
        return {
            movie_id: [
                *(float(genre in joined.split("|")) for genre in genres),
                (years.get(movie_id, mean_year) - mean_year) / 20,  # in units of 20 years
            ]
            for movie_id, (_, joined) in movies
        }

    def _rows(self, query: str) -> Iterator[Sequence]:
        with self.engine.connect() as connection:
            yield from connection.execute(text(query))


def main() -> None:
    """Train, export, and answer over HTTP until interrupted."""
    model = edgerec.train(MovieLens())
    model.export("models/movielens.onnx")
    edgerec.start_http_api(model, "/api/v1/recommend", ":8080", ready=print)


if __name__ == "__main__":
    main()
