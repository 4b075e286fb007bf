"""The commands, as a user types them, on a small generated database."""

import json
import re
import shutil
import sqlite3

import numpy as np
import pytest
from markupsafe import escape

import edgerec
from edgerec.audit.report import CHECKS
from edgerec.cli import main
from edgerec.datasets import write_generated_database
from tests.trained import SETTINGS, Generated, interactions

SHOP = """
import os, sqlite3
from edgerec import Sample

class Shop:
    def __init__(self):
        self.connection = sqlite3.connect(os.environ["SHOP_DATABASE"])
        rows = self.connection.execute("SELECT movieId, genres FROM movies").fetchall()
        genres = sorted({genre for _, joined in rows for genre in joined.split("|")})
        self.features = {id_: [genre in joined for genre in genres] for id_, joined in rows}
    def get_user_feature(self, user_id):
        return []
    def get_item_feature(self, item_id):
        return self.features[item_id]
    def sample_generator(self):
        query = "SELECT userId, movieId, rating, timestamp FROM ratings_train ORDER BY timestamp"
        for user, item, rating, time in self.connection.execute(query):
            yield Sample(user, item, float(rating > 3.5), time, rating)

class Demanding:
    def __init__(self, database):
        pass

class Incomplete:
    def get_user_feature(self, user_id):
        return []
"""


def open_shop(folder, monkeypatch):
    name = f"shop_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(SHOP)
    database = folder / "shop.db"
    write_generated_database(database, interactions())
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("SHOP_DATABASE", str(database))
    return name


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with a database and a RecSys module named after the test."""
    return open_shop(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Copies a database that is split by a rule, and shop.onnx of it; each is made once."""
    made = {}

    def lay(by, target):
        if by not in made:
            made[by] = tmp_path_factory.mktemp("trained")
            with pytest.MonkeyPatch.context() as monkeypatch:
                name = open_shop(made[by], monkeypatch)
                assert run("split", URL, "--table", "ratings", "--by", by) == 0
                assert run("train", f"{name}:Shop", "--output", "shop.onnx", *FAST) == 0
        for name in ("shop.db", "shop.onnx", "shop.json"):
            shutil.copy(made[by] / name, target)

    return lay


URL = "sqlite:///shop.db"
FAST = ["--max-epochs", "2", "--embedding-dim", "4", "--n-history", "8"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_split_train_evaluate_and_export_again(shop, tmp_path, capsys):
    assert run("split", URL, "--table", "ratings", "--by", "user-time") == 0
    assert "ratings_train" in capsys.readouterr().out
    output = tmp_path / "models" / "shop.onnx"
    command = ["train", f"{shop}:Shop", "--output", output, *FAST, "--no-report"]
    assert run(*command, "--test-database", URL, "--test-table", "ratings_test") == 0
    printed = capsys.readouterr()
    assert "AUC" in printed.out and "parity" in printed.out
    assert "epoch 1 of 2: held-out AUC" in printed.err
    manifest = json.loads(output.with_suffix(".json").read_text())
    assert run("evaluate", output, URL, "--test-table", "ratings_test", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert {"auc", "gauc", "log_loss", "n_samples", "n_users_skipped"} <= set(result)
    assert result["auc"] == manifest["metrics"][0]["auc"] > 0.6
    first = output.read_bytes()
    output.unlink()
    assert run("export", output.with_suffix(".training")) == 0
    assert output.read_bytes() == first


def cells(capsys):
    """What was printed, without the borders of tables and their line breaks."""
    return " ".join(re.sub("[│┌┐└┘─┬┴├┤┼]", " ", capsys.readouterr().out).split())


def test_a_file_is_exported_in_fewer_bytes_and_verified(tmp_path, capsys, monkeypatch):
    training, small = tmp_path / "one.training", tmp_path / "small.onnx"
    edgerec.train(Generated(), SETTINGS, training_folder=training)
    lenient = ("--max-loss", "1")
    assert run("export", training, "--output", small, "--precision", "fp16", *lenient) == 0
    change = r"(as before|\.\d{5} (lower|higher))"
    users = r"on \d+ held-out samples of \d+ users"
    cost = rf"rounding AUC {change}, GAUC {change} {users}; .*% of the ten best"
    assert re.search(cost, cells(capsys))
    assert run("verify", small) == 0
    printed = cells(capsys)
    assert re.search(r"items dense: \d+ integers from \d+ to \d+ are dense", printed)
    assert "tables fp16" in printed
    assert "golden requests all 25 answered here as at export, by " in printed
    whole = small.read_bytes()
    small.write_bytes(whole[:-1])
    assert run("verify", small) == 1
    assert "copy both files again" in capsys.readouterr().err
    small.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    assert run("verify", small) == 1
    assert "expected SHA-256" in capsys.readouterr().err
    # Within a budget; two knobs' notches are enough to see, and no process is started.
    monkeypatch.setattr("edgerec.budget.walk.knobs", lambda *_: {"precision": ["fp32", "fp16"]})
    monkeypatch.setattr("edgerec.budget.measuring.resident_bytes", lambda path: None)
    within = tmp_path / "within.onnx"
    command = ("export", training, "--output", within, *lenient, "--max-bytes")
    assert run(*command, "1KB") == 1
    printed = capsys.readouterr()
    assert "frontier: measured here" in printed.out
    assert "No file meets the budget, so none was written." in printed.err
    assert not within.exists()
    assert run(*command, "10MB") == 0
    assert "stored as fp32" in cells(capsys)
    assert "What a smaller file costs" in within.with_suffix(".html").read_text("utf-8")


def test_training_writes_a_report_and_the_command_writes_it_again(shop, tmp_path, capsys):
    run("split", URL, "--table", "ratings", "--by", "user-time")
    command = ["train", f"{shop}:Shop", "--output", "shop.onnx", *FAST]
    tested = ["--test-database", URL, "--test-table", "ratings_test"]
    assert run(*command, *tested, "--no-report") == 0
    assert not (tmp_path / "shop.html").exists()
    assert run(*command, *tested) == 0
    printed = capsys.readouterr()
    assert "wrote shop.html" in printed.err and "item-kNN" in printed.out
    first = (tmp_path / "shop.html").read_text("utf-8")
    assert "<h1>shop</h1>" in first and "NDCG@5" not in first
    assert ">item-kNN</th>" in first
    again = ["report", "shop.onnx", URL, *tested[2:], "--titles", "movies", "movieId", "title"]
    assert run(*again, "--no-times", "--top", "5", "--output", "again.html") == 0
    titled = (tmp_path / "again.html").read_text("utf-8")
    assert "NDCG@5" in titled and "item-kNN, bm25" in titled
    assert interactions().titles[0].split(" (")[0] in titled or "(19" in titled
    assert run(*again, "--no-times", "--top", "5", "--output", "third.html") == 0
    assert (tmp_path / "third.html").read_text("utf-8") == titled


def test_a_configuration_is_trained_reported_and_titled(shop, tmp_path, capsys):
    run("split", URL, "--table", "ratings", "--by", "user-time")
    with sqlite3.connect("shop.db") as connection:
        connection.executescript(
            "ALTER TABLE ratings_train RENAME TO stated;"
            "CREATE TABLE ratings_train AS SELECT * FROM stated;"  # without NOT NULL
            "DROP TABLE stated;"
            "UPDATE ratings_train SET rating = NULL WHERE rowid <= 3;"
        )
    connection.close()
    assert run("init", URL) == 0
    capsys.readouterr()
    assert run("train", "edgerec.toml", *FAST) == 0
    said = 'nothing was learned from 3 rows of table "ratings_train": they have no rating'
    assert said in " ".join(capsys.readouterr().err.split())
    (path,) = (tmp_path / "models").glob("*.html")
    text = path.read_text("utf-8")
    shown = [title for title in interactions().titles if f"<bdi>{escape(title)}</bdi>" in text]
    assert len(shown) >= 10
    path.unlink()
    assert run("report", "edgerec.toml", "--examples", "0", "--date", "2026-01-31") == 0
    text = path.read_text("utf-8")
    assert "2026-01-31" in text and "<bdi>" not in text


def test_history_table_frozen_and_label_rule(shop, trained, tmp_path, capsys):
    trained("user", tmp_path)
    capsys.readouterr()

    def auc(*options):
        command = ["evaluate", "shop.onnx", URL, "--test-table", "ratings_test", "--json"]
        assert run(*command, *options) == 0
        return json.loads(capsys.readouterr().out)

    following, frozen = auc(), auc("--frozen")
    assert following["auc"] != frozen["auc"]
    with_history = auc("--frozen", "--history-table", "ratings")
    assert with_history["auc"] == following["auc"]
    assert "value > 4" in auc("--label-above", "4")["protocol"]


def test_two_files_and_the_baselines_are_compared_on_the_same_rows(
    shop, trained, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "160")
    trained("user-time", tmp_path)
    capsys.readouterr()
    command = ["train", f"{shop}:Shop", "--output", "b.onnx", *FAST]
    assert run(*command, "--random-state", 1) == 0
    said = "not evaluated: the class has no evaluation_sample_generator"
    assert said in capsys.readouterr().err
    tested = [URL, "--test-table", "ratings_test", "--top", "5"]
    assert run("evaluate", "shop.onnx", *tested, "--against", "b.onnx", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    baselines = ["popularity", "recent popularity", "item mean", "user + item mean", "item-kNN"]
    assert list(found["compared"]) == ["model", "b.onnx", *baselines]
    assert list(found["ranking"]["rankings"])[:4] == ["model", "b.onnx", *baselines[:2]]
    assert found["auc"] == pytest.approx(found["compared"]["model"]["auc"][0])
    assert run("evaluate", "b.onnx", *tested, "--json") == 0
    alone = json.loads(capsys.readouterr().out)
    assert "b.onnx" not in alone["compared"]
    for key in ("auc", "gauc", "log_loss"):
        assert found["compared"]["b.onnx"][key][0] == pytest.approx(alone[key])
    difference = found["compared"]["b.onnx"]["auc_difference"]
    assert difference[0] == pytest.approx(found["auc"] - alone["auc"])
    assert difference[1] <= difference[0] <= difference[2]
    theirs = alone["ranking"]["rankings"]
    assert found["ranking"]["rankings"]["b.onnx"]["ndcg"] == theirs["model"]["ndcg"]
    # A file against itself: no difference, whoever is drawn.
    assert run("evaluate", "b.onnx", *tested[:3], "--against", "b.onnx", "--json") == 0
    same = json.loads(capsys.readouterr().out)["compared"]["b.onnx"]
    assert same["auc_difference"] == same["gauc_difference"] == [0.0, 0.0, 0.0]
    assert run("evaluate", "shop.onnx", *tested, "--against", "b.onnx") == 0
    printed = capsys.readouterr().out
    assert "calibration error" in printed and "user + item mean" in printed and "b.onnx" in printed


def test_masks_split_the_rows_sorted_by_time_user_item(shop, tmp_path, capsys):
    n_rows = len(interactions().user_ids)
    np.savez("masks.npz", U=np.arange(n_rows) >= n_rows - 100)
    assert run("split", URL, "--table", "ratings", "--by", "masks.npz:U") == 0
    with sqlite3.connect("shop.db") as connection:
        (count,) = connection.execute("SELECT count(*) FROM ratings_test").fetchone()
        (last,) = connection.execute("SELECT max(timestamp) FROM ratings_train").fetchone()
        (first,) = connection.execute("SELECT min(timestamp) FROM ratings_test").fetchone()
    connection.close()
    assert count == 100
    assert last <= first


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nowhere:Shop", "--output", "a.onnx"], "There is no module 'nowhere'"),
        (["train", "SHOP:Cart", "--output", "a.onnx"], "has no 'Cart'; its classes are"),
        (["train", "SHOP", "--output", "a.onnx"], "write module:Class"),
        (
            ["train", "SHOP:Demanding", "--output", "a.onnx"],
            "missing a required argument: 'database'",
        ),
        (["train", "SHOP:Incomplete", "--output", "a.onnx"], "lacks get_item_feature"),
        (["train", "SHOP:Shop", "--output", "a.bin"], "its name must end in .onnx"),
        (["train", "SHOP:Shop", "--output", "shop.db/a.onnx"], "shop.db is no folder"),
        (["init", URL, "--output", "shop.db/edgerec.toml"], "shop.db is no folder"),
        (["demo", "--folder", "shop.db"], "shop.db is no folder"),
        (["train", "SHOP:Shop", "--output", "a.onnx", "--resume"], "nothing to resume"),
        (["train", "SHOP:Shop", "--output", "a.onnx", "--n-history", "0"], "n_history must be"),
        (["train", "SHOP:Shop", "--output", "a.onnx", "--test-table", "t"], "belong together"),
        (["evaluate", "none.onnx", URL, "--test-table", "ratings"], "no such file"),
        (["split", URL, "--table", "rating", "--by", "user"], 'Did you mean "ratings"?'),
        (["split", "sqlite:///none.db", "--table", "ratings", "--by", "user"], "no SQLite file"),
        (
            ["split", URL, "--table", "ratings", "--by", "user", "--where", "rating"],
            "expected COLUMN OPERATOR VALUE",
        ),
        (
            ["split", URL, "--table", "ratings", "--by", "user", "--where", "rated > 3"],
            'Did you mean "rating"?',
        ),
        (["report", "none.onnx", URL, "--test-table", "ratings"], "no such file"),
        (["report", "none.onnx"], "Give DATABASE_URL and --test-table"),
        (["report", "none.onnx", "--examples", "-1"], "expected 0 or more"),
        (["report", "none.onnx", "--top", "0"], "expected 1 or more"),
        (["report", "edgerec.toml", "--frozen"], "names the database, tables, columns and rules"),
        (
            ["report", "none.onnx", URL, "--test-table", "ratings", "--output", "a.pdf"],
            "the name of a report must end in .html",
        ),
        (["export", "none.training"], "holds no state.json"),
        (["export", "none.training", "--max-ms", "0"], "The bound of time is 0; it must be above"),
        (["export", "none.training", "--retrain", "a:B"], "--retrain serves a budget"),
        (["serve", "none.onnx"], "no such file"),
        (["verify", "none.onnx"], "no such file"),
        (["serve", "none.onnx", "--address", "8080"], "expected HOST:PORT or :PORT"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_1(shop, capsys, arguments, sentence):
    assert run(*(argument.replace("SHOP", shop) for argument in arguments)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and sentence in printed
    assert "Traceback" not in printed


def test_one_class_in_the_test_table_is_a_sentence(shop, trained, tmp_path, capsys):
    trained("user", tmp_path)
    capsys.readouterr()
    options = ["--test-table", "ratings_test", "--label-above", "9"]
    assert run("evaluate", "shop.onnx", URL, *options) == 1
    assert "have the label 0; AUC needs both" in capsys.readouterr().err


def test_a_configuration_whose_test_rows_have_one_label_is_ranked(shop, trained, tmp_path, capsys):
    trained("user-time", tmp_path)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("DELETE FROM ratings_test WHERE rating <= 4")
    connection.close()
    assert run("init", URL) == 0
    draft = tmp_path / "edgerec.toml"
    text = re.sub(r'path = "models/.*"', 'path = "shop.onnx"', draft.read_text("utf-8"))
    draft.write_text(text, "utf-8")
    capsys.readouterr()
    assert run("evaluate", draft, "--top", "5", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"ranking"}
    assert run("evaluate", draft) == 1
    assert "rows have the label 1; AUC needs both" in capsys.readouterr().err


def test_an_empty_test_table_is_said_before_training(shop, tmp_path, capsys):
    run("split", URL, "--table", "ratings", "--by", "user")
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("DELETE FROM ratings_test")
    connection.close()
    tested = ("--test-database", URL, "--test-table", "ratings_test")
    assert run("train", f"{shop}:Shop", "--output", "shop.onnx", *FAST, "--no-report", *tested) == 1
    assert 'The table "ratings_test" holds no row to evaluate on.' in capsys.readouterr().err
    assert not (tmp_path / "shop.training").exists()


def test_what_a_search_keeps_is_said_when_it_is_interrupted(shop, capsys, monkeypatch):
    def stop(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("edgerec.cli.tune.run", stop)
    assert run("tune", "edgerec.toml") == 130
    assert "finished trials are kept, and the same command goes on" in capsys.readouterr().err


def test_top_ranks_the_catalogue_beside_the_baselines(shop, trained, tmp_path, capsys):
    trained("user-time", tmp_path)
    capsys.readouterr()
    command = ["evaluate", "shop.onnx", URL, "--test-table", "ratings_test", "--top", "5"]
    assert run(*command, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["auc"] > 0.6
    ranking = found["ranking"]
    assert "items had in training are left out" in ranking["protocol"]
    assert {"model", "popularity", "recent popularity"} <= set(ranking["rankings"])
    mean, low, high = ranking["rankings"]["model"]["ndcg"]
    assert 0 <= low <= mean <= high <= 1
    assert run(*command) == 0
    printed = capsys.readouterr().out
    assert "NDCG" in printed and "coverage" in printed and "bootstrap over users" in printed


def test_what_was_only_taken_is_ranked_and_has_no_auc(shop, trained, tmp_path, capsys):
    trained("user-time", tmp_path)
    capsys.readouterr()
    command = ["evaluate", "shop.onnx", URL, "--test-table", "ratings_test", "--label-above", "0"]
    assert run(*command) == 1
    assert "whole catalogue instead: `edgerec evaluate` with --top 10" in capsys.readouterr().err
    assert run(*command, "--top", "5", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"ranking"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--top", "0", "--test-table", "t"], "--top is 0; expected 1 or more"),
        (["--repeats", "--test-table", "t"], "--repeats belongs to --top. Give it too."),
        (["--top", "5"], "give DATABASE_URL and --test-table"),
        (["--test-table", "ratings", "--top", "5"], 'no table "ratings_train" beside "ratings"'),
    ],
)
def test_a_mistake_in_evaluate_is_a_sentence(shop, capsys, arguments, sentence):
    assert run("evaluate", "none.onnx", URL, *arguments) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    ["init", "split", "tune", "train", "evaluate", "report", "export", "verify", "serve", "demo"],
)
def test_every_command_explains_itself_by_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        run(command, "--help")
    assert stop.value.code == 0
    assert f"example:\n  edgerec {command}" in capsys.readouterr().out


def test_train_audits_against_the_test_table_and_accepts_by_name(shop, tmp_path, capsys):
    assert run("split", URL, "--table", "ratings", "--by", "user-time") == 0
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("INSERT INTO ratings_test SELECT * FROM ratings_train LIMIT 7")
    arguments = [
        *("train", f"{shop}:Shop", "--output", "shop.onnx", *FAST),
        *("--test-database", URL, "--test-table", "ratings_test"),
    ]
    assert run(*arguments) == 1
    error = capsys.readouterr().err
    assert "test-overlap: 7 of " in error
    assert "--accept-leak test-overlap" in error
    assert not (tmp_path / "shop.onnx").exists()
    assert run(*arguments, "--accept-leak", "test-overlap") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "leak audit" in printed
    assert "test-overlap │ accepted." in printed
    audit = json.loads((tmp_path / "shop.json").read_text("utf-8"))["audit"]
    assert [one["outcome"] for one in audit if one["check"] == "test-overlap"] == ["accepted"]
    # The page tells the same of every check, the accepted leak included.
    page = (tmp_path / "shop.html").read_text("utf-8")
    verdicts = dict(re.findall(r'<th scope="row">([a-z-]+)</th><td><strong>[✓✗ ]*([a-z ]+)<', page))
    assert verdicts == {one["check"]: one["outcome"] for one in audit}
    assert tuple(verdicts) == CHECKS
    assert "7 of " in page and "held-out rows are training samples too" in page
