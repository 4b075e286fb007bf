"""edgerec similar, as a user types it; and what MovieLens says of Kung Fu Panda."""

import io
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from edgerec.cli import main
from edgerec.datasets import find_movielens, write_movielens_database
from edgerec.errors import DatasetUnavailable
from edgerec.titles.kept import NamedItem, keep_titles, kept_titles, named_items
from tests.trained import generated_model

TITLES = [NamedItem(id_, f"Film {id_} (1999)", "Drama|War") for id_ in range(1, 200)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file with titles beside it, as `edgerec train` leaves them."""
    path = generated_model().export(tmp_path_factory.mktemp("similar") / "toy.onnx").path
    folder = path.with_suffix(".training")
    folder.mkdir()
    keep_titles(folder, TITLES)
    return path


@pytest.fixture
def items():
    return generated_model().ranker.item_ids.tolist()


def listed(capsys):
    return json.loads(capsys.readouterr().out)


def test_by_title_by_id_and_as_a_sum(model, items, capsys):
    first, second = items[:2]
    assert main(["similar", str(model), f"film {first}", "--json", "-k", "3"]) == 0
    found = listed(capsys)
    expected = generated_model().similar([first], k=3)
    assert [one["item_id"] for one in found] == [id_ for id_, _ in expected]
    assert found[0]["title"] == f"Film {found[0]['item_id']} (1999)"
    assert main(["similar", str(model), str(first), "--json", "-k", "3"]) == 0
    assert listed(capsys) == found
    assert main(["similar", str(model), f"Film {first}", "-", str(second), "--json"]) == 0
    expected = generated_model().similar([first], [second])
    assert [one["item_id"] for one in listed(capsys)] == [id_ for id_, _ in expected]


def test_options_stand_anywhere(model, items, capsys):
    first, second = str(items[0]), str(items[1])
    asked = ["--k", "2", str(model), "--json", first, "-", second]
    assert main(["similar", *asked]) == 0
    found = listed(capsys)
    for words in (
        [str(model), "--k", "2", first, "-", second, "--json"],
        [str(model), first, "-k", "2", "-", "--json", second],
        ["--json", str(model), first, "-", second, "--k=2"],
    ):
        assert main(["similar", *words]) == 0
        assert listed(capsys) == found
    with pytest.raises(SystemExit):
        main(["similar", str(model), first, "--kk", "2"])
    assert "unrecognized arguments: --kk" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["similar", "-k", "2"])
    assert "usage: edgerec similar [-h]" in (said := capsys.readouterr().err)
    assert "the following arguments are required: MODEL.onnx | edgerec.toml" in said


def test_the_table(model, items, capsys):
    assert main(["similar", str(model), "Film", str(items[0])]) == 0
    printed = capsys.readouterr().out
    assert f'similar to {items[0]} "Film {items[0]} (1999)" Drama, War' in printed
    assert all(heading in printed for heading in ("rank", "id", "similarity", "title", "category"))
    assert "Drama, War" in printed and "|" not in printed


def test_a_narrow_table_breaks_between_categories(model, items, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    named = [
        one._replace(title="A title of many words", category="|".join(["Documentary"] * 6))
        for one in TITLES
    ]
    folder = model.with_suffix(".training")
    keep_titles(folder, named)
    assert main(["similar", str(model), str(items[0]), "-k", "1"]) == 0
    keep_titles(folder, TITLES)
    _, *lines = capsys.readouterr().out.split("┏", 1)[1].splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join(lines).count("Documentary") == 6


def test_lines_that_are_piped(model, items, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Film {items[0]}\n\nFlim 1\n{items[1]}\n"))
    assert main(["similar", str(model), "-k", "2"]) == 0
    came = capsys.readouterr()
    assert came.out.count("similar to ") == 2
    assert "error: no item is called 'Flim 1'. The nearest: Film 1" in came.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["film"], "titles hold 'film': 1 Film 1 (1999); "),
        (["nothing", "like", "it"], "no item is called 'nothing like it'."),
        (["1", "+"], "an item is missing beside '+'."),
        (["1", "-k", "0"], "-k is 0; expected 1 or more."),
        (["1", "--database", "sqlite:///x.db"], "--database and --titles belong together."),
    ],
)
def test_what_is_wrong_is_a_sentence(model, capsys, words, sentence):
    assert main(["similar", str(model), *words]) == 1
    assert sentence in capsys.readouterr().err


def test_without_titles_ids_are_asked_by(tmp_path, items, capsys):
    path = generated_model().export(tmp_path / "bare.onnx").path
    assert main(["similar", str(path), str(items[0]), "--json"]) == 0
    assert listed(capsys)[0]["title"] == ""
    assert main(["similar", str(path), "Heat"]) == 1
    assert "No titles are known" in capsys.readouterr().err


class Titled:
    def get_item_titles(self, item_ids):
        return [None if id_ == 2 else f"<b>{id_}</b>" for id_ in item_ids]

    def get_item_categories(self, item_ids):
        return ["Drama"] * len(item_ids)


def test_titles_are_kept_and_removed(tmp_path):
    named = named_items(Titled(), [2**63 - 1, 2])
    keep_titles(tmp_path, named)
    assert kept_titles(tmp_path) == [(2**63 - 1, f"<b>{2**63 - 1}</b>", "Drama"), (2, "", "Drama")]
    keep_titles(tmp_path, named_items(object(), [1]))
    assert kept_titles(tmp_path) == []


def test_the_ten_nearest_of_kung_fu_panda(tmp_path, monkeypatch, capsys):
    """Six of them are animation or family films, or blockbusters of its years: by rule."""
    try:
        source = find_movielens()
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    if source is None:
        pytest.skip("EDGEREC_DATA holds no ml-latest-small")
    monkeypatch.chdir(tmp_path)
    write_movielens_database(source, "movielens.db")
    assert main(["split", "sqlite:///movielens.db", "--table", "ratings", "--by", "user-time"]) == 0
    assert main(["init", "sqlite:///movielens.db"]) == 0
    # Vectors and titles stand before the network does: one epoch is as good as eight here, and
    # nobody asks how good the network is.
    draft, evaluation = Path("edgerec.toml").read_text("utf-8").split("\n[evaluation]\n")
    assert "ratings_test" in evaluation
    Path("edgerec.toml").write_text(draft, "utf-8")
    assert main(["train", "edgerec.toml", "--max-epochs", "1", "--no-report"]) == 0
    capsys.readouterr()
    assert main(["similar", "edgerec.toml", "Kung Fu Panda", "--json"]) == 0
    found = listed(capsys)
    counts = dict(
        sqlite3.connect("movielens.db").execute(
            "SELECT movieId, count(*) FROM ratings_train GROUP BY movieId"
        )
    )
    blockbuster = np.quantile(list(counts.values()), 0.95)

    def fits(film):
        is_family = {"Animation", "Children"} & set(film["category"].split("|"))
        of_its_years = film["title"].strip()[-5:-1] in ("2007", "2008", "2009")
        return is_family or (of_its_years and counts.get(film["item_id"], 0) >= blockbuster)

    assert len(found) == 10
    assert sum(map(bool, map(fits, found))) >= 6
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert sum(one["title"] in readme for one in found) >= 8
