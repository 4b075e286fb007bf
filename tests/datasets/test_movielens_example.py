import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from edgerec.datasets import make_interactions, write_generated_database
from edgerec.errors import SourceError
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine

EXAMPLE = Path(__file__).parents[2] / "examples" / "movielens" / "movielens.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("movielens_example", EXAMPLE)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("example") / "movielens.db"
    write_generated_database(file, make_interactions(60, 90, 2000))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO movies VALUES (999, 'No Year', '(no genres listed)')")
        connection.execute("INSERT INTO movies VALUES (998, 'Run (2010–2017) ', 'Noir|Drama')")
        connection.commit()
    url = f"sqlite:///{file}"
    engine = open_engine(url)
    split_table(engine, "ratings", find_columns(engine, "ratings"), by="user")
    return url


def test_it_has_less_than_100_lines() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 100


def test_samples_come_user_by_user_in_order_of_time(example: ModuleType, url: str) -> None:
    movie_lens = example.MovieLens(url)
    samples = list(movie_lens.sample_generator())
    assert samples == list(movie_lens.sample_generator())
    assert samples == sorted(samples, key=lambda each: (each.user_id, each.timestamp, each.item_id))
    assert all(each.label == float(each.value > 3.5) for each in samples)
    held_out = list(movie_lens.evaluation_sample_generator())
    assert len(samples) + len(held_out) == 2000
    assert not {each.user_id for each in samples} & {each.user_id for each in held_out}


def test_sequences_are_all_that_each_user_rated(example: ModuleType, url: str) -> None:
    movie_lens = example.MovieLens(url)
    sequences = list(movie_lens.item_seq_generator())
    rated: dict[int, list[int]] = {}
    for sample in movie_lens.sample_generator():
        rated.setdefault(sample.user_id, []).append(sample.item_id)
    assert sequences == list(rated.values())


def test_item_features_are_genres_and_year(example: ModuleType, url: str) -> None:
    movie_lens = example.MovieLens(url)
    features = movie_lens.get_item_features([1, 998, 999])
    assert features == [movie_lens.get_item_feature(item_id) for item_id in (1, 998, 999)]
    assert len({len(row) for row in features}) == 1
    assert sum(features[1][:-1]) == 2 and features[1][-1] > 0
    assert not any(features[2])
    assert movie_lens.get_user_feature(1) == []


def test_the_environment_names_the_database(
    example: ModuleType, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGEREC_DATABASE", url)
    assert len(example.MovieLens().item_features) == 92
    monkeypatch.delenv("EDGEREC_DATABASE")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"there is no SQLite file movielens.db"):
        example.MovieLens()
