"""More string ids than a graph can hold: hashes go in, positions come out, the text is beside."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runtime.bundle import read_bundle
from device_runtime.errors import BundleError
from device_runtime.scorer import Scorer
from device_runtime.text_ids import hash_ids
from edgerec.config import ExportSettings
from edgerec.errors import ConfigurationError
from edgerec.export.probe import FeatureProbe
from edgerec.graph.idmaps import choose_id_map, choose_seed, hashed_texts, text
from edgerec.ids import id_array
from edgerec.schema import Request
from tests.trained import generated_model

HASHED = ExportSettings(n_encoded_strings=0, target="board")


def hash_of(id_: str, seed: int) -> int:
    """The hash as docs/bundle-format.md has it."""
    if not id_:
        return -(2**63)
    number = (14695981039346656037 + seed) % 2**64
    for byte in id_.encode():
        number = (number ^ byte) * 1099511628211 % 2**64
    return number >> 1


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=9),
    st.integers(0, 15),
)
def test_both_packages_hash_as_the_document_says(ids, seed):
    wanted = [hash_of(id_, seed) for id_ in ids]
    assert hashed_texts(id_array(ids, "string"), seed).tolist() == wanted
    assert hash_ids(ids, seed).tolist() == wanted


def test_the_function_is_fnv_1a():
    assert hash_of("foobar", 0) == 0x85944171F73967E8 >> 1


def test_strings_are_hashed_above_their_number():
    ids = id_array(["a", "b", "é"], "string")
    assert choose_id_map(ids, "string", ExportSettings(n_encoded_strings=3)).kind == "encoder"
    hashed = choose_id_map(ids, "string", ExportSettings(n_encoded_strings=2))
    assert (hashed.kind, hashed.id_type, hashed.seed) == ("hash", "int64", 0)
    assert "3 strings, more than 2, are hashed on the way in" in hashed.why


def test_where_two_ids_would_be_one_the_next_seed_is_taken(monkeypatch):
    def colliding(ids, seed):
        return np.arange(len(ids)) // (2 if seed < n_bad else 1)

    monkeypatch.setattr(text, "hashed_texts", colliding)
    ids = id_array(["a", "b"], "string")
    n_bad = 3
    assert choose_seed(ids) == 3
    n_bad = 99
    with pytest.raises(ConfigurationError, match="2 string ids have the same hash as another"):
        choose_seed(ids)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("hashed") / "toy.onnx"
    generated_model(strings=True).export(path, settings=HASHED)
    return path


def test_the_manifest_says_how(exported):
    manifest = json.loads(exported.with_suffix(".json").read_text("utf-8"))
    ranker = generated_model(strings=True).ranker
    assert manifest["id_types"] == {"user": "string", "item": "string"}
    assert manifest["id_hashes"]["item"] == {
        "function": "fnv-1a-63",
        "seed": 0,
        "n_ids": len(ranker.item_ids),
        "n_collisions": 0,
    }
    types = {one["name"]: one["type"] for one in manifest["inputs"] + manifest["outputs"]}
    assert {types[name] for name in ("user_id", "item_ids", "exclude", "top_ids")} == {"int64"}
    listed = exported.with_suffix(".ids").read_bytes().decode().split("\0")
    assert listed == [*ranker.item_ids.tolist(), ""]


@pytest.mark.parametrize("mapped", [False, True])
def test_the_runtime_answers_as_the_ranker_does(exported, mapped):
    ranker = generated_model(strings=True).ranker
    items, user = ranker.item_ids.tolist(), ranker.user_ids.tolist()[5]
    scorer = Scorer(read_bundle(exported, mapped=mapped))
    scorer.run_golden()
    for request in (
        Request(user_id=user, k=5),
        Request(user_id="nobody 日本", k=5, exclude=items[:3]),
        Request(item_ids=["", items[4], "no item 😀", "", items[9]], history=items[1:3]),
    ):
        wanted = ranker.answer(request)
        found = scorer.run(
            user_id=request.user_id,
            item_ids=request.item_ids or None,
            history=list(request.history),
            exclude=list(request.exclude),
            k=request.k,
        )
        np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)
        assert found.known.tolist() == wanted.known.tolist()
        scored = [id_ for id_ in request.item_ids if id_] or items
        assert found.top_ids.tolist() == [scored[at] for at in found.top_positions]
    only = scorer.run(user_id=user, k=2, outputs=("top_ids",))
    assert only.top_ids.tolist() == scorer.run(user_id=user, k=2).top_ids.tolist()


def test_the_graph_is_looked_into_by_text(exported):
    probe = FeatureProbe(exported)
    items = generated_model(strings=True).ranker.item_ids.tolist()
    assert probe.catalogue == items
    assert probe.see(Request(history=items[3:6])).history == items[3:6]


def test_another_list_of_ids_is_refused(exported, tmp_path):
    for path in exported.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    listed = tmp_path / "toy.ids"
    whole = listed.read_bytes()
    listed.write_bytes(whole.replace(b"item 1", b"item 2", 1))
    with pytest.raises(BundleError, match=r"toy.ids: expected SHA-256"):
        read_bundle(tmp_path / "toy.onnx")
    listed.unlink()
    with pytest.raises(BundleError, match=r"toy.ids: cannot be read"):
        read_bundle(tmp_path / "toy.onnx")
    manifest = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    del manifest["checksum"]
    manifest["id_hashes"]["item"]["function"] = "md5"
    (tmp_path / "toy.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"item.function: expected fnv-1a-63, got 'md5'"):
        read_bundle(tmp_path / "toy.onnx")
