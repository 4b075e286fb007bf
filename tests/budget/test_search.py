"""A budget that is met, one that is not, and what is said of both."""

import dataclasses
import json
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from device_runtime.scorer import Scorer
from edgerec.budget import Budget, search, write_chosen
from edgerec.budget.again import narrower
from edgerec.budget.bounds import Point, missed
from edgerec.budget.described import described
from edgerec.budget.measuring import Glance, retrained
from edgerec.budget.space import knobs, said_of, settings_at
from edgerec.errors import BudgetError, ConfigurationError
from edgerec.export.bundle import graph_bytes
from edgerec.export.cost import Quality, RoundingCost
from edgerec.export.footprint import resident_bytes
from edgerec.export.parity import parity_requests
from edgerec.export_settings import ExportSettings, KeptSettings
from edgerec.progress import Silent
from edgerec.report.assemble import page
from edgerec.report.measured import measure
from edgerec.report.page import html
from tests.trained import SETTINGS, generated_model, neighbours_model, wide_model


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Ask fewer requests for parity than a file that ships, and start no process a point."""
    monkeypatch.setattr(
        "edgerec.export.bundle.parity_requests", lambda ranker: parity_requests(ranker, 30)
    )
    monkeypatch.setattr("edgerec.budget.measuring.resident_bytes", lambda path: 70_000_000)


class Said(Silent):
    """Keeps what is said, and interrupts at one file if asked."""

    def __init__(self, interrupt_at: str = "never") -> None:
        self.said: list[str] = []
        self._interrupt_at = interrupt_at

    def message(self, text: str) -> None:
        self.said.append(text)
        if text.startswith(self._interrupt_at):
            raise KeyboardInterrupt


class Hill:
    """Files whose size, time and loss are known: knobs multiply, and losses add up."""

    SIZES: ClassVar = {"deduplicate": 0.5, "precision": 0.5, "n_history": 0.9, "n_embedding": 0.7}
    LOSSES: ClassVar = {
        "deduplicate": (0, 0),
        "precision": (0, 0, 3e-4),
        "n_history": (0, 1e-3, 2e-3, 4e-3),
        "n_embedding": (0, 2e-4, 6e-4),
    }

    def __init__(self, ranker, settings, folder) -> None:
        self._knobs = knobs(ranker, settings)

    def _place(self, settings):
        flat = {**vars(settings), **vars(settings.kept)}
        return {name: self._knobs[name].index(flat[name]) for name in self._knobs}

    def _measured(self, settings):
        n_bytes, ms, loss = 8e6, 1.0, 0.0
        for name, notch in self._place(settings).items():
            n_bytes *= self.SIZES.get(name, 0.99) ** notch
            ms *= {"deduplicate": 1.1, "n_history": 0.7}.get(name, 1.0) ** notch
            loss += self.LOSSES.get(name, (0, 1e-2, 2e-2, 3e-2))[notch]
        return round(n_bytes), ms, loss

    def glance(self, settings):
        n_bytes, ms, loss = self._measured(settings)
        return Glance(said_of(settings), n_bytes, ms, loss, 1 - loss)

    def point(self, ranker, settings):
        n_bytes, ms, loss = self._measured(settings)
        cost = RoundingCost(Quality(0.8, 0.7), Quality(0.8 - loss, 0.7), 1 - loss, 100, 5)
        what = said_of(settings)
        return Point(settings, ranker.settings, what, n_bytes, ms, 66_000_000 + n_bytes, cost)


@pytest.fixture
def hill(monkeypatch):
    monkeypatch.setattr("edgerec.budget.walk.Measuring", Hill)
    return stub(dataclasses.replace(SETTINGS, n_history=80))


def stub(settings):
    """Return what a search sees of a ranker, which is not much."""
    taste = SimpleNamespace(content=np.zeros((9, 8)), latent=np.zeros((1, 2, 9, 6)))
    tables = SimpleNamespace(
        embedding=np.zeros((1, 9, 8)), audience=np.zeros((1, 9, 24)), taste=taste, neighbours=None
    )
    return SimpleNamespace(
        settings=settings,
        tables=tables,
        known=SimpleNamespace(rows=np.zeros(5)),
        held_out=SimpleNamespace(label=np.zeros(100)),
    )


def test_a_budget_is_met_by_the_file_that_loses_least(hill):
    frontier = search(hill, Budget(n_bytes=2.1e6))
    # Both cost nothing; what costs is left alone.
    assert frontier.require_chosen().what == "fp16, shared rows once"
    assert frontier.require_chosen().n_bytes == 2_000_000
    smaller = search(hill, Budget(n_bytes=1.5e6))
    assert smaller.require_chosen().what == "fp16, shared rows once, 4 embedding directions"
    best = smaller.best()
    assert [one.n_bytes for one in best] == sorted((one.n_bytes for one in best), reverse=True)
    assert smaller.chosen in best
    assert search(hill, Budget(n_bytes=9e6)).points[0].what == "fp32"


def test_what_the_budget_does_not_need_is_turned_back(hill):
    # int8 is the next cheapest step after the vectors; with it the vectors can be whole again.
    frontier = search(hill, Budget(n_bytes=1.0e6))
    chosen = frontier.require_chosen()
    assert chosen.loss == min(one.loss for one in frontier.points if one.n_bytes <= 1.0e6)


def test_time_and_memory_are_bounds_too(hill):
    settings = ExportSettings(max_loss=0.05)
    faster = search(hill, Budget(ms=0.75), settings).require_chosen()
    assert faster.ms <= 0.75 and "items of history" in faster.what
    lighter = search(hill, Budget(resident_bytes=70e6), settings).require_chosen()
    assert lighter.resident_bytes <= 70e6


def test_memory_that_nobody_knows_is_no_bound(hill, monkeypatch):
    known = Hill.point
    monkeypatch.setattr(
        Hill,
        "point",
        lambda *asked: dataclasses.replace(known(*asked), resident_bytes=None),
    )
    assert search(hill, Budget(n_bytes=9e6)).chosen is not None
    with pytest.raises(ConfigurationError, match="does not say how much memory"):
        search(hill, Budget(resident_bytes=9e6))


def test_a_budget_that_cannot_be_met_says_by_how_much_and_writes_nothing(hill, tmp_path):
    frontier = search(hill, Budget(n_bytes=5e5))
    assert frontier.chosen is None
    with pytest.raises(
        BudgetError,
        match=r"No file meets the budget, so none was written\. Of \d+ that were exported the "
        r"nearest \(int8, .*; 0\.\d+ of AUC or GAUC lost; at most 0\.001 is allowed\) misses it: "
        r"size \d+\.\d KB is \d+\.\d KB \(\d+%\) above 500\.0 KB\. Raise the bounds",
    ):
        write_chosen(frontier, hill, tmp_path / "x.onnx", Silent())
    assert list(tmp_path.iterdir()) == []
    assert described(frontier)["points"][0]["is_chosen"] is False


def test_a_loss_above_what_is_allowed_meets_no_budget(hill):
    frontier = search(hill, Budget(n_bytes=2.1e6))
    lossy = [_losing(one, 0.01) for one in frontier.points if one.n_bytes <= 2.1e6]
    spoiled = dataclasses.replace(frontier, chosen=None, points=(frontier.points[0], *lossy))
    with pytest.raises(BudgetError, match=r"or allow a loss of 0\.01000 \(--max-loss\)"):
        spoiled.require_chosen()


def test_an_interrupt_keeps_what_was_found(hill):
    said = Said("file 1")
    assert search(hill, Budget(n_bytes=9e6), progress=said).require_chosen().what == "fp32"
    assert said.said[-1].startswith("interrupted; of what was tried")
    with pytest.raises(KeyboardInterrupt):
        search(hill, Budget(n_bytes=10), progress=Said("file 2"))


def test_trained_again_a_narrower_ranker_walks_the_path_too(hill):
    settings = dataclasses.replace(
        hill.settings, network=dataclasses.replace(hill.settings.network, hidden_layer_sizes=(6,))
    )
    narrow = stub(settings)
    frontier = search(hill, Budget(n_bytes=2.1e6), again=[lambda: narrow])
    assert frontier.rankers
    assert all(frontier.points[at].trained == settings for at in frontier.rankers)
    assert retrained(hill.settings, settings) == ["trained again with layers of 6"]
    assert narrower(hill.settings)[0] == settings


def test_the_file_is_written_and_tells_of_the_search(tmp_path, monkeypatch):
    ranker = wide_model().ranker
    chosen = {"precision": ["fp32", "fp16"], "n_history": [None, 4]}
    monkeypatch.setattr("edgerec.budget.walk.knobs", lambda ranker, settings: chosen)
    most = 0.8 * len(graph_bytes(ranker, {}))
    frontier = search(ranker, Budget(n_bytes=most), ExportSettings(max_loss=1.0))
    path = tmp_path / "small.onnx"
    exported = write_chosen(frontier, ranker, path, Silent())
    assert exported.n_bytes == frontier.require_chosen().n_bytes <= most
    Scorer.from_path(path).run_golden()
    manifest = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert manifest["budget"]["bounds"] == {"n_bytes": most}
    (own,) = [one for one in manifest["budget"]["points"] if one["is_chosen"]]
    assert own["bytes"] == exported.n_bytes
    text = html(page(measure(path, None, with_times=False)))
    assert "What a smaller file costs" in text
    assert "Asked for: a file of at most" in text
    assert "Each step by itself" in text


def _losing(point: Point, loss: float) -> Point:
    cost = RoundingCost(Quality(0.8, 0.7), Quality(0.8 - loss, 0.7), 0.9, 100, 5)
    return dataclasses.replace(point, cost=cost)


def test_every_knob_of_a_ranker_is_turned_and_said():
    ranker = neighbours_model().ranker
    found = knobs(ranker, ExportSettings())
    assert found["n_neighbours"] == [None, 2]
    assert "n_known_each" not in found  # histories of 8 have no half of 10
    little = settings_at(ExportSettings(), found, {name: len(found[name]) - 1 for name in found})
    assert little.precision == "int8" and little.deduplicate
    assert said_of(little).startswith("int8, shared rows once, ")
    assert "n_known_each" not in knobs(ranker, ExportSettings(target="phone"))
    begun = knobs(ranker, ExportSettings(precision="int8", deduplicate=True))
    assert "precision" not in begun and "deduplicate" not in begun


def test_bounds_are_above_nothing_and_misses_are_said():
    with pytest.raises(ConfigurationError, match="The bound of size is -1; it must be above 0"):
        Budget(n_bytes=-1)
    point = Point(ExportSettings(), SETTINGS, "x", 4_000_000, 2.0, 9, None)
    budget = Budget(3e6, 1.0, 100e6)
    assert missed(budget, point) == (
        "size 4.00 MB is 1.00 MB (33%) above 3.00 MB, time 2.00 ms is 1.00 ms (100%) above 1.00 ms"
    )
    assert budget.excess_share(point) == 1.0


def test_a_fresh_process_holds_the_runtime_and_the_file(tmp_path):
    path = generated_model().export(tmp_path / "model.onnx").path
    found = resident_bytes(path)
    assert found is None or 20e6 < found < 1e9


def test_a_file_with_little_of_everything_is_its_ranker(tmp_path):
    kept = KeptSettings(
        n_history=5,
        n_known_each=3,
        n_embedding=3,
        n_audience=2,
        n_latent=2,
        n_content=2,
        item_variance="item",
        n_neighbours=2,
    )
    for one in (kept, dataclasses.replace(kept, item_variance="none", n_latent=0, n_content=0)):
        settings = ExportSettings(precision="int8", kept=one, deduplicate=True, max_loss=1.0)
        exported = neighbours_model().export(tmp_path / "little.onnx", settings=settings)
        assert exported.parity.max_abs_difference <= 1e-5
        assert exported.cost is not None and 0 < exported.cost.top_10_overlap <= 1
        manifest = json.loads((tmp_path / "little.json").read_text("utf-8"))
        assert manifest["n_history"] == 5
        assert manifest["training"]["settings"]["n_history"] == 8
        assert manifest["export"]["kept"]["n_latent"] == one.n_latent
