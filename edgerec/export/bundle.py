"""Writes NAME.onnx and NAME.json, whole or not at all."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper

from edgerec.config import settings_to_mapping
from edgerec.errors import ConfigurationError
from edgerec.export.cost import (
    HeldOutAnswers,
    RoundingCost,
    held_out_answers,
    require_small_loss,
    rounding_cost,
)
from edgerec.export.id_list import write_ids
from edgerec.export.kept import kept_of, words
from edgerec.export.manifest import DEFAULT, golden, manifest, stable_part
from edgerec.export.mapped import write_beside
from edgerec.export.parity import INFINITE, GraphSession, Parity, check_parity, parity_requests
from edgerec.export.rounding import rounded
from edgerec.export.shortlist import ShortlistFound, find_shortlist, not_needed, pays
from edgerec.export.target import aimed
from edgerec.export_settings import ExportSettings, KeptSettings
from edgerec.features.tables import KnownHistories
from edgerec.files import described_file, replace_file, require_writable, written_beside
from edgerec.graph.convert import feature_names, to_graph
from edgerec.graph.operators import operators_of, require_pinned
from edgerec.progress import Progress
from edgerec.schema import Answer, Request
from edgerec.training.ranker import Ranker
from edgerec.version import __version__

# Golden requests travel with the file; long ones would make the manifest as large as the graph.
_GOLDEN_ELEMENTS: Final = 600
# All the adversarial requests of a file with a context; without one, a few random ones follow.
_N_GOLDEN: Final = 25
# Entries of histories that are checked with the rest of the graph: some megabytes.
_MOST_CHECKED: Final = 200_000
_METADATA_KEY: Final = "edgerec.manifest"
CHECKSUM: Final = "checksum"
"""key of a manifest, its last"""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    n_bytes: int
    parity: Parity
    cost: RoundingCost | None = None
    """what rounding and leaving out cost; None: the tables are whole"""
    n_mapped_bytes: int | None = None
    """of NAME.ort; None: it was not asked for"""
    shortlist: ShortlistFound | None = None
    """how the best of the catalogue are found, and what that misses"""


def export(
    ranker: Ranker,
    path: str | Path,
    progress: Progress,
    settings: ExportSettings = DEFAULT,
    exact: HeldOutAnswers | None = None,
) -> Exported:
    """Convert, prove parity, and only then write NAME.onnx and NAME.json.

    Where the settings ask for it, NAME.ort and NAME.required_operators.config stand beside them.
    `exact` is what `exact_answers` returned, where several files of one ranker are compared.

    Raises
    ------
    ConfigurationError
        `path` does not end in .onnx.
    StorageError
        A file cannot be written there.
    ParityError
        Graph and ranker disagree; nothing is written.
    PrecisionError
        Rounding costs more on held-out samples than `settings.max_loss`; nothing is written.
    OperatorError
        The graph needs an operator that is not pinned for the target; nothing is written.
    """
    trained, whole = ranker, aimed(ranker, settings)
    ranker = rounded(kept_of(whole, settings.kept), settings.precision)
    is_changed = ranker is not whole
    target = Path(path)
    if target.suffix != ".onnx" or not target.stem:
        raise ConfigurationError(
            f"The model file is to be {str(path)!r}, but its name must end in .onnx. "
            "Write for example models/movielens.onnx."
        )
    require_writable(target)
    found = _shortlist(ranker, trained, settings, progress)
    ranker = ranker.replaced(shortlist=found.shortlist)
    progress.stage("export")
    stable = stable_part(ranker, __version__, settings)
    stable["training"]["settings"] = settings_to_mapping(trained.settings)
    target.parent.mkdir(parents=True, exist_ok=True)

    def write(temporary: Path) -> None:
        temporary.write_bytes(graph_bytes(ranker, stable, settings))

    with written_beside(target, write) as temporary:
        progress.stage("parity")
        requests = parity_requests(ranker)
        # The session reads the file, so that the graph stands in memory once and not twice.
        session = GraphSession(temporary, ranker)
        parity, answers = check_parity(ranker, session, requests)
        cost = None
        if is_changed:
            progress.stage("cost of rounding")
            exact = exact or exact_answers(trained, settings)
            n_known = None if settings.without_users else settings.kept.n_known_each
            cost = rounding_cost(exact, held_out_answers(session, trained, n_known), trained)
            left_out = words(settings.kept)
            require_small_loss(cost, settings.max_loss, settings.precision, left_out)
        short = [
            (request, answer)
            for request, answer in zip(requests, answers, strict=True)
            if request.name != INFINITE and _n_elements(request, answer) <= _GOLDEN_ELEMENTS
        ][:_N_GOLDEN]
        files = {"graph": described_file(temporary, target.name)}
        if "item" in stable.get("id_hashes", {}):
            files |= write_ids(ranker.item_ids, target)
        if settings.writes_mapped:
            progress.stage("mapped form")
            files |= write_beside(temporary, target, ranker, settings.target, requests)
        described = manifest(
            target.stem,
            stable,
            files,
            parity,
            ranker.audit,
            golden(ranker, [one for one, _ in short], [one for _, one in short]),
            feature_names(ranker, settings),
            found,
            cost,
        )
    write_manifest(target.with_suffix(".json"), described)
    n_mapped = files["mapped"]["bytes"] if "mapped" in files else None
    return Exported(target, files["graph"]["bytes"], parity, cost, n_mapped, found)


def _shortlist(
    ranker: Ranker, trained: Ranker, settings: ExportSettings, progress: Progress
) -> ShortlistFound:
    """Learn which items are worth ranking where the best of the catalogue are asked for."""
    n_items = settings.n_shortlist
    if not pays(ranker, n_items):
        return not_needed(ranker, n_items)
    progress.stage("shortlist")
    session = GraphSession(graph_bytes(ranker, {}, settings), ranker)
    return find_shortlist(ranker, trained, session, n_items, settings.precision)


def exact_answers(trained: Ranker, settings: ExportSettings = DEFAULT) -> HeldOutAnswers:
    """Return what the file says of held-out samples if nothing is rounded or left out."""
    plain = dataclasses.replace(settings, precision="fp32", kept=KeptSettings(), deduplicate=False)
    whole = aimed(trained, plain)
    session = GraphSession(graph_bytes(whole, {}, plain), whole)
    return held_out_answers(session, trained)


def _n_elements(request: Request, answer: Answer) -> int:
    return len(request.item_ids) + len(request.history) + len(answer.scores)


def graph_bytes(
    ranker: Ranker, stable: Mapping[str, Any], settings: ExportSettings = DEFAULT
) -> bytes:
    """Return the serialised graph: the same ranker gives the same bytes."""
    model = _model(ranker, stable, settings)
    checked = model
    if len(ranker.known.rows) > _MOST_CHECKED:
        checked = _model(ranker.replaced(known=_newest_alone(ranker.known)), stable, settings)
    onnx.checker.check_model(checked, full_check=True)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _newest_alone(known: KnownHistories) -> KnownHistories:
    """Return histories of one entry, which make the same graph with small tables.

    The checker copies what it checks several times, and histories can be most of a file.
    """
    newest = int(known.times.argmax()) if len(known.times) else 0
    kept = slice(newest, newest + 1)
    return KnownHistories(
        np.zeros_like(known.offsets), known.rows[kept], known.values[kept], known.times[kept]
    )


def _model(ranker: Ranker, stable: Mapping[str, Any], settings: ExportSettings) -> onnx.ModelProto:
    model = to_graph(ranker, __version__, settings)
    require_pinned(operators_of(model.graph.node), settings.target, "The graph")
    helper.set_model_props(model, {_METADATA_KEY: json.dumps(stable, sort_keys=True)})
    return model


def write_manifest(path: Path, described: Mapping[str, Any]) -> None:
    """Write a manifest whole, and last in it the hash of all that stands before."""
    content = {key: one for key, one in described.items() if key != CHECKSUM}
    before = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    before = before.removesuffix("\n}") + ",\n"
    digest = hashlib.sha256(before.encode()).hexdigest()
    text = f'{before} "{CHECKSUM}": "{digest}"\n}}\n'
    replace_file(path, lambda temporary: temporary.write_bytes(text.encode()))


def add_metrics(model: str | Path, metrics: Mapping[str, Any]) -> None:
    """Append one evaluation to the manifest beside the file `model`; the graph stays as it is."""
    path = Path(model).with_suffix(".json")
    described = json.loads(path.read_text("utf-8"))
    kept = [one for one in described["metrics"] if one["protocol"] != metrics["protocol"]]
    write_manifest(path, {**described, "metrics": [*kept, dict(metrics)]})


def add_budget(model: str | Path, found: Mapping[str, Any]) -> None:
    """Put what a search for a budget found into the manifest beside the file `model`."""
    path = Path(model).with_suffix(".json")
    described = json.loads(path.read_text("utf-8"))
    write_manifest(path, {**described, "budget": dict(found)})
