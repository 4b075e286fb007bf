"""Read a manifest and ask for its keys, each with its type. Nothing of it is trusted."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

from device_runtime.errors import BundleError, shown

IdType = Literal["int64", "string"]

FORMAT_VERSION = 1
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
MIN_GOLDEN = 8
HASH_FUNCTION = "fnv-1a-63"

# Name of each tensor of the contract to its type; "user" and "item" stand for the type of the ids.
INPUTS = {
    "user_id": "user",
    "item_ids": "item",
    "history": "item",
    "history_values": "float32",
    "history_times": "int64",
    "now": "int64",
    "exclude": "item",
    "context": "float32",
    "k": "int64",
}
OUTPUTS = {
    "scores": "float32",
    "known": "bool",
    "top_positions": "int64",
    "top_ids": "item",
    "top_scores": "float32",
}
# There only where the file answers what is similar to what.
SIMILAR_OUTPUTS = {
    "similar_positions": "int64",
    "similar_ids": "item",
    "similarities": "float32",
}


def read_manifest(path: Path, onnx_path: Path) -> dict[str, Any]:
    """Return the manifest at `path` as a JSON object, its keys unchecked.

    Parameters
    ----------
    path : Path
        ``NAME.json``.
    onnx_path : Path
        The graph it stands beside, for messages.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    BundleError
        The file is missing, too large, altered, or not one object of UTF-8 JSON.
    """
    if not path.is_file():
        raise BundleError(
            f"{path}: no such file; a bundle is two files, copy {path.name} beside {onnx_path.name}"
        )
    try:
        with path.open("rb") as file:
            # One byte more than allowed tells a file that grew after its size was asked for.
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); check its rights") from None
    if len(content) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"{path}: expected at most {MAX_MANIFEST_BYTES} bytes, got more; export the model again"
        )
    _check_sum(path, content)
    try:
        manifest = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{path}: expected UTF-8 JSON ({error}); copy both files of the bundle again"
        ) from None
    if not isinstance(manifest, dict):
        raise BundleError(f"{path}: expected one JSON object, got {shown(manifest)}; export again")
    return manifest


def _check_sum(path: Path, content: bytes) -> None:
    """Refuse a manifest whose last key, `checksum`, is not the SHA-256 of what stands before it.

    One without that key is of another exporter, or was edited: it is as good as its golden answers.
    """
    before, found, after = content.rpartition(b'"checksum":')
    if not found:
        return
    stated = after.strip(b' \r\n}"').decode("ascii", "replace")
    # The space before the key is no part of what is hashed: it is the line's indent.
    digest = hashlib.sha256(before.removesuffix(b" ")).hexdigest()
    if stated != digest:
        raise BundleError(
            f"{path}: expected content whose SHA-256 is {stated[:64]!r}, as its key checksum says, "
            f"got {digest}; the manifest was altered or damaged: copy both files again or, where "
            "you edited it, remove the key checksum"
        )


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not JSON")


class Keys:
    """The keys of a manifest, each asked for with its type."""

    def __init__(self, manifest: Mapping[str, Any], path: Path) -> None:
        self._manifest = manifest
        self.path = path

    def get(self, dotted: str, *types: type) -> Any:
        """Return the value at ``"outer.inner"``, which must be of one of the types."""
        value: Any = self._manifest
        for key in dotted.split("."):
            if not isinstance(value, dict) or key not in value:
                raise BundleError(
                    f"{self.path}: the key {dotted} is missing; export the model again"
                )
            value = value[key]
        # type() rather than isinstance(): true must not pass for the number 1.
        if type(value) not in types:
            self.refuse(dotted, " or ".join(kind.__name__ for kind in types), value)
        return value

    def has(self, key: str) -> bool:
        """Say whether an outer key is there."""
        return key in self._manifest

    def count(self, dotted: str) -> int:
        """Return the value at a key, which must be an integer of 0 or more."""
        value = self.get(dotted, int)
        if value < 0:
            self.refuse(dotted, "0 or more", value)
        return cast(int, value)

    def refuse(self, dotted: str, expected: str, value: object) -> NoReturn:
        """Raise the error that says what a key was expected to hold."""
        raise BundleError(
            f"{self.path}: {dotted}: expected {expected}, got {shown(value)}; export again"
        )


def check_file(keys: Keys, which: str, name: str) -> None:
    """Refuse a description of a file that is not of the file `name` beside the manifest.

    Parameters
    ----------
    keys : Keys
        Of the manifest.
    which : str
        ``"graph"`` or ``"mapped"``.
    name : str
        What the file must be called.

    Raises
    ------
    BundleError
        It has another name, no count of bytes, or no SHA-256.
    """
    file = keys.get(f"{which}.file", str)
    if file != name or any(part in file for part in ("/", "\\", "..")):
        raise BundleError(
            f"{keys.path}: {which}.file: expected the bare name {name}, got {shown(file)}; "
            "keep the names that export gave, or export under the new name"
        )
    keys.count(f"{which}.bytes")
    sha256 = keys.get(f"{which}.sha256", str)
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        keys.refuse(f"{which}.sha256", "64 lower-case hex digits", sha256)


def check_context(keys: Keys) -> dict[str, float]:
    """Return the numbers of a request's context: each name with its default.

    Raises
    ------
    BundleError
        A name is none, or stands there twice, or has no finite default among the neutral values.
    """
    if not keys.has("context"):
        return {}
    names = keys.get("context", list)
    inputs = [one for one in keys.get("inputs", list) if isinstance(one, dict)]
    neutral: Any = next((one.get("neutral") for one in inputs if one.get("name") == "context"), [])
    if any(type(name) is not str for name in names) or len(set(names)) < len(names):
        keys.refuse("context", "a list of different names", names)
    if not isinstance(neutral, list) or len(neutral) != len(names):
        keys.refuse("inputs.context.neutral", f"{len(names)} numbers", neutral)
    for default in neutral:
        # type() rather than isinstance(): true must not pass for the number 1.
        if type(default) not in (int, float) or not math.isfinite(default):
            keys.refuse("inputs.context.neutral", "finite numbers", default)
    return dict(zip(names, map(float, neutral), strict=True))


def check_hashes(keys: Keys) -> dict[str, int]:
    """Return the seeds by which string ids are hashed: by ``"user"`` and ``"item"``.

    Raises
    ------
    BundleError
        A hash has another function, or the ids are none of text.
    """
    if not keys.has("id_hashes"):
        return {}
    seeds = {}
    for role in keys.get("id_hashes", dict):
        if role not in ("user", "item") or keys.get(f"id_types.{role}", str) != "string":
            keys.refuse(f"id_hashes.{role}", "only ids of type string", role)
        function = keys.get(f"id_hashes.{role}.function", str)
        if function != HASH_FUNCTION:
            keys.refuse(f"id_hashes.{role}.function", HASH_FUNCTION, function)
        seeds[role] = keys.count(f"id_hashes.{role}.seed")
    return seeds


def check_tensors(keys: Keys, which: str, expected: dict[str, str]) -> None:
    """Refuse a manifest that lacks inputs or outputs of the contract, or has inputs beside them.

    Outputs beside them are for readers that know them.

    Parameters
    ----------
    keys : Keys
        Of the manifest.
    which : str
        ``"inputs"`` or ``"outputs"``.
    expected : dict of str to str
        Name of each tensor to its type.

    Raises
    ------
    BundleError
        A tensor is missing or of another type, or an input is unknown.
    """
    found = {}
    for index, tensor in enumerate(keys.get(which, list)):
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            keys.refuse(f"{which}[{index}]", "an object with a name and a type", tensor)
        found[tensor["name"]] = tensor.get("type")
    for name, kind in expected.items():
        if found.get(name) != kind:
            keys.refuse(f"{which}.{name}", f"type {kind}", found.get(name))
    if which == "inputs" and len(found) > len(expected):
        extra = sorted(set(found) - set(expected))[0]
        keys.refuse(f"{which}", "only the tensors of format version 1", extra)


def check_golden(keys: Keys, golden: Sequence[Any]) -> None:
    """Refuse golden requests that are too few or lack an input; their elements are not looked at.

    Parameters
    ----------
    keys : Keys
        Of the manifest.
    golden : sequence
        What stands there.

    Raises
    ------
    BundleError
        Fewer than `MIN_GOLDEN`, or one without a name, an input or any output.
    """
    if len(golden) < MIN_GOLDEN:
        keys.refuse("golden", f"at least {MIN_GOLDEN} requests", len(golden))
    for index, request in enumerate(golden):
        if not isinstance(request, dict) or not isinstance(request.get("name"), str):
            keys.refuse(f"golden[{index}]", "an object with a name", request)
        for side, names in (("inputs", INPUTS), ("outputs", OUTPUTS)):
            tensors = request.get(side)
            if not isinstance(tensors, dict):
                keys.refuse(f"golden[{index}].{side}", "an object", tensors)
            # All inputs, since every input is required; of the outputs, those that are stated.
            stated = list(names) if side == "inputs" else sorted(set(names) & set(tensors))
            if not stated:
                keys.refuse(f"golden[{index}].{side}", f"one of {', '.join(names)}", tensors)
            for name in stated:
                if not isinstance(tensors.get(name), list):
                    keys.refuse(f"golden[{index}].{side}.{name}", "a list", tensors.get(name))
