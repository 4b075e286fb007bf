"""A feed is written so that devices see it as it was, or as it is."""

import json
import shutil

import pytest

from device_runtime.updates.feed_manifest import parse_feed_manifest, parse_pointer
from device_runtime.updates.signatures import read_public_key, verify
from edgerec.cli import main
from edgerec.errors import ConfigurationError, StorageError
from edgerec.feed import new_key, publish, publishing
from edgerec.progress import Silent
from edgerec.scoring import BundleError
from tests.device_runtime.feeds import model


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return new_key(tmp_path_factory.mktemp("key") / "shop.key")


@pytest.fixture
def feed(tmp_path):
    return tmp_path / "feed"


def manifest_of(feed, key):
    sequence = parse_pointer((feed / "latest.json").read_bytes())
    content = (feed / f"manifests/{sequence}.json").read_bytes()
    signature = (feed / f"manifests/{sequence}.json.minisig").read_bytes()
    comment = verify("m", content, signature, [read_public_key(key.public_text)])
    assert f"file:{sequence}.json" in comment
    return parse_feed_manifest(content, sequence)


def test_sequences_count_up_and_the_newest_few_stay(feed, key):
    for sequence in range(1, 6):
        made = publish(model(sequence)[0], feed, key, n_kept=2)
        assert made.sequence == sequence == manifest_of(feed, key).sequence
    assert sorted(one.name for one in (feed / "models").iterdir()) == ["3", "4", "5"]
    assert set(made.deltas) <= {3, 4} and made.deltas[4] < made.n_bytes


def test_an_interrupted_sequence_is_never_used(feed, key, monkeypatch):
    publish(model(1)[0], feed, key)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "write_delta", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(model(2)[0], feed, key)
    monkeypatch.undo()
    assert manifest_of(feed, key).sequence == 1
    assert publish(model(2)[0], feed, key).sequence == 3
    assert publish(model(3)[0], feed, key, at_least=40).sequence == 40


def test_what_devices_would_meet_is_said(feed, key, tmp_path):
    said = []

    class Listening(Silent):
        def message(self, text):
            said.append(text)

    publish(model(1)[0], feed, key, progress=Listening())
    publish(model(2)[0], feed, key, progress=Listening())
    assert not said
    other = new_key(tmp_path / "other.key")
    manifest = feed / "manifests" / "2.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"tiny"', '"small"'))
    publish(model(3)[0], feed, other, progress=Listening())
    of_name, of_key = said
    assert "offered a model called small, and this one is called tiny" in of_name
    assert "Export it as small.onnx" in of_name
    ids = [one.key_id[::-1].hex().upper() for one in (key, other)]
    assert "signed with the key {} until now, and this is {}".format(*ids) in of_key


def test_what_is_offered_already_and_what_is_damaged(feed, key, tmp_path):
    publish(model(1)[0], feed, key)
    with pytest.raises(ConfigurationError, match="offers already, as sequence 1"):
        publish(model(1)[0], feed, key)
    damaged = tmp_path / "tiny.onnx"
    for file in model(2):
        shutil.copy(file, tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(BundleError, match="copy both files again"):
        publish(damaged, feed, key)
    (feed / "latest.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"its latest\.json leads to no manifest"):
        publish(model(2)[0], feed, key)
    with pytest.raises(StorageError, match="cannot be written"):
        publish(model(2)[0], feed / "latest.json" / "feed", key)


def test_a_name_that_cannot_stand_in_an_address(feed, key, tmp_path):
    for file in model(1):
        shutil.copy(file, tmp_path / f"my shop{file.suffix}")
    manifest = json.loads((tmp_path / "my shop.json").read_text())
    manifest["graph"]["file"] = "my shop.onnx"
    (tmp_path / "my shop.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match=r"my shop\.onnx is to stand in an address"):
        publish(tmp_path / "my shop.onnx", feed, key)


def test_the_command(feed, tmp_path, capsys):
    key = str(tmp_path / "shop.key")
    assert main(["publish", "--new-key", "--key", key]) == 0
    public = (tmp_path / "shop.pub").read_text().splitlines()[1]
    assert public in capsys.readouterr().out.replace("\n", "").replace(" ", "")
    assert main(["publish", str(model(1)[0]), "--feed", str(feed), "--key", key]) == 0
    assert main(["publish", str(model(2)[0]), "--feed", str(feed), "--key", key]) == 0
    out = capsys.readouterr().out
    assert "from 1" in out and "%" in out
    for arguments, sentence in (
        (["--key", key], "There is nothing to publish"),
        ([str(model(2)[0]), "--key", key], "--feed FOLDER"),
        ([str(model(2)[0]), "--feed", str(feed), "--key", key, "--keep", "-1"], "--keep must be"),
        (["--new-key", "--key", key], "is there already"),
    ):
        assert main(["publish", *arguments]) == 1
        assert sentence in capsys.readouterr().err
