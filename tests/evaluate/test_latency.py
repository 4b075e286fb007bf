"""What a call takes, and what each part of a file takes."""

from edgerec.evaluate.latency import measure_latency
from edgerec.export.sizes import sizes_of_parts
from edgerec.scoring import TableScorer
from tests.trained import generated_model


def test_the_parts_add_up_to_the_file(tmp_path):
    generated_model(True).export(tmp_path / "generated.onnx")
    sizes = sizes_of_parts(tmp_path / "generated.onnx")
    assert sum(sizes.values()) == (tmp_path / "generated.onnx").stat().st_size
    assert {"item embeddings", "known histories", "ids", "network"} <= set(sizes)
    assert min(sizes.values()) > 0


def test_both_kinds_of_call_are_timed(tmp_path):
    generated_model(True).export(tmp_path / "generated.onnx")
    some, every = measure_latency(TableScorer(tmp_path / "generated.onnx"), n_calls=7)
    assert some.what == "score 100 candidates, with 8 items of history"
    assert every.what.startswith("rank the whole catalogue, 1")
    assert some.n_calls == every.n_calls == 7
    assert 0 < some.median_ms <= some.slow_ms
