import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edgerec.errors import StorageError
from edgerec.files import replace_file, require_writable, scratch_folder


def sentence(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        require_writable(path)
    return str(caught.value)


def refusing(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def test_what_can_be_written_is_not_created(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "deeper" / "model.onnx")
    (tmp_path / "there.onnx").write_text("old")
    require_writable(tmp_path / "there.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert sentence(tmp_path) == (
        f"{tmp_path} cannot be written, since it is a folder. Name a file in it."
    )


def test_nothing_stands_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "deeper" / "model.onnx"
    assert sentence(path) == (
        f"{path} cannot be written, since {tmp_path}/file is no folder. "
        "Name another place, or make that folder writable."
    )


def test_a_folder_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", refusing(errno.EACCES))
    assert sentence(tmp_path / "new" / "model.onnx") == (
        f"{tmp_path}/new/model.onnx cannot be written, since {tmp_path} refuses it "
        "(Permission denied). Name another place, or make that folder writable."
    )


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("old")
    (tmp_path / "state.json.new").symlink_to("/dev/full")
    with pytest.raises(StorageError) as caught:
        replace_file(path, lambda temporary: temporary.write_text("new"))
    assert str(caught.value) == (
        f"{path} cannot be written (No space left on device); what stood there before is "
        "untouched. Free some space on that disk and try again."
    )
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_refuses_while_a_file_is_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Name another place, or make that folder writable\.$"):
        replace_file(tmp_path / "a", refusing(errno.EROFS))


def test_no_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refusing(errno.ENOENT))
    with pytest.raises(StorageError) as caught, scratch_folder():
        pass
    assert str(caught.value) == (
        "There is no temporary folder to work in (No such file or directory). "
        "Set TMPDIR to a folder that can be written to."
    )


def test_other_errors_go_through_a_scratch_folder() -> None:
    with pytest.raises(FileNotFoundError), scratch_folder() as folder:
        (folder / "nothing").read_text()
    assert not folder.exists()
