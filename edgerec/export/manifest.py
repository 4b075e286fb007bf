"""The manifest: what stands beside the graph. `docs/bundle-format.md` is it in words."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import settings_to_mapping
from edgerec.export.cost import RoundingCost
from edgerec.export.parity import Parity
from edgerec.export.shortlist import ShortlistFound
from edgerec.export_settings import ExportSettings
from edgerec.graph.convert import id_maps
from edgerec.graph.idmaps import FUNCTION, IdMap
from edgerec.schema import (
    FORMAT_VERSION,
    IR_VERSION,
    OPSET,
    OPSET_ML,
    Answer,
    Request,
    TensorSpecification,
    input_specifications,
    output_specifications,
)
from edgerec.training.ranker import Ranker

DEFAULT: Final = ExportSettings()


def json_elements(values: NDArray[Any] | Sequence[Any]) -> list[Any]:
    """Return tensor elements as JSON: int64 as decimal strings, NaN as null.

    >>> json_elements(np.array([2**62])), json_elements(np.array([0.5, np.nan], np.float32))
    (['4611686018427387904'], [0.5, None])
    """
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return [str(value) for value in array.tolist()]
    if array.dtype.kind == "f":
        return [_json_float(float(value)) for value in array]
    return list(array.tolist())


def _json_float(value: float) -> float | None:
    return None if math.isnan(value) else value


def _specification(one: TensorSpecification) -> dict[str, Any]:
    described: dict[str, Any] = {"name": one.name, "type": one.type, "shape": list(one.shape)}
    if one.neutral is not None:
        described["neutral"] = json_elements(list(one.neutral)) if one.neutral else []
    return described


def stable_part(ranker: Ranker, version: str, settings: ExportSettings = DEFAULT) -> dict[str, Any]:
    """Return what depends on data, settings and seed alone: it stands in the graph too."""
    facts, maps = ranker.facts, id_maps(ranker, settings)
    context = ranker.tables.context
    n_added = len(ranker.added_items)
    best = facts.epochs[facts.best_epoch - 1]["held_out_auc"] if facts.best_epoch else math.nan
    held_out = (
        "samples of held-out users; they chose the epoch, so this is no test: run `edgerec "
        "evaluate` on rows that training never saw"
    )
    return {
        "format_version": FORMAT_VERSION,
        "edgerec_version": version,
        "id_types": {"user": ranker.user_id_type, "item": ranker.item_id_type},
        "id_maps": {role: {"kind": one.kind, "why": one.why} for role, one in maps.items()},
        **_hashes(maps),
        "export": _of_the_graph(settings),
        "inputs": [
            _specification(one)
            for one in input_specifications(
                maps["user"].id_type, maps["item"].id_type, context.defaults.tolist()
            )
        ],
        "outputs": [_specification(one) for one in output_specifications(maps["item"].id_type)],
        **({"context": list(context.names)} if len(context) else {}),
        "n_history": ranker.settings.n_history,
        "history_until": facts.last_timestamp,
        "label": None
        if ranker.tables.label_above is None
        else {"above": ranker.tables.label_above},
        "event_values": facts.event_values,
        "catalogue": {
            **({"n_added_items": n_added} if n_added else {}),
            "n_users": len(ranker.user_ids),
            "n_items": len(ranker.item_ids),
        },
        "training_data": {
            "n_samples": facts.n_samples,
            "n_interactions": facts.n_interactions,
            "n_users": facts.n_users,
            "first_timestamp": facts.first_timestamp,
            "last_timestamp": facts.last_timestamp,
            "sha256": facts.fingerprint,
        },
        "training": {
            "settings": settings_to_mapping(ranker.settings),
            "epochs": [_json_float(one["held_out_auc"]) for one in facts.epochs],
            "best_epoch": facts.best_epoch,
            "held_out": {"protocol": held_out, "auc": _json_float(best)},
        },
    }


def _hashes(maps: Mapping[str, IdMap]) -> dict[str, Any]:
    """Return which ids a reader hashes, and how; nothing where it passes all as they are."""
    hashed = {
        role: {"function": FUNCTION, "seed": one.seed, "n_ids": len(one.ids), "n_collisions": 0}
        for role, one in maps.items()
        if one.seed is not None
    }
    return {"id_hashes": hashed} if hashed else {}


def _of_the_graph(settings: ExportSettings) -> dict[str, Any]:
    """Return the settings that change the graph: it is the same with an .ort file beside it."""
    return {name: one for name, one in dataclasses.asdict(settings).items() if name != "mapped"}


def golden(
    ranker: Ranker, requests: Sequence[Request], answers: Sequence[Answer]
) -> list[dict[str, Any]]:
    """Return requests with their answers, for readers to check themselves by."""
    types = ranker.user_id_type, ranker.item_id_type
    return [
        {
            "name": request.name,
            "inputs": {
                name: json_elements(tensor) for name, tensor in request.tensors(*types).items()
            },
            "outputs": {
                field.name: json_elements(getattr(answer, field.name))
                for field in dataclasses.fields(answer)
            },
        }
        for request, answer in zip(requests, answers, strict=True)
    ]


def manifest(
    name: str,
    stable: dict[str, Any],
    files: Mapping[str, dict[str, Any]],
    parity: Parity,
    audit: Sequence[dict[str, str]],
    golden_requests: list[dict[str, Any]],
    features: Sequence[str],
    shortlist: ShortlistFound,
    cost: RoundingCost | None,
) -> dict[str, Any]:
    """Return the whole manifest; `files` describes "graph" and what else stands beside it."""
    return {
        **stable,
        **files,
        "name": name,
        "graph": {
            **files["graph"],
            "opset": OPSET,
            "ai_onnx_ml": OPSET_ML,
            "ir_version": IR_VERSION,
        },
        "parity": dataclasses.asdict(parity),
        "audit": list(audit),
        "metrics": [],
        "features": list(features),
        "shortlist": shortlist.plain(),
        **({} if cost is None else {"rounding": cost.plain()}),
        "golden": golden_requests,
    }
