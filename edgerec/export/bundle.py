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

from edgerec.config import ExportSettings
from edgerec.errors import ConfigurationError
from edgerec.export.cost import RoundingCost, require_small_loss, rounding_cost
from edgerec.export.manifest import DEFAULT, golden, manifest, stable_part
from edgerec.export.parity import INFINITE, GraphSession, Parity, check_parity, parity_requests
from edgerec.export.rounding import rounded
from edgerec.export.target import aimed
from edgerec.features.tables import KnownHistories
from edgerec.files import replace_file, require_writable, written_beside
from edgerec.graph.convert import feature_names, to_graph
from edgerec.progress import Progress
from edgerec.schema import Answer, Request
from edgerec.train.ranker import Ranker
from edgerec.version import __version__

# Golden requests travel with the file; long ones would make the manifest as large as the graph.
_GOLDEN_ELEMENTS: Final = 600
_N_GOLDEN: Final = 20
_METADATA_KEY: Final = "edgerec.manifest"


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    n_bytes: int
    parity: Parity
    cost: RoundingCost | None = None
    """what rounding the tables cost; None: they are whole"""


def export(
    ranker: Ranker,
    path: str | Path,
    progress: Progress,
    settings: ExportSettings = DEFAULT,
) -> Exported:
    """Convert, prove parity, and only then write NAME.onnx and NAME.json.

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
    """
    trained, whole = ranker, aimed(ranker, settings)
    ranker = rounded(whole, settings.precision)
    target = Path(path)
    if target.suffix != ".onnx" or not target.stem:
        raise ConfigurationError(
            f"The model file is to be {str(path)!r}, but its name must end in .onnx. "
            "Write for example models/movielens.onnx."
        )
    require_writable(target)
    progress.stage("export")
    stable = stable_part(ranker, __version__, settings)
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
        if ranker is not whole:
            cost = _cost(trained, whole, session, settings, progress)
        short = [
            (request, answer)
            for request, answer in zip(requests, answers, strict=True)
            if request.name != INFINITE and _n_elements(request, answer) <= _GOLDEN_ELEMENTS
        ][:_N_GOLDEN]
        n_bytes = temporary.stat().st_size
        described = manifest(
            target.stem,
            stable,
            {"file": target.name, "bytes": n_bytes, "sha256": _digest(temporary)},
            parity,
            ranker.audit,
            golden(ranker, [one for one, _ in short], [one for _, one in short]),
            feature_names(ranker, settings),
            cost,
        )
    write_manifest(target.with_suffix(".json"), described)
    return Exported(target, n_bytes, parity, cost)


def _cost(
    trained: Ranker,
    whole: Ranker,
    session: GraphSession,
    settings: ExportSettings,
    progress: Progress,
) -> RoundingCost:
    """Measure what rounding cost, and refuse where that is too much."""
    progress.stage("cost of rounding")
    exact = GraphSession(
        graph_bytes(whole, {}, dataclasses.replace(settings, precision="fp32")), whole
    )
    cost = rounding_cost(exact, session, trained)
    require_small_loss(cost, settings.max_loss, settings.precision)
    return cost


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _n_elements(request: Request, answer: Answer) -> int:
    return len(request.item_ids) + len(request.history) + len(answer.scores)


def graph_bytes(
    ranker: Ranker, stable: Mapping[str, Any], settings: ExportSettings = DEFAULT
) -> bytes:
    """Return the serialised graph: the same ranker gives the same bytes."""
    onnx.checker.check_model(
        _model(ranker.replaced(known=_newest_alone(ranker.known)), stable, settings),
        full_check=True,
    )
    serialised: bytes = _model(ranker, stable, settings).SerializeToString(deterministic=True)
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
    helper.set_model_props(model, {_METADATA_KEY: json.dumps(stable, sort_keys=True)})
    return model


def write_manifest(path: Path, described: Mapping[str, Any]) -> None:
    """Write a manifest whole."""
    text = json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False)
    replace_file(path, lambda temporary: temporary.write_text(text + "\n", "utf-8"))


def add_metrics(model: str | Path, metrics: Mapping[str, Any]) -> None:
    """Append one evaluation to the manifest beside the file `model`; the graph stays as it is."""
    path = Path(model).with_suffix(".json")
    described = json.loads(path.read_text("utf-8"))
    kept = [one for one in described["metrics"] if one["protocol"] != metrics["protocol"]]
    write_manifest(path, {**described, "metrics": [*kept, dict(metrics)]})
