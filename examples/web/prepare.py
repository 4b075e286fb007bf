"""Prepares the page: a model, the titles of its films, and ONNX Runtime for browsers.

Run `make web`, or `python -m examples.web.prepare [FOLDER]` from the root of the repository; FOLDER
is this one if not given, else the whole page is made there, to put on any server of files.
"""

import argparse
import json
import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import edgerec
from edgerec.config import TrainSettings
from edgerec.datasets import (
    GeneratedInteractions,
    find_movielens,
    make_interactions,
    write_generated_database,
    write_movielens_database,
)
from edgerec.evaluate.table import evaluate_table
from edgerec.export.bundle import add_metrics
from edgerec.export_settings import ExportSettings
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine
from examples.movielens.movielens import MovieLens

HERE = Path(__file__).parent
READER = ("edgerec.js", "edgerec_files.js", "edgerec_ids.js")
PAGE = ("index.html", "page.css", "page.js", *READER, "service-worker.js")
RUNTIME = HERE.parents[1] / "node_modules" / "onnxruntime-web" / "dist"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
# The page needs nobody's history but its visitor's, so the file holds nothing of any user.
EXPORT = ExportSettings(target="web", precision="fp16")

TITLE = re.compile(r"^(?P<name>.*?)(?P<article>, (?:The|A|An))?(?: \((?P<year>\d{4})[–\d]*\))?\s*$")
FIRST = (
    "Amber Bitter Broken Distant Electric Golden Hidden Hollow Last Midnight Northern Paper Quiet"
)
SECOND = (
    "Bridge Carnival Detective Empire Garden Harbour Horizon Lantern Mirror Orchard River Winter"
)
THIRD = "Affair Letters Nights Returns Road Secret Song Story"


def main(folder: str | Path = HERE) -> None:
    """Copy the page and the runtime, train, export, and say how to open the page."""
    folder = Path(folder)
    missing = [name for name in RUNTIME_FILES if not (RUNTIME / name).is_file()]
    if missing:
        sys.exit(f"error: there is no {RUNTIME / missing[0]}: run `make javascript` first")
    copy_page(folder)
    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "movies.db"
        found = find_movielens()
        if found is not None:
            write_movielens_database(found, database)
        else:
            print("Using generated data: EDGEREC_DATA names no folder with ml-latest-small/")
            write_generated_database(database, named(make_interactions()))
        print(make_model(database, folder / "model", TrainSettings()))
    print(f"Serve it:  python -m http.server --bind 127.0.0.1 --directory {folder} 8000")
    print("Open it:   http://127.0.0.1:8000")


def copy_page(folder: Path) -> None:
    """Put the page, unless it is there already, and the runtime into `folder`."""
    (folder / "vendor").mkdir(parents=True, exist_ok=True)
    for name in PAGE if folder.resolve() != HERE.resolve() else ():
        shutil.copy(HERE / name, folder)
    for name in RUNTIME_FILES:
        shutil.copy(RUNTIME / name, folder / "vendor")


def make_model(database: Path, folder: Path, settings: TrainSettings) -> str:
    """Write movies.onnx, movies.json and titles.json, and return a sentence about them."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{database}"
    engine = open_engine(url)
    split_table(engine, "ratings", find_columns(engine, "ratings"), by="user")
    model = edgerec.train(MovieLens(url), settings)
    exported = model.export(folder / "movies.onnx", settings=EXPORT)
    evaluation = evaluate_table(folder / "movies.onnx", url, "ratings_test")
    metrics = evaluation.metrics
    add_metrics(folder / "movies.onnx", {"protocol": evaluation.protocol, **vars(metrics)})
    with closing(sqlite3.connect(database)) as connection:
        movies = connection.execute("SELECT movieId, title, genres FROM movies ORDER BY movieId")
        titles = [described(*movie) for movie in movies]
    text = json.dumps(titles, ensure_ascii=False, separators=(",", ":"))
    (folder / "titles.json").write_text(text, "utf-8")
    return (
        f"{folder / 'movies.onnx'}: {len(titles):,} films, {exported.n_bytes:,} bytes, "
        f"AUC {metrics.auc:.3f} on {metrics.n_users} users that training never saw"
    )


def described(movie_id: int, title: str, genres: str) -> tuple[str, str, str | None, list[str]]:
    """Return id, title, year and genres, as the page shows them; the id as a string.

    >>> described(6, "Matrix, The (1999)", "Action|Sci-Fi")
    ('6', 'The Matrix', '1999', ['Action', 'Sci-Fi'])
    """
    parts = TITLE.match(title)
    assert parts is not None  # every title is at least a name
    name = f"{(parts['article'] or '').strip(', ')} {parts['name']}".strip()
    listed = [genre for genre in genres.split("|") if genre != "(no genres listed)"]
    return str(movie_id), name, parts["year"], listed


def named(made: GeneratedInteractions) -> GeneratedInteractions:
    """Return the same with titles of three words in place of "Generated Movie 12 (1999)"."""
    words = [part.split() for part in (FIRST, SECOND, THIRD)]
    titles = []
    for number, title in enumerate(made.titles):
        # The step has no factor in common with 13 · 12 · 8 = 1248, so that many titles differ.
        at = number * 499 % 1248
        name = f"{words[0][at % 13]} {words[1][at // 13 % 12]} {words[2][at // 156]}"
        titles.append(f"{name} {title[title.rindex('(') :]}")
    return replace(made, titles=tuple(titles))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prepares the page, to be opened in a browser.")
    parser.add_argument("folder", nargs="?", default=HERE, help="where (default: beside this file)")
    main(parser.parse_args().folder)
