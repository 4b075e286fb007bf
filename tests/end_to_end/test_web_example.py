"""examples/web in a real browser: ranks, follows taps, needs no network, refuses what is broken."""

from pathlib import Path
from typing import Any

import pytest

from edgerec.config import EmbeddingSettings, NetworkSettings, TrainSettings
from edgerec.datasets import make_interactions, write_generated_database
from examples.web import prepare
from tests.javascript import chromium, node, run_lines

HERE = Path(__file__).parent
SETTINGS = TrainSettings(
    n_known_interactions=0,
    embedding=EmbeddingSettings(embedding_dim=8),
    network=NetworkSettings(max_epochs=3),
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    programs = (node(), chromium())
    folder = tmp_path_factory.mktemp("web")
    database, shots = folder / "movies.db", folder / "shots"
    write_generated_database(database, prepare.named(make_interactions(240, 300, 14_000)))
    prepare.copy_page(folder / "page")
    prepare.make_model(database, folder / "page" / "model", SETTINGS)
    driver = HERE / "web_page.mjs"
    (found,) = run_lines(programs[0], driver, programs[1], folder / "page", shots)
    return {**found, "shots": shots}


def test_it_ranks_the_catalogue_when_it_is_opened(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    assert seen["status"].startswith("300 films ranked in ")
    assert len(set(seen["lists"][0])) == 24


def test_each_tap_changes_the_ranking(seen: dict[str, Any]) -> None:
    opened, liked, skipped, removed = seen["lists"][:4]
    for after, tapped in ((liked, opened[2]), (skipped, liked[1]), (removed, skipped[0])):
        assert tapped not in after
        assert len(set(after)) == 24
    # What was said moves the others too; what was only removed does not.
    assert [one for one in liked if one in opened] != [one for one in opened if one in liked]
    assert removed[:23] == skipped[1:]


def test_it_goes_on_without_a_network(seen: dict[str, Any]) -> None:
    *_, before, first, second, reopened, restarted = seen["lists"]
    assert seen["requests_of_taps"] == []
    assert seen["offline"].endswith(", offline")
    assert before != first != second
    newest_first = ["skipped", "skipped", "liked", "liked", "removed", "skipped", "liked"]
    assert seen["said"] == newest_first
    assert set(reopened) & set(second[2:]) and not set(reopened) & set(second[:2])
    assert restarted == seen["lists"][0]


def test_it_asks_nobody_but_its_own_server(seen: dict[str, Any]) -> None:
    assert seen["origins"] == [seen["own"]]


def test_titles_are_found_and_ranked(seen: dict[str, Any]) -> None:
    assert len(seen["titles"]) > 1
    assert all(title.startswith("Quiet Winter ") for title in seen["titles"])


def test_a_bundle_that_is_broken_is_refused_with_a_sentence(seen: dict[str, Any]) -> None:
    refused = seen["refused"]
    assert "movies.onnx is not the file that model/movies.json describes." in refused["flipped"]
    assert "is of format version 2, and this reader knows version 1." in refused["version"]
    assert 'movies.onnx answers "known user" otherwise than its exporter did.' in refused["golden"]


def test_screenshots_are_taken(seen: dict[str, Any]) -> None:
    assert len(list(seen["shots"].glob("*.png"))) == 4


@pytest.mark.parametrize(
    ("title", "genres", "shown"),
    [
        ("Matrix, The (1999)", "Action|Sci-Fi", ("The Matrix", "1999", ["Action", "Sci-Fi"])),
        ("Run (2010–2017) ", "(no genres listed)", ("Run", "2010", [])),
        ("Nameless", "Noir", ("Nameless", None, ["Noir"])),
    ],
)
def test_titles_are_shown_as_people_say_them(
    title: str, genres: str, shown: tuple[str, str | None, list[str]]
) -> None:
    assert prepare.described(7, title, genres) == ("7", *shown)


def test_generated_films_have_different_titles() -> None:
    assert len(set(prepare.named(make_interactions()).titles)) == 1000


def test_the_examples_code_is_short() -> None:
    folder = HERE.parents[1] / "examples" / "web"
    for name in (*prepare.READER, "page.js", "prepare.py"):
        assert len((folder / name).read_text("utf-8").splitlines()) < 150, name
