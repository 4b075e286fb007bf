"""Each way a bundle can be wrong has its sentence, before ONNX Runtime sees the file."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from device_runtime import BundleError, read_bundle
from device_runtime.manifest import MAX_MANIFEST_BYTES


def test_describes_a_bundle(bundle_path):
    bundle = read_bundle(str(bundle_path))
    assert bundle.onnx_path == bundle_path
    assert (bundle.name, bundle.user_id_type, bundle.item_id_type) == ("tiny", "int64", "int64")
    assert (bundle.n_users, bundle.n_items, bundle.n_history) == (2, 6, 100)
    assert (bundle.history_until, bundle.label_above) == (1537799250, 3.5)
    assert bundle.event_values["viewed"] is None
    assert bundle.event_values["liked"] == 4.4
    assert len(bundle.golden) >= 8
    assert bundle.manifest["format_version"] == 1


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    return str(caught.value)


def test_missing_files(own_bundle):
    assert "expected a path that ends in .onnx" in refused(own_bundle.with_suffix(".ort"))
    assert "no such file; pass the path" in refused(own_bundle.with_name("other.onnx"))
    own_bundle.with_suffix(".json").unlink()
    assert "tiny.json: no such file; a bundle is two files" in refused(own_bundle)


def test_truncated_graph(own_bundle):
    size = own_bundle.stat().st_size
    os.truncate(own_bundle, size - 1)
    assert f"expected {size} bytes, got {size - 1}; copy both files again" in refused(own_bundle)


def test_tampered_graph(own_bundle):
    content = bytearray(own_bundle.read_bytes())
    content[len(content) // 2] ^= 1
    own_bundle.write_bytes(content)
    assert "expected SHA-256" in refused(own_bundle)


def test_a_graph_of_another_size_is_not_read(own_bundle):
    # A sparse file of a terabyte: hashing it would take hours.
    os.truncate(own_bundle, 10**12)
    assert "got 1000000000000; copy both files again" in refused(own_bundle)


def test_a_graph_with_tensors_elsewhere(own_bundle, edit_manifest):
    # At the border of what is read at once, where half of it is in each part.
    content = b"x" * ((1 << 20) - 5) + b"\x0a\x08location\x12\x0b/etc/passwd"
    own_bundle.write_bytes(content)

    def change(manifest):
        manifest["graph"]["bytes"] = len(content)
        manifest["graph"]["sha256"] = hashlib.sha256(content).hexdigest()

    assert "keeps tensors in another file" in refused(edit_manifest(change))


def test_oversized_manifest(own_bundle):
    with own_bundle.with_suffix(".json").open("ab") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    assert "tiny.json: expected at most 16777216 bytes, got more" in refused(own_bundle)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "expected UTF-8 JSON"),
        (b"\xff\xfe{}", "expected UTF-8 JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "expected UTF-8 JSON"),
        (b"[]", "expected one JSON object, got []"),
        (b"{}", "the key format_version is missing"),
        (b'{"format_version": 2}', "reads format version 1, the bundle has version 2"),
        (b'{"format_version": "1"}', "format_version: expected int, got '1'"),
        (b'{"format_version": true}', "format_version: expected int, got True"),
    ],
)
def test_bad_manifest(own_bundle, content, sentence):
    own_bundle.with_suffix(".json").write_bytes(content)
    assert sentence in refused(own_bundle)


@pytest.mark.parametrize("file", ["../tiny.onnx", "/tiny.onnx", "a\\tiny.onnx", "other.onnx", ""])
def test_graph_file_is_a_bare_name(edit_manifest, file):
    path = edit_manifest(lambda manifest: manifest["graph"].update(file=file))
    assert "graph.file: expected the bare name tiny.onnx" in refused(path)


@pytest.mark.parametrize(
    "dotted",
    [
        "name",
        "graph",
        "graph.file",
        "graph.bytes",
        "graph.sha256",
        "id_types.user",
        "id_types.item",
        "inputs",
        "outputs",
        "n_history",
        "history_until",
        "label",
        "event_values",
        "catalogue.n_users",
        "catalogue.n_items",
        "parity.max_abs_difference",
        "golden",
    ],
)
def test_every_key_is_required_and_typed(edit_manifest, own_bundle, dotted):
    *outer, last = dotted.split(".")

    def owner(manifest):
        for key in outer:
            manifest = manifest[key]
        return manifest

    whole = own_bundle.with_suffix(".json").read_text()
    path = edit_manifest(lambda manifest: owner(manifest).pop(last))
    assert f"the key {dotted}" in refused(path)
    own_bundle.with_suffix(".json").write_text(whole)
    path = edit_manifest(lambda manifest: owner(manifest).update({last: False}))
    assert dotted in refused(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m["graph"].update(bytes=-1), "graph.bytes: expected 0 or more"),
        (lambda m: m["graph"].update(sha256="AB"), "graph.sha256: expected 64 lower-case hex"),
        (lambda m: m["id_types"].update(item="int32"), "id_types.item: expected int64 or string"),
        (lambda m: m["event_values"].update(liked="4"), "event_values.liked: expected a number"),
        (lambda m: m["inputs"].pop(), "inputs.k: expected type int64, got None"),
        (lambda m: m["inputs"][0].update(type="string"), "inputs.user_id: expected type int64"),
        (lambda m: m["inputs"].append("x"), "inputs[9]: expected an object with a name"),
        (lambda m: m["inputs"].append({"name": "more"}), "only the tensors of format version 1"),
        (lambda m: m["outputs"].append({"name": "similar_ids"}), "type int64"),
        (lambda m: m["golden"].__delitem__(slice(7, None)), "golden: expected at least 8 requests"),
        (lambda m: m["golden"][1].pop("name"), "golden[1]: expected an object with a name"),
        (lambda m: m["golden"][2]["inputs"].pop("now"), "golden[2].inputs.now: expected a list"),
        (lambda m: m["golden"][2].update(outputs={}), "golden[2].outputs: expected one of scores"),
    ],
)
def test_wrong_values(edit_manifest, change, sentence):
    assert sentence in refused(edit_manifest(change))


def test_label_may_be_null_and_unknown_keys_are_ignored(edit_manifest):
    path = edit_manifest(lambda manifest: manifest.update(label=None, added_later={"a": 1}))
    assert read_bundle(path).label_above is None


def test_renamed_bundle(own_bundle):
    manifest = json.loads(own_bundle.with_suffix(".json").read_text())
    renamed = own_bundle.rename(own_bundle.with_name("renamed.onnx"))
    renamed.with_suffix(".json").write_text(json.dumps(manifest))
    assert "expected the bare name renamed.onnx, got 'tiny.onnx'" in refused(renamed)


@pytest.fixture
def with_mapped(own_bundle, edit_manifest):
    """A bundle that names an .ort file, whose content no test here has ONNX Runtime read."""
    mapped = own_bundle.with_suffix(".ort")
    mapped.write_bytes(b"tables" * 1000)
    described = {
        "file": mapped.name,
        "bytes": 6000,
        "sha256": hashlib.sha256(mapped.read_bytes()).hexdigest(),
    }
    edit_manifest(lambda manifest: manifest.update(mapped=described))
    return own_bundle


def test_the_mapped_form_is_taken_where_it_is_asked_for_named_and_there(with_mapped):
    mapped = with_mapped.with_suffix(".ort")
    assert read_bundle(with_mapped).graph_path == with_mapped
    assert read_bundle(with_mapped, mapped=True).graph_path == mapped
    with_mapped.rename(with_mapped.with_name("elsewhere"))
    assert read_bundle(with_mapped, mapped=True).graph_path == mapped
    assert "no such file" in refused(with_mapped)


def test_a_mapped_form_that_is_not_there_or_not_named_is_left_alone(with_mapped, edit_manifest):
    with_mapped.with_suffix(".ort").rename(with_mapped.with_name("elsewhere"))
    assert read_bundle(with_mapped, mapped=True).mapped_path is None
    with_mapped.with_name("elsewhere").rename(with_mapped.with_suffix(".ort"))
    edit_manifest(lambda manifest: manifest.pop("mapped"))
    assert read_bundle(with_mapped, mapped=True).mapped_path is None


def test_a_damaged_mapped_form(with_mapped):
    mapped = with_mapped.with_suffix(".ort")
    whole = mapped.read_bytes()

    def sentence():
        with pytest.raises(BundleError) as raised:
            read_bundle(with_mapped, mapped=True)
        return str(raised.value)

    mapped.write_bytes(whole[:-1])
    assert "tiny.ort: expected 6000 bytes, got 5999; copy both files again" in sentence()
    mapped.write_bytes(whole + b"x")
    assert "tiny.ort: expected 6000 bytes, got 6001" in sentence()
    mapped.write_bytes(whole[:-1] + b"t")
    assert "tiny.ort: expected SHA-256" in sentence()


def test_the_mapped_form_has_a_bare_name(with_mapped, edit_manifest):
    edit_manifest(lambda manifest: manifest["mapped"].update(file="../tiny.ort"))
    assert "mapped.file: expected the bare name tiny.ort" in refused(with_mapped)


@pytest.mark.parametrize(
    ("stated", "shown"),
    [("c" * 64, "c" * 64), ("a\nERROR: forged\x1b[31m", r"a\nERROR: forged\x1b[31m")],
)
def test_a_manifest_that_is_not_what_its_checksum_says(tmp_path, stated, shown):
    demo = Path(__file__).parents[2] / "models" / "demo.onnx"
    shutil.copy(demo, tmp_path)
    content = demo.with_suffix(".json").read_bytes()
    before, _, _ = content.rpartition(b'"checksum":')
    (tmp_path / "demo.json").write_bytes(before + f'"checksum": "{stated}"\n}}\n'.encode())
    with pytest.raises(BundleError) as raised:
        read_bundle(tmp_path / "demo.onnx")
    sentence = str(raised.value)
    assert (
        f"expected content whose SHA-256 is '{shown}', as its key checksum says, got " in sentence
    )
    assert "copy both files again" in sentence and "\n" not in sentence
