"""What the commands print stands there as it was said."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.cli.figures import advice, print_evaluations
from edgerec.evaluate.catalogue import CatalogueEvaluation
from edgerec.evaluate.intervals import Interval
from edgerec.evaluate.metrics import Metrics
from edgerec.evaluate.ranking import RankedLists, ranking_metrics
from edgerec.evaluate.row_quality import RowQuality
from edgerec.evaluate.scored_rows import Evaluation
from edgerec.evaluate.table import Evaluations

# Each is markup, or the name of a picture, to the library that draws.
ODD = ("no section [evaluation]. Add it", "[/red]", "old[1].onnx", "the item :id: and :smile:")


@pytest.mark.parametrize("text", ODD)
def test_a_message_is_printed_as_it_stands(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with DrawnProgress() as progress:
        progress.stage(text)
        progress.advance(1, 2, text)
        progress.message(text)
    assert capsys.readouterr().err.splitlines() == [text]


def test_without_a_terminal_a_line_now_and_then_says_how_far_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    with DrawnProgress(lambda: now) as progress:
        for stage, total in (("reading sequences", None), ("item2vec", 2000)):
            progress.stage(stage)
            for second in (4, 8, 12, 16, 20, 24):
                now += 4
                progress.advance(100 * second, total, "words, 100 a second")
    assert capsys.readouterr().err.splitlines() == [
        "reading sequences: 1,200 words, 100 a second",
        "reading sequences: 2,400 words, 100 a second",
        "item2vec: 1,200/2,000 words, 100 a second",
        "item2vec: 2,400/2,000 words, 100 a second",
    ]


@pytest.mark.parametrize("text", ODD)
def test_a_table_is_printed_as_it_stands(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    print_table(text, {text: text})
    printed = capsys.readouterr().out
    assert printed.count(text) == 3


@pytest.mark.parametrize("text", ODD)
def test_what_a_file_is_compared_with_has_its_name(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    metrics = Metrics(0.5, 0.5, 0.7, 0.0, 2, 1, 0)
    compared = {text: RowQuality(Interval(0.5, 0.4, 0.6), None, None)}
    print_evaluations(Evaluations(labels=Evaluation(text, metrics, compared)), False)
    assert capsys.readouterr().out.count(text) == 2


def test_comparisons_fit_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    interval = Interval(0.12345, 0.11111, 0.13333)
    names = ("model", "popularity", "recent popularity", "user + item mean", "item-kNN, cosine")
    row = RowQuality(interval, interval, interval, interval, interval)
    metrics = Metrics(0.5, 0.5, 0.7, 0.0, 2, 1, 0)
    labels = Evaluation("p", metrics, dict.fromkeys(names, row))
    lists = RankedLists(np.arange(6).reshape(3, 2), np.eye(3, 2, dtype=bool), np.ones(3, np.int64))
    vectors = csr_matrix(np.eye(6))
    one = ranking_metrics(lists, np.ones(6), 3, vectors)
    ranking = CatalogueEvaluation("p", 2, [1, 2, 3], dict.fromkeys(names, one), 0, 0, "top")
    print_evaluations(Evaluations(labels, ranking), False)
    printed = capsys.readouterr().out
    assert printed.count("0.111–0.133") == 3 * len(names)
    assert max(map(len, printed.splitlines())) <= 80


def test_the_advice_knows_what_a_file_was_trained_for() -> None:
    rankings = {"model": {}, "EASE": {"ndcg_of_model_above": [-0.04, -0.09, -0.01]}}
    assert 'objective = "top"' in advice(rankings)["what to do"]
    assert "trained for the whole catalogue already" in advice(rankings, "top")["what to do"]
