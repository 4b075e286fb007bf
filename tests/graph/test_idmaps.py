"""Ids at any scale: each map answers what a dictionary would, for any integer of 64 bits."""

from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.errors import ConfigurationError
from edgerec.export.bundle import graph_bytes
from edgerec.export.manifest import stable_part
from edgerec.export.parity import GraphSession, check_parity, open_session, parity_requests
from edgerec.export_settings import ExportSettings
from edgerec.graph.idmaps import IdMap, choose_id_map
from edgerec.graph.idmaps.static_hash import build_static_hash
from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import id_array
from edgerec.schema import TensorSpecification
from tests.trained import generated_model

EVERY = ExportSettings()
FEW = ExportSettings(n_encoded_ids=0)
LOWEST, HIGHEST = -(2**63) + 1, 2**63 - 1
WORLDS = {
    "one": [7],
    "dense": [-3, -2, 0, 1, 5],
    "dense and highest": [HIGHEST - 2, HIGHEST],
    "dense and lowest": [LOWEST, LOWEST + 3],
    "both ends": [LOWEST, -(2**53) - 1, 0, 2**53 + 1, HIGHEST],
    "far": [10**12 + 65536 * number for number in range(300)],
    "negative and far": [-(10**15) * number for number in range(1, 40)],
}


@cache
def session(ids, kind, id_type="int64"):
    graph = GraphBuilder()
    IdMap(kind, "", id_array(ids, id_type), id_type).add(graph, "item", "asked")
    [*_, last] = graph._nodes
    last.output[0] = "rows"
    model = graph.model(
        "ids",
        [TensorSpecification("asked", id_type, ("N",))],
        [TensorSpecification("rows", "int64", ("N",))],
        "test",
    )
    onnx.checker.check_model(model, full_check=True)
    return open_session(model.SerializeToString())


def rows(ids, kind, asked, id_type="int64"):
    return session(tuple(ids), kind, id_type).run(None, {"asked": id_array(asked, id_type)})[0]


def kinds_of(ids):
    span = ids[-1] - ids[0] + 1
    return ["encoder", "hash", *(["dense"] if span <= 1000 else [])]


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_map_answers_what_a_dictionary_would(world, data):
    ids = sorted(WORLDS[world])
    near = st.sampled_from(ids).flatmap(
        lambda id_: st.integers(max(id_ - 3, LOWEST), min(id_ + 3, HIGHEST))
    )
    far = st.sampled_from([LOWEST, HIGHEST, 0, -1, 2**53 + 1, -(2**63)])
    asked = data.draw(st.lists(st.one_of(near, far, st.integers(LOWEST, HIGHEST)), max_size=20))
    row_of = {id_: row for row, id_ in enumerate(ids, 1)} | {-(2**63): -1}
    expected = [row_of.get(id_, 0) for id_ in asked]
    for kind in kinds_of(ids):
        assert rows(ids, kind, asked).tolist() == expected, kind


def test_strings_are_looked_up_as_text():
    ids = sorted(["", "é", "e\u0301", "🎬", " a", "a", "A", "日本"])[1:]
    asked = ["🎬", "a", "", "nobody", "A "]
    assert rows(ids, "encoder", asked, "string").tolist() == [
        ids.index("🎬") + 1,
        ids.index("a") + 1,
        -1,
        0,
        0,
    ]


SPARSE = "2 integers from 3 to 1099511627776 are sparse"
ENDS = "2 integers from -9223372036854775807 to 9223372036854775807 are sparse"
CHOICES = (
    (range(5, 9), EVERY, "dense: 4 integers from 5 to 8 are dense"),
    ([3, 2**40], EVERY, f"encoder: {SPARSE}, and at most 200000"),
    ([3, 2**40], FEW, f"hash: {SPARSE}, and more than 0"),
    ([LOWEST, HIGHEST], EVERY, f"encoder: {ENDS}, and at most 200000"),
)


@pytest.mark.parametrize(("ids", "chosen", "why"), CHOICES)
def test_the_map_is_chosen_by_the_ids_and_says_why(ids, chosen, why):
    found = choose_id_map(np.array(list(ids), np.int64), "int64", chosen)
    assert f"{found.kind}: {found.why}" == why
    assert choose_id_map(id_array(["a"], "string"), "string", chosen).kind == "encoder"


@pytest.mark.parametrize("step", [1, 10, 65536, 2**31 - 1, 2**42])
def test_a_static_hash_finds_many_regular_ids(step):
    ids = np.arange(-5000, 15_000) * np.int64(step)
    hashed = build_static_hash(ids)
    assert np.array_equal(hashed.find(ids, ids), np.arange(len(ids)))
    assert (hashed.find(ids[:-1] + 1, ids) == (-1 if step > 1 else np.arange(1, len(ids)))).all()
    assert np.array_equal(build_static_hash(ids).positions, hashed.positions)
    n_bytes = hashed.positions.nbytes + hashed.displacements.nbytes
    assert n_bytes <= 10 * len(ids)


def test_a_whole_model_answers_the_same_by_every_map():
    ranker = generated_model().ranker
    stable = stable_part(ranker, "test", FEW)
    spread = ranker.replaced(
        item_ids=ranker.item_ids * 2**40 + 2**53 + 1, user_ids=-ranker.user_ids * 10**15
    )
    # The order of users is turned round by the minus, so their tables would be; ids are enough.
    spread = spread.replaced(user_ids=np.sort(spread.user_ids))
    for of, chosen in ((ranker, EVERY), (ranker, FEW), (spread, EVERY), (spread, FEW)):
        graph = GraphSession(graph_bytes(of, stable, chosen), of)
        check_parity(of, graph, parity_requests(of, 60))
    assert stable["id_maps"]["item"]["kind"] == "dense"
    kinds = {role: one["kind"] for role, one in stable_part(spread, "", FEW)["id_maps"].items()}
    assert kinds == {"user": "hash", "item": "hash"}


def test_settings_refuse_what_is_no_count():
    with pytest.raises(ConfigurationError, match="n_encoded_ids must be at least 0, but is -1"):
        ExportSettings(n_encoded_ids=-1)
