"""Sections on what was trained and what was written: data, learning curve, file, audit, people."""

import math
from collections.abc import Mapping
from typing import Any

from edgerec.evaluate.examples import ExampleUser, Recommended
from edgerec.recsys import Id
from edgerec.report.content import (
    Block,
    Cell,
    Checks,
    Facts,
    Figure,
    LineChart,
    ListedItem,
    Lists,
    Point,
    Section,
    Table,
    Text,
)
from edgerec.report.measured import Measured
from edgerec.report.words import count, day, figure, size


def training_section(manifest: Mapping[str, Any]) -> Section:
    """Return what was trained on what, and how."""
    data, catalogue = manifest["training_data"], manifest["catalogue"]
    settings = manifest["training"]["settings"]
    label = manifest["label"]
    rule = "as the samples say" if label is None else f"value above {label['above']:g}"
    n_users, n_items = count(data["n_users"]), count(catalogue["n_items"])
    return Section(
        "training",
        "What was trained on what",
        "The model learned from these rows and no others. The same rows, settings and seed give "
        "the same file.",
        (
            Facts(
                "Training data",
                (
                    ("samples", count(data["n_samples"])),
                    ("interactions", count(data["n_interactions"])),
                    (
                        "users, items",
                        f"{n_users}, {n_items}",
                    ),
                    ("from, to", f"{day(data['first_timestamp'])}, {day(data['last_timestamp'])}"),
                    ("label 1", rule),
                    ("fingerprint", data["sha256"]),
                ),
            ),
            Facts("Settings", tuple(_flat(settings))),
        ),
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            rows.append((f"{prefix}{name}", ", ".join(str(one) for one in value)))
        else:
            rows.append(
                (f"{prefix}{name}", f"{value:g}" if isinstance(value, float) else str(value))
            )
    return rows


def curve_section(manifest: Mapping[str, Any]) -> Section | None:
    """Return the held-out AUC of each epoch; None where no user could be held out."""
    training = manifest["training"]
    points = [
        Point(number, value, is_marked=number == training["best_epoch"])
        for number, value in enumerate(training["epochs"], 1)
        if value is not None and not math.isnan(value)
    ]
    if not points:
        return None
    best = training["best_epoch"]
    said = f"epoch {best} of {len(training['epochs'])} is kept"
    return Section(
        "curve",
        "Learning curve",
        "After each pass over the samples the model is measured on users who were held out. It "
        "keeps the weights of the latest epoch that is as good as any, but for chance, so this is "
        "no test: the test is below.",
        (
            Figure(
                f"Held-out AUC after each epoch; {said} (diamond).",
                f"Line of the held-out AUC by epoch, from {points[0].y:.4f} to "
                f"{points[-1].y:.4f}; {said}.",
                LineChart("epoch", "held-out AUC", tuple(points)),
            ),
        ),
    )


def examples_section(measured: Measured) -> Section:
    """Return users with their histories and what they are recommended."""
    rule = measured.manifest["label"]
    # Without a rule, or above 0, a row says that the item was taken and not how it was liked.
    taken = rule is None or rule["above"] == 0
    became = {
        1.0: "taken later" if taken else "liked later",
        0.0: "not taken" if taken else "met later, not liked",
    }
    return Section(
        "examples",
        "Users, for example",
        "Chosen at random among test users, from short to long histories; not the best ones. Each "
        "list is the top of the whole catalogue at that moment, without what the history holds.",
        tuple(
            _example(one, measured.titles, became, "Taken" if taken else "Liked")
            for one in measured.examples
        ),
    )


def _example(
    user: ExampleUser, titles: Mapping[Id, str], became: Mapping[float, str], did: str
) -> Lists:
    def item(place: Recommended) -> ListedItem:
        mark = became[1.0] if place.became == 1 else ""
        detail = figure(place.score)
        if place.became == 0:
            detail += f", {became[0.0]}"
        return ListedItem(_title(place.item_id, titles), detail, mark)

    hits = sum(one.became == 1 for one in user.recommended)
    return Lists(
        f"User {user.user_id}",
        f"On {day(user.as_of)}: {_items(user.n_history)} of history. {did} from then on: "
        f"{_items(user.n_liked_later)}, {count(hits)} of them in the list.",
        (
            (
                "Newest in the history",
                tuple(
                    ListedItem(_title(id_, titles), "" if value is None else f"{value:g}")
                    for id_, value in user.newest
                ),
            ),
            ("Recommended, with score", tuple(item(one) for one in user.recommended)),
        ),
    )


def _title(item_id: Id, titles: Mapping[Id, str]) -> str:
    return titles.get(item_id, f"item {item_id}")


def file_section(measured: Measured) -> Section:
    """Return what the file costs a device, and how near it is to what training computed."""
    manifest, parity = measured.manifest, measured.manifest["parity"]
    graph = manifest["graph"]
    n_bytes = graph["bytes"]
    blocks: list[Block] = [
        Facts(
            "The file",
            (
                ("size", size(n_bytes)),
                (
                    "parity with training",
                    (
                        f"{parity['max_abs_difference']:.1e} at most over {parity['n_requests']} "
                        f"requests; {parity['tolerance']:g} is allowed"
                    ),
                ),
                ("best of the catalogue", _shortlist(manifest)),
                ("format version", str(manifest["format_version"])),
                ("written by", f"edgeRec {manifest['edgerec_version']}"),
                ("SHA-256", graph["sha256"]),
            ),
        ),
        Table(
            "What the bytes are spent on",
            ("", "size"),
            tuple(
                (Cell(name), Cell(size(part), share=part / n_bytes))
                for name, part in measured.sizes.items()
            ),
        ),
    ]
    if measured.latencies:
        blocks.append(
            Table(
                "Time of one call, one thread of the machine that wrote this",
                ("", "median", "95 of 100 within"),
                tuple(
                    (Cell(one.what), Cell(f"{one.median_ms:.2f} ms"), Cell(f"{one.slow_ms:.2f} ms"))
                    for one in measured.latencies
                ),
                "Measure on your own device: python -m device_runtime serves the file there.",
            )
        )
    return Section(
        "file",
        "What it costs a device",
        "One file, one thread. Before it was written, the graph and training answered the same "
        "requests; parity is the largest difference.",
        tuple(blocks),
    )


def _shortlist(manifest: Mapping[str, Any]) -> str:
    """Return how the best of the catalogue are found, and what that misses."""
    found = manifest.get("shortlist", {"n_items": 0})
    if not found["n_items"]:
        return "every item is ranked"
    return (
        f"for up to {found['largest_k']}, a list of {found['n_items']:,} items is found by coarse "
        f"scores and ranked; {found['recall_at_10']:.1%} of the ten best of all stand in it "
        f"({found['n_users']} users)"
    )


def audit_section(measured: Measured) -> Section:
    """Return what the leak audit found."""
    block: Block
    if not measured.audit:
        block = Text(
            "No audit stands beside this file. Figures are only as honest as the rows: make sure "
            "that training saw none of the test rows."
        )
    else:
        block = Checks("Checked before training", measured.audit)
    return Section(
        "audit",
        "Leak audit",
        "A leak is knowledge of the answer that the model will not have on a device. With one, all "
        "figures above are too good.",
        (block,),
    )


def _items(n: int) -> str:
    return "1 item" if n == 1 else f"{count(n)} items"
