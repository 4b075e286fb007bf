"""What the commands print stands there as it was said."""

import pytest

from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.cli.figures import print_evaluations
from edgerec.evaluate.intervals import Interval
from edgerec.evaluate.metrics import Metrics
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
