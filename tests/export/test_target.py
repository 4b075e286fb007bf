"""A file for a phone holds nothing of any user: not in the graph, the manifest or the report."""

import json
import sqlite3
import struct

import numpy as np
import pytest

import edgerec
from device_runtime.scorer import Scorer
from edgerec.cli import main
from edgerec.errors import ConfigurationError
from edgerec.export_settings import ExportSettings
from tests.trained import SETTINGS, Generated, generated_model, interactions

FIRST = 10**12


class Persons(Generated):
    """User ids from 10^12 up, and features that tell every user apart."""

    def user(self, id_):
        return FIRST + 7919 * id_

    def get_user_feature(self, user_id):
        return [user_id % 1_000_003 / 1e6, float(user_id % 2)]


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    folder = tmp_path_factory.mktemp("persons") / "one.training"
    return edgerec.train(Persons(), SETTINGS, training_folder=folder), folder


def traces(user_id):
    """Return how an id may stand in a file: as text, as 8 bytes, as a number of protobuf."""
    varint, rest = bytearray(), user_id
    while rest > 127:
        varint.append(rest & 127 | 128)
        rest >>= 7
    varint.append(rest)
    return [str(user_id).encode(), struct.pack("<q", user_id), bytes(varint)]


def found(data, ranker):
    by_id = [one for id_ in ranker.user_ids.tolist() for one in traces(id_)]
    by_row = [row.tobytes() for row in ranker.tables.user_features[1:]]
    return [one for one in (*by_id, *by_row) if one in data]


@pytest.mark.parametrize("target", ["phone", "web"])
def test_no_trace_of_any_user_is_left(training, target, tmp_path):
    model, folder = training
    known = tmp_path / "server.onnx"
    model.export(known)
    assert len(found(known.read_bytes(), model.ranker)) >= 2 * len(model.ranker.user_ids)

    small = tmp_path / f"{target}.onnx"
    arguments = [folder, "--output", small, "--target", target, "--precision", "fp16"]
    assert main(["export", *map(str, arguments), "--max-loss", "1"]) == 0
    database = tmp_path / "test.db"
    write_rows(database)
    rows = [f"sqlite:///{database}", "--test-table", "rows"]
    assert main(["report", str(small), *rows, "--no-times"]) == 0
    assert main(["verify", str(small)]) == 0
    for suffix in (".onnx", ".json", ".html"):
        assert found(small.with_suffix(suffix).read_bytes(), model.ranker) == [], suffix
    manifest = json.loads(small.with_suffix(".json").read_text("utf-8"))
    assert manifest["catalogue"]["n_users"] == 0
    assert manifest["training_data"]["n_users"] == len(model.ranker.user_ids)
    assert manifest["id_maps"]["user"] == {"kind": "none", "why": "the file knows none"}


def write_rows(path):
    data = interactions()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE rows (user_id INT, item_id INT, rating REAL, timestamp INT)")
        database.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?)",
            [
                (Persons().user(user), item, value, time + 10**6)
                for user, item, value, time in zip(
                    data.user_ids.tolist(),
                    data.item_ids.tolist(),
                    data.values.tolist(),
                    data.timestamps.tolist(),
                    strict=True,
                )
            ][:600],
        )


@pytest.mark.parametrize("strings", [False, True])
def test_a_history_that_the_app_passes_is_answered_as_one_that_the_file_knows(tmp_path, strings):
    ranker = generated_model(strings).ranker
    server = Scorer.from_path(generated_model(strings).export(tmp_path / "server.onnx").path)
    settings = ExportSettings(target="phone")
    phone = Scorer.from_path(
        generated_model(strings).export(tmp_path / "phone.onnx", settings=settings).path
    )
    history = ranker.item_ids[:5].tolist()
    asked = {"item_ids": ranker.item_ids[:9].tolist(), "history": history}
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    expected = server.run(**asked, history_values=values).scores
    given = phone.run(**asked, history_values=values, user_id=ranker.user_ids[3]).scores
    np.testing.assert_allclose(given, expected, atol=1e-6)
    assert phone.bundle.n_users == 0


def test_an_unknown_target_is_refused():
    with pytest.raises(ConfigurationError, match="target must be 'server' or 'board' or 'phone'"):
        ExportSettings(target="toaster")
