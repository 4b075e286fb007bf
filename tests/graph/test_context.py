"""Context: numbers of a request's moment, from samples to the answer of a device."""

import dataclasses
import json

import numpy as np
import pytest

import edgerec
from device_runtime.errors import BundleError, RequestError
from device_runtime.http.requests import parse_request
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from device_runtime.tensors import context_tensor
from edgerec import Sample
from edgerec.context import declared_context
from edgerec.errors import ConfigurationError, SampleError
from edgerec.export.probe import FeatureProbe
from edgerec.export_settings import ExportSettings
from edgerec.pipeline import load_model
from edgerec.schema import Request
from tests.toy import SETTINGS


class ByTheHour:
    """In the morning everybody likes even items, in the evening odd ones."""

    def get_context_defaults(self):
        return {"is_evening": 0.5, "noise": 7.0}

    def get_user_feature(self, user_id):
        return []

    def get_item_feature(self, item_id):
        return [float(item_id % 2)]

    def context(self, is_evening, step):
        return (float(is_evening), float("nan") if step % 3 else 8.0)

    def sample_generator(self):
        random = np.random.default_rng(0)
        for user in range(1, 41):
            for step in range(16):
                is_evening, item = bool(random.integers(2)), int(random.integers(1, 25))
                liked = item % 2 == is_evening
                yield Sample(
                    user,
                    item,
                    float(liked),
                    1000 + step,
                    1.0 + 4 * liked,
                    1.0,
                    self.context(is_evening, step),
                )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    settings = dataclasses.replace(
        SETTINGS, network=dataclasses.replace(SETTINGS.network, max_epochs=8)
    )
    model = edgerec.train(ByTheHour(), settings, training_folder=folder / "toy.training")
    model.export(folder / "toy.onnx", settings=ExportSettings(mapped=True))
    return model, folder


@pytest.fixture(scope="module")
def scorer(trained):
    scorer = Scorer.from_path(trained[1] / "toy.onnx")
    scorer.run_golden()
    return scorer


def test_what_is_liked_changes_with_the_context(scorer):
    asked = {"item_ids": [2, 3, 4, 5], "outputs": ("scores",)}
    morning = scorer.run(**asked, context={"is_evening": 0}).scores
    evening = scorer.run(**asked, context={"is_evening": 1.0}).scores
    assert morning[[0, 2]].min() > morning[[1, 3]].max()
    assert evening[[1, 3]].min() > evening[[0, 2]].max()


def test_every_way_to_state_it(scorer):
    def scores(**context):
        return scorer.run(item_ids=[2, 3], **context).scores.tolist()

    assert scores() == scores(context=[0.5, 7.0]) == scores(context=[None, float("nan")])
    assert scores(context=[1.0]) == scores(context={"is_evening": 1, "noise": None})
    assert scores(context=np.float32([1, 7])) == scores(context=[1.0])
    for wrong, sentence in (
        ({"evening": 1}, "context: 'evening' is no name of it; the names are is_evening, noise"),
        ([1, 2, 3], "context: expected at most 2 numbers, got a list of length 3"),
        ({"noise": float("inf")}, "context: noise: expected a finite number, got inf"),
        ({"noise": "loud"}, "context: noise: expected a finite number, got 'loud'"),
    ):
        with pytest.raises(RequestError) as raised:
            scores(context=wrong)
        assert sentence in str(raised.value)


def test_a_model_without_context_says_so():
    with pytest.raises(RequestError, match="leave it out: this model has no context"):
        context_tensor([1.0], {})


def test_over_http(scorer):
    def asked(context):
        body = json.dumps({"userId": 1, "context": context}).encode()
        return parse_request(body, scorer.bundle, ServerSettings())

    assert asked({"is_evening": 1}).context == {"is_evening": 1}
    assert asked([0.5, None]).context == [0.5, None]
    for wrong in (1, "x", None, {"hour": 1}, [1, 2, 3], {"noise": [1]}, {"noise": 1e39}, [True]):
        with pytest.raises(RequestError, match="context"):
            asked(wrong)


def test_the_ranker_reads_it_as_the_graph_does(trained):
    ranker = load_model(trained[1] / "toy.training").ranker
    assert ranker.tables.context.names == ("is_evening", "noise")
    answers = {
        tuple(context): ranker.answer(Request(item_ids=[2], context=context)).scores[0]
        for context in ([], [0.5], [0.5, 7.0], [np.nan, 7.0, 3.0], [1.0])
    }
    assert len(set(answers.values())) == 2


def test_it_stands_in_manifest_and_features(trained):
    manifest = json.loads((trained[1] / "toy.json").read_text("utf-8"))
    assert manifest["context"] == ["is_evening", "noise"]
    neutral = {one["name"]: one["neutral"] for one in manifest["inputs"]}
    assert neutral["context"] == [0.5, 7.0]
    assert any(len(one["inputs"]["context"]) == 3 for one in manifest["golden"])
    probe = FeatureProbe(trained[1] / "toy.onnx")
    at = probe.names.index("context_is_evening")
    seen = probe.see(Request(item_ids=[2, 3], context=[1.0])).features
    assert seen[:, [at, at + 1]].tolist() == [[1.0, 7.0], [1.0, 7.0]]


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ((1.0,), r"The context of user 1, item \d+ is \(1.0,\); it must be 2 finite numbers"),
        ((1.0, float("inf")), "it must be 2 finite numbers"),
        ((1.0, "x"), "it must be 2 finite numbers"),
    ],
)
def test_samples_with_another_context_are_refused(monkeypatch, context, sentence):
    monkeypatch.setattr(ByTheHour, "context", lambda *_: context)
    with pytest.raises(SampleError, match=sentence):
        edgerec.train(ByTheHour(), SETTINGS)


def test_a_context_that_nobody_declared_is_refused():
    class Plain:
        sample_generator = ByTheHour.sample_generator
        context = ByTheHour.context
        get_user_feature = ByTheHour.get_user_feature
        get_item_feature = ByTheHour.get_item_feature

    with pytest.raises(SampleError, match="but no context is declared"):
        edgerec.train(Plain(), SETTINGS)


@pytest.mark.parametrize("returned", [None, ["hour"], {"hour": float("nan")}, {"": 1}, {"a": "b"}])
def test_defaults_are_names_with_finite_numbers(returned):
    with pytest.raises(ConfigurationError, match="get_context_defaults returned"):
        declared_context(returned)


def test_a_manifest_with_another_context_is_refused(trained, tmp_path):
    for suffix in (".onnx", ".json"):
        path = trained[1] / f"toy{suffix}"
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    del manifest["checksum"]
    for names, sentence in (
        (["is_evening"], "inputs.context.neutral: expected 1 numbers"),
        (["a", "a"], "context: expected a list of different names"),
    ):
        (tmp_path / "toy.json").write_text(json.dumps({**manifest, "context": names}))
        with pytest.raises(BundleError, match=sentence):
            Scorer.from_path(tmp_path / "toy.onnx")
