"""A model whose string ids are hashed travels with their text, and without its mapped form."""

import pytest

from device_runtime.errors import UpdateError
from device_runtime.updates.feed_manifest import parse_feed_manifest
from edgerec.export_settings import ExportSettings
from edgerec.feed import new_key, publish
from edgerec.progress import Silent
from tests.device_runtime.devices import Device
from tests.device_runtime.feeds import Feed
from tests.trained import generated_model


class Listening(Silent):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def feed(tmp_path):
    made = Feed(tmp_path, new_key(tmp_path / "shop.key"))
    made.start()
    yield made
    made.stop()


def exported(folder, **settings):
    folder.mkdir()
    model = generated_model(strings=True)
    return model.export(folder / "toy.onnx", settings=ExportSettings(**settings)).path


def test_the_text_of_hashed_ids_travels_and_the_mapped_form_does_not(feed, tmp_path):
    progress = Listening()
    first = exported(tmp_path / "first", n_encoded_strings=0, mapped=True)
    publish(first, feed.folder, feed.key, progress=progress)
    (message,) = progress.messages
    assert message == (
        "toy.ort stays here: from a feed devices take toy.onnx, and read it into memory instead of "
        "mapping it. Both answer alike."
    )
    packaged, settings = exported(tmp_path / "packaged"), feed.settings(tmp_path / "device")
    device = Device(settings, packaged)
    assert device.look() == "sequence 1 is served"
    items = generated_model(strings=True).ranker.item_ids.tolist()
    answer = device.served.scorer.run(k=5)
    assert answer.top_ids.tolist() == [items[at] for at in answer.top_positions]
    device.served.accept()
    # The next has the same ids: they are there already, and are not fetched.
    publish(exported(tmp_path / "second", n_encoded_strings=0, fold=False), feed.folder, feed.key)
    feed.asked.clear()
    assert device.look() == "sequence 2 is served"
    assert "models/2/from-1.onnx.delta" in feed.asked
    assert not [path for path in feed.asked if ".ids" in path]


def test_ids_of_another_name_are_refused(feed, tmp_path):
    publish(exported(tmp_path / "first", n_encoded_strings=0), feed.folder, feed.key)
    content = (feed.folder / "manifests/1.json").read_bytes()
    assert parse_feed_manifest(content, 1).ids.file.name == "toy.ids"
    with pytest.raises(UpdateError, match=r"expected NAME\.onnx and NAME\.ids"):
        parse_feed_manifest(content.replace(b"toy.ids", b"you.ids"), 1)
