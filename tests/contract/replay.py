"""Replays the golden requests of bundles, by docs/bundle-format.md alone.

Run `python tests/contract/replay.py BUNDLE.onnx …`. Needs numpy and onnxruntime, neither edgerec
nor device_runtime, so that any version of ONNX Runtime can be asked; and no Python newer than 3.8.
Prints one JSON object per bundle and ends with 1 if an answer is further than the tolerance from
the manifest's.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime

DTYPES = {"int64": np.int64, "string": object, "float32": np.float32, "bool": np.bool_}
PADDING = {"int64": -(2**63), "string": ""}
OUTPUTS = ("scores", "known", "top_positions", "top_ids", "top_scores")


class Different(Exception):
    """An answer differs in more than rounding."""


def tensor(elements, kind):
    """Read a tensor: int64 stands as decimal strings, NaN as null."""
    if kind == "int64":
        return np.array([int(element) for element in elements], np.int64)
    if kind == "float32":
        return np.array([np.nan if one is None else one for one in elements], np.float32)
    return np.array(elements, DTYPES[kind])


def replay(path):
    """Run every golden request of one bundle and return what was found."""
    manifest = json.loads(path.with_suffix(".json").read_text("utf-8"))
    input_types = {one["name"]: one["type"] for one in manifest["inputs"]}
    types = {one["name"]: one["type"] for one in manifest["outputs"]}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(feeds):
        return dict(zip(OUTPUTS, session.run(list(OUTPUTS), feeds)))  # noqa: B905

    neutral = {one["name"]: tensor(one["neutral"], one["type"]) for one in manifest["inputs"]}
    by_position = run(neutral)
    catalogue = np.empty(len(by_position["top_ids"]), by_position["top_ids"].dtype)
    catalogue[by_position["top_positions"]] = by_position["top_ids"]
    padding = PADDING[input_types["item_ids"]]
    largest = 0.0
    for request in manifest["golden"]:
        feeds = {name: tensor(request["inputs"][name], kind) for name, kind in input_types.items()}
        wanted = {name: tensor(request["outputs"][name], types[name]) for name in OUTPUTS}
        found = run(feeds)
        candidates = feeds["item_ids"][feeds["item_ids"] != padding]
        if not len(candidates):
            candidates = catalogue
        excluded = set(feeds["exclude"].tolist()) - {padding}
        try:
            largest = max(largest, distance(wanted, found, candidates, excluded))
        except Different as error:
            raise Different("{}: {}".format(request["name"], error)) from None
    return {
        "bundle": path.name,
        "onnxruntime": onnxruntime.__version__,
        "n_requests": len(manifest["golden"]),
        "largest_difference": largest,
    }


def distance(wanted, found, candidates, excluded):
    """Return the largest difference of scores; rankings are compared through them."""
    for name in OUTPUTS:
        if wanted[name].shape != found[name].shape:
            raise Different(f"{name} has shape {found[name].shape}, not {wanted[name].shape}")
        if wanted[name].dtype != found[name].dtype:
            raise Different(f"{name} is of {found[name].dtype}, not {wanted[name].dtype}")
    if (wanted["known"] != found["known"]).any():
        raise Different("known differs")
    positions, ids = found["top_positions"], found["top_ids"]
    if len(set(positions.tolist())) != len(positions):
        raise Different("top_positions has one position twice")
    if (candidates[positions] != ids).any():
        raise Different("top_ids are not those at top_positions")
    if set(ids.tolist()) & excluded:
        raise Different("top_ids has an excluded item")
    pairs = [(wanted["scores"], found["scores"]), (wanted["top_scores"], found["top_scores"])]
    # Where a catalogue's best were asked for, the lists may stand alone.
    if len(found["scores"]):
        pairs.append((found["scores"][positions], found["top_scores"]))
    largest = max(float(np.abs(left - right).max(initial=0)) for left, right in pairs)
    if not largest <= 1:
        raise Different("a score is not finite")
    return largest


def main():
    """Replay the bundles that are named."""
    arguments = argparse.ArgumentParser(description="Replay golden requests.")
    arguments.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE.onnx")
    arguments.add_argument("--tolerance", type=float, default=1e-5)
    options = arguments.parse_args()
    code = 0
    for path in options.bundles:
        try:
            found = replay(path)
        except Different as error:
            found = {"bundle": path.name, "error": str(error), "largest_difference": None}
        print(json.dumps(found))
        if found["largest_difference"] is None or found["largest_difference"] > options.tolerance:
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
