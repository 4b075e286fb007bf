"""Puts the sections together: what was measured becomes a page."""

from collections import Counter

from edgerec.evaluate.intervals import Interval
from edgerec.report.budget import budget_section
from edgerec.report.content import Page, Tile
from edgerec.report.facts import (
    audit_section,
    curve_section,
    examples_section,
    file_section,
    training_section,
)
from edgerec.report.map import map_section
from edgerec.report.measured import Measured
from edgerec.report.nearness import next_items_section
from edgerec.report.quality import (
    calibration_section,
    importance_section,
    quality_section,
    ranking_section,
    segments_section,
)
from edgerec.report.words import count, figure, size


def page(measured: Measured, *, date: str = "") -> Page:
    """Return the page of a report.

    Parameters
    ----------
    date : str
        Stands at the foot where it is given. The page has no other date of its own, so that the
        same measurements give the same bytes.
    """
    found = [training_section(measured.manifest), curve_section(measured.manifest)]
    labels = measured.labels
    if labels is not None:
        found.append(quality_section(labels))
    if measured.ranking is not None:
        found.append(ranking_section(measured.ranking))
    if labels is not None:
        found += [calibration_section(labels), segments_section(labels), importance_section(labels)]
    if measured.next_items is not None:
        found.append(next_items_section(measured.next_items))
    if measured.item_map is not None:
        found.append(map_section(measured.item_map, measured.catalogue, measured.named))
    if measured.examples:
        found.append(examples_section(measured))
    manifest = measured.manifest
    found += [file_section(measured), budget_section(manifest), audit_section(measured)]
    foot = f"Written by edgeRec {manifest['edgerec_version']}. Every figure was computed through "
    foot += "the exported file."
    return Page(
        title=manifest["name"],
        lead=_lead(measured),
        tiles=tuple(_tiles(measured)),
        sections=tuple(section for section in found if section is not None),
        footer=f"{foot} {date}".strip(),
    )


def _lead(measured: Measured) -> str:
    manifest = measured.manifest
    catalogue, data = manifest["catalogue"], manifest["training_data"]
    lead = (
        f"A recommender of {count(catalogue['n_items'])} items, trained on "
        f"{count(data['n_samples'])} samples of {count(data['n_users'])} users, in one file "
        f"of {size(manifest['graph']['bytes'])}."
    )
    if measured.labels is None and measured.ranking is None:
        lead += " It was not evaluated: no rows were named that training did not see."
    return lead


def _tiles(measured: Measured) -> list[Tile]:
    tiles = []
    if measured.labels is not None:
        metrics = measured.labels.evaluation.metrics
        model = measured.labels.qualities["model"]
        tiles.append(Tile("AUC", figure(metrics.auc), _between(model.auc)))
        tiles.append(Tile("GAUC", figure(metrics.gauc), _between(model.gauc)))
        error = measured.labels.calibration.expected_error
        tiles.append(Tile("calibration error", figure(error)))
    if measured.ranking is not None:
        ndcg = measured.ranking.metrics["model"].interval("ndcg")
        tiles.append(Tile(f"NDCG@{measured.ranking.k}", figure(ndcg.mean), _between(ndcg)))
    tiles.append(Tile("file", size(measured.manifest["graph"]["bytes"])))
    for latency in measured.latencies[:1]:
        tiles.append(Tile("100 candidates", f"{latency.median_ms:.2f} ms", "one thread, here"))
    if measured.audit:
        n_passed = sum(one.outcome == "passed" for one in measured.audit)
        others = Counter(one.outcome for one in measured.audit if one.outcome != "passed")
        said = ", ".join(f"{n} {outcome}" for outcome, n in sorted(others.items()))
        tiles.append(Tile("leak audit", f"{n_passed} passed", said or "of as many checks"))
    return tiles


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{figure(interval.low)} to {figure(interval.high)}"
