"""examples/movielens: what its class tells beside the samples, and what its commands write."""

import runpy
from pathlib import Path

import pytest

from edgerec.datasets import write_generated_database
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine
from edgerec.titles.kept import named_items
from examples.movielens.movielens import MovieLens
from tests.trained import interactions

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_its_movies_have_titles_and_categories(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'movies.db'}"
    write_generated_database(tmp_path / "movies.db", interactions())
    engine = open_engine(url)
    split_table(engine, "ratings", find_columns(engine, "ratings"), by="user")
    movies = MovieLens(url)
    (named,) = named_items(movies, [next(movies.item_generator())])
    assert named.title.endswith(")") and named.title == movies.movies[named.item_id][0]
    assert named.category == movies.movies[named.item_id][1]
    assert sum(movies.get_item_feature(named.item_id)[:-1]) == len(named.category.split("|"))


@pytest.mark.parametrize("script", ["movielens/data.py", "web/prepare.py"])
@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["a", "b"], 2)])
def test_its_commands_write_nothing_where_they_are_asked_for_help(
    script: str, arguments: list[str], code: int, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [script, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert ended.value.code == code
    came = capsys.readouterr()
    assert "usage: " in came.out + came.err
    assert list(tmp_path.iterdir()) == []
