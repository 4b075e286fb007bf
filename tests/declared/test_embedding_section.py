"""[training.embedding]: item2vec under gensim's names."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import edgerec
from edgerec.cli import main
from edgerec.config import EmbeddingSettings
from edgerec.datasets import write_generated_database
from edgerec.declared.reading import read_configuration
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError, SampleError
from edgerec.item_vectors.embed import embed
from edgerec.item_vectors.kept import load_item_vectors
from edgerec.pipeline import load_model
from edgerec.recsys import Id
from edgerec.source import InteractionChunk
from tests.trained import SETTINGS, Generated, interactions

FILE = """\
[database]
url = "sqlite:///shop.db"

[interactions]
table = "ratings"
user_id = "user_id"
item_id = "item_id"
timestamp = "time"

[label]
rule = "taken"

[training.embedding]
"""


def settings_of(text: str, folder: Path) -> EmbeddingSettings:
    path = folder / "edgerec.toml"
    path.write_text(FILE + text)
    return train_settings(read_configuration(path)).embedding


def test_what_is_not_named_is_the_default(tmp_path: Path) -> None:
    assert settings_of("", tmp_path) == EmbeddingSettings()


def test_gensim_s_names(tmp_path: Path) -> None:
    names = "vector_size = 8\nwindow = 3\nepochs = 2\nsg = 0\nhs = 1\nnegative = 0\nsample = 0.01\n"
    assert settings_of(f"{names}min_count = 4\nworkers = 0\nsession_gap = 60\n", tmp_path) == (
        EmbeddingSettings(*(8, 3, 2, 0, 0.01), sg=0, hs=1, min_count=4, workers=0, session_gap=60)
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("embedding_dim = 8\nvector_size = 8", "training.embedding.vector_size is an unknown key"),
        ("sg = 2", "training.embedding.sg must be 0 or 1, but is 2."),
        ("negative = 0", "training.embedding must be negative of at least 1, or hs = 1: one of "),
        ("min_count = 0", "training.embedding.min_count must be greater than or equal to 1, but"),
    ],
)
def test_what_cannot_be(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(text, tmp_path)
    assert sentence in str(caught.value)


@pytest.fixture
def movies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_generated_database(tmp_path / "movies.db", interactions())
    assert main(["init", "sqlite:///movies.db"]) == 0


TRAIN = ["train", "edgerec.toml", "--max-epochs", "1", "--n-history", "8"]


def test_vectors_are_made_continued_and_given_to_a_training(
    movies: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("models/edgerec.embedding")
    assert main(["embed", "edgerec.toml"]) == 0
    said = capsys.readouterr()
    assert "read 2,400 interactions, " in said.err
    assert "60 sequences with 2,400 words of " in said.err
    assert "32 wide" in said.out
    assert re.search(r"knows interactions until +│ [0-9]{4}-[0-9]{2}-[0-9]{2} .* UTC", said.out)
    before = load_item_vectors(folder)
    with closing(sqlite3.connect("movies.db")) as connection, connection:
        (last,) = connection.execute("SELECT max(timestamp) FROM ratings").fetchone()
        some = connection.execute("SELECT DISTINCT movieId FROM ratings LIMIT 6").fetchall()
        connection.execute("INSERT INTO movies VALUES (99999, 'New', 'Drama')")
        for user in range(1, 20):
            for place, movie in enumerate([*(one for (one,) in some), 99999]):
                row = (user, movie, 4.0, last + 1 + place)
                connection.execute("INSERT INTO ratings VALUES (?, ?, ?, ?)", row)
    assert main(["embed", "edgerec.toml", "--continue"]) == 0
    after = load_item_vectors(folder)
    assert after.item_ids.tolist() == [*before.item_ids.tolist(), 99999]
    assert after.table(np.array([99999]))[1].any()
    assert main([*TRAIN, "--embedding", str(folder)]) == 0
    model = load_model("models/edgerec.training")
    table = model.ranker.tables.embedding
    np.testing.assert_array_equal(table, after.table(model.ranker.item_ids)[None])
    resumed = [*TRAIN, "--resume", "--embedding", str(folder)]
    assert main(resumed) == 0
    assert main(["embed", "edgerec.toml"]) == 0
    capsys.readouterr()
    assert main(resumed) == 1
    assert "error: models/edgerec.training was trained with other item vectors than those that" in (
        capsys.readouterr().err
    )


def test_all_cores_are_an_option_and_its_cost_is_said(
    movies: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["embed", "edgerec.toml", "--all-cores"]) == 0
    assert load_item_vectors("models/edgerec.embedding").settings.workers == 0
    with pytest.raises(SystemExit):
        main(["embed", "--help"])
    help_ = capsys.readouterr().out
    documented = (Path(__file__).parents[2] / "docs" / "item2vec.md").read_text("utf-8")
    # The draft's own path: where the vectors of an unedited draft are.
    assert all("--embedding models/edgerec.embedding" in text for text in (help_, documented))
    assert "no two runs give the same vectors" in " ".join(help_.split())


def test_vectors_of_what_was_liked_are_not_given_to_a_training(tmp_path: Path) -> None:
    class Liking(Generated):
        def item_seq_generator(self) -> Iterator[list[Id]]:
            liked: dict[Id, list[Id]] = {}
            for sample in self.sample_generator():
                if sample.label:
                    liked.setdefault(sample.user_id, []).append(sample.item_id)
            yield from liked.values()

    data = interactions()
    chunk = InteractionChunk(np.array([1, 1]), data.item_ids[:2], np.ones(2), np.array([1, 2]))
    embed(lambda: [chunk], tmp_path / "a.embedding")
    with pytest.raises(SampleError) as caught:
        edgerec.train(Liking(), SETTINGS, embedding=tmp_path / "a.embedding")
    assert "Vectors that were made of all of them know the labels of the samples." in str(
        caught.value
    )
