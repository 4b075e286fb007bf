"""Bundles that earlier versions wrote are served by this one: nobody has to export again.

They are never written anew; a release that changes the graph adds one. `format_1_integers` is a
demo model whose file knows its users, `format_1_strings` a phone's in half floats with text ids.
"""

from pathlib import Path

import pytest

from device_runtime.scorer import Scorer
from edgerec.cli import main

KEPT = sorted(Path(__file__).parent.glob("*.onnx"))


def test_there_are_some():
    assert {path.stem for path in KEPT} >= {"format_1_integers", "format_1_strings"}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_device_answers_with_an_old_bundle(path):
    scorer = Scorer.from_path(path)
    scorer.run_golden()
    everything = scorer.run()
    assert len(everything.scores) == scorer.bundle.n_items
    history = everything.top_ids[:3].tolist()
    after = scorer.run(history=history, exclude=history, k=5)
    assert len(after.top_ids) == 5
    assert not set(after.top_ids.tolist()) & set(history)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_command_verifies_an_old_bundle(path):
    assert main(["verify", str(path)]) == 0
