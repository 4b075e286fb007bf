import numpy as np

from edgerec.evaluate.latency import measure_latency
from edgerec.evaluate.row_baselines import row_baselines
from edgerec.export.probe import FeatureProbe
from edgerec.export.sizes import sizes_of_parts
from edgerec.schema import Request
from edgerec.scoring import TableScorer
from tests.trained import generated_model


def test_baselines_are_what_training_counted(tmp_path):
    model = generated_model()
    model.export(tmp_path / "generated.onnx")
    probe = FeatureProbe(tmp_path / "generated.onnx")
    seen = probe.see(Request(user_id=int(model.ranker.user_ids[0])))
    found = row_baselines(probe.names, seen.features)
    statistics = model.ranker.tables.statistics
    assert list(found) == ["user + item mean", "item mean", "popularity"]
    np.testing.assert_allclose(found["item mean"], statistics.liked_rate[-1, 1:], atol=1e-6)
    np.testing.assert_allclose(found["popularity"], statistics.log_count[-1, 1:], atol=1e-6)
    np.testing.assert_allclose(
        probe.catalogue_column("item_log_count"), statistics.log_count[-1, 1:], atol=1e-6
    )
    # The user's part is the same for every candidate.
    part = found["user + item mean"] - found["item mean"]
    np.testing.assert_allclose(part, part[0], atol=1e-6)


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
