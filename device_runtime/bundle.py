"""Audit a bundle before anything executes it: sizes, hash, manifest, one file that stands alone.

The format is described in ``docs/bundle-format.md``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device_runtime.errors import BundleError, shown
from device_runtime.manifest import (
    FORMAT_VERSION,
    INPUTS,
    OUTPUTS,
    SIMILAR_OUTPUTS,
    IdType,
    Keys,
    check_context,
    check_file,
    check_golden,
    check_hashes,
    check_tensors,
    read_manifest,
)

_CHUNK_BYTES = 1 << 20
# How a tensor that lives in another file names it (field 1, eight bytes, "location"). A bundle is
# one file: such a name could point anywhere on the device.
_EXTERNAL_DATA = b"\x0a\x08location"


@dataclass(frozen=True)
class Bundle:
    """An audited bundle: the path of the graph and what the manifest says about it."""

    onnx_path: Path
    """``NAME.onnx``, whether it is the file to load or not."""
    mapped_path: Path | None
    """``NAME.ort``, if that is the file to load: mapped into memory and not read."""
    name: str
    """What the model is called."""
    user_id_type: IdType
    """Type of the ids of users: ``"int64"`` or ``"string"``."""
    item_id_type: IdType
    """Type of the ids of items: ``"int64"`` or ``"string"``."""
    context: Mapping[str, float]
    """Numbers of a request's moment by name, in the graph's order, each with its default."""
    hash_seeds: Mapping[str, int]
    """By ``"user"`` and ``"item"``, the seed of the hash that the graph is given in place of its
    string ids; nothing where it is given the ids."""
    ids_path: Path | None
    """``NAME.ids``, audited: the ids of the catalogue, where those of items are hashed."""
    n_history: int
    """How many of the newest items of a history count."""
    history_until: int
    """Unix seconds up to which the file knows the histories; callers pass what came later."""
    label_above: float | None
    """A value above this counts as the label 1; None: values do not decide the label."""
    event_values: Mapping[str, float | None]
    """Which value an app passes for what a user did; None: not stated."""
    n_users: int
    """Number of users in training."""
    n_items: int
    """Number of items in the catalogue."""
    max_abs_difference: float
    """Largest difference between the graph and the Python reference at export (parity)."""
    golden: Sequence[Mapping[str, Any]] = field(repr=False)
    """Requests and their answers, to be run before the bundle serves."""
    manifest: Mapping[str, Any] = field(repr=False)
    """The whole manifest."""
    has_similar: bool = False
    """Whether the graph answers which items are similar."""

    @property
    def outputs(self) -> dict[str, str]:
        """Name of each output that this reader knows and the graph has, to its type."""
        return {**OUTPUTS, **SIMILAR_OUTPUTS} if self.has_similar else OUTPUTS

    @property
    def graph_path(self) -> Path:
        """The file to load. Its size and hash were those of the manifest when it was audited."""
        return self.mapped_path or self.onnx_path

    def tensor_types(self, named: Mapping[str, str]) -> dict[str, str]:
        """Return the tensor types of the contract for the id types of this bundle.

        Parameters
        ----------
        named : mapping of str to str
            `INPUTS` or `outputs`.

        Returns
        -------
        dict of str to str
            Name of the tensor to ``"int64"``, ``"string"``, ``"float32"`` or ``"bool"``.
        """
        ids: dict[str, str] = {"user": self.user_id_type, "item": self.item_id_type}
        ids.update(dict.fromkeys(self.hash_seeds, "int64"))
        return {name: ids.get(kind, kind) for name, kind in named.items()}


def read_bundle(path: str | Path, *, mapped: bool = False) -> Bundle:
    """Audit the bundle whose graph is at `path`, and describe it.

    Nothing is executed and at most 1 MiB of the graph is in memory at a time.

    Parameters
    ----------
    path : str or Path
        ``NAME.onnx``; the manifest ``NAME.json`` must stand beside it.
    mapped : bool, default False
        Take ``NAME.ort`` in place of it, where the manifest names one and it stands there. Only
        the file that is taken is audited, and only that one must be there.

    Returns
    -------
    Bundle
        What the manifest says.

    Raises
    ------
    BundleError
        A file is missing, larger or smaller than stated, or altered; the manifest is not what
        format version 1 asks for; the graph refers to another file.

    Examples
    --------
    >>> read_bundle("nowhere/model.onnx")
    Traceback (most recent call last):
    ...
    device_runtime.errors.BundleError: nowhere/model.onnx: no such file; pass the path of ...
    """
    onnx_path = Path(path)
    if onnx_path.suffix != ".onnx":
        raise BundleError(f"{onnx_path}: expected a path that ends in .onnx; pass NAME.onnx")
    mapped_path = onnx_path.with_suffix(".ort")
    takes_mapped = mapped and mapped_path.is_file()
    if not takes_mapped and not onnx_path.is_file():
        raise BundleError(f"{onnx_path}: no such file; pass the path of a bundle's NAME.onnx")
    manifest_path = onnx_path.with_suffix(".json")
    manifest = read_manifest(manifest_path, onnx_path)
    # An .ort file that the manifest does not name is left from another export.
    takes_mapped = takes_mapped and "mapped" in manifest
    bundle = _describe(manifest, manifest_path, onnx_path, mapped_path if takes_mapped else None)
    _audit_file(bundle.graph_path, manifest["mapped" if takes_mapped else "graph"])
    if bundle.ids_path is not None:
        _audit_file(bundle.ids_path, manifest["ids"])
    return bundle


def _describe(
    manifest: dict[str, Any], path: Path, onnx_path: Path, mapped_path: Path | None
) -> Bundle:
    keys = Keys(manifest, path)
    version = keys.get("format_version", int)
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{path}: this runtime reads format version {FORMAT_VERSION}, the bundle has version "
            f"{shown(version)}; export the model again or use a runtime of its version"
        )
    check_file(keys, "graph", onnx_path.name)
    if "mapped" in manifest:
        check_file(keys, "mapped", onnx_path.with_suffix(".ort").name)
    for kind in ("user", "item"):
        if keys.get(f"id_types.{kind}", str) not in ("int64", "string"):
            keys.refuse(f"id_types.{kind}", "int64 or string", manifest["id_types"][kind])
    hash_seeds = check_hashes(keys)
    if "item" in hash_seeds:
        check_file(keys, "ids", onnx_path.with_suffix(".ids").name)
    event_values = keys.get("event_values", dict)
    for event, value in event_values.items():
        if type(value) not in (int, float, type(None)):
            keys.refuse(f"event_values.{event}", "a number or null", value)
    label = keys.get("label", dict, type(None))
    bundle = Bundle(
        onnx_path=onnx_path,
        mapped_path=mapped_path,
        name=keys.get("name", str),
        user_id_type=keys.get("id_types.user", str),
        item_id_type=keys.get("id_types.item", str),
        context=check_context(keys),
        hash_seeds=hash_seeds,
        ids_path=onnx_path.with_suffix(".ids") if "item" in hash_seeds else None,
        n_history=keys.count("n_history"),
        history_until=keys.get("history_until", int),
        label_above=None if label is None else float(keys.get("label.above", int, float)),
        event_values=event_values,
        n_users=keys.count("catalogue.n_users"),
        n_items=keys.count("catalogue.n_items"),
        max_abs_difference=float(keys.get("parity.max_abs_difference", int, float)),
        golden=tuple(keys.get("golden", list)),
        manifest=manifest,
        has_similar=any(
            isinstance(one, dict) and one.get("name") in tuple(SIMILAR_OUTPUTS)
            for one in keys.get("outputs", list)
        ),
    )
    check_tensors(keys, "inputs", bundle.tensor_types(INPUTS))
    check_tensors(keys, "outputs", bundle.tensor_types(bundle.outputs))
    check_golden(keys, bundle.golden)
    return bundle


def _audit_file(path: Path, described: Mapping[str, Any]) -> None:
    try:
        size = path.stat().st_size
        if size != described["bytes"]:
            raise BundleError(
                f"{path}: expected {described['bytes']} bytes, got {size}; copy both files again"
            )
        digest = hashlib.sha256()
        tail = b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                if _EXTERNAL_DATA in tail + chunk:
                    raise BundleError(
                        f"{path}: keeps tensors in another file; a bundle is one graph that stands "
                        "alone, export the model again"
                    )
                tail = chunk[-len(_EXTERNAL_DATA) :]
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); check its rights") from None
    if digest.hexdigest() != described["sha256"]:
        raise BundleError(
            f"{path}: expected SHA-256 {described['sha256']}, got {digest.hexdigest()}; the graph "
            "is not the one the manifest describes, copy both files again"
        )
