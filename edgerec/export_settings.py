"""What an export is asked for: frozen, validated, one docstring under each field."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from edgerec.validation import require, require_numbers

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
Target = Literal["server", "board", "phone", "web"]
TARGETS: tuple[Target, ...] = ("server", "board", "phone", "web")
ItemVariance = Literal["direction", "item", "none"]
ITEM_VARIANCES: tuple[ItemVariance, ...] = ("direction", "item", "none")


@dataclass(frozen=True)
class KeptSettings:
    """How much of what was trained a file keeps. None: all of it, as by default."""

    n_history: int | None = None
    """newest items of a user that count; fewer are also compared, and known of each user"""
    n_known_each: int | None = None
    """newest interactions of each user that the file knows; a request can bring more"""
    n_embedding: int | None = None
    """directions of the items' embeddings: those of largest variance"""
    n_audience: int | None = None
    """directions of the items' audiences, likewise"""
    n_latent: int | None = None
    """learned directions of taste: those that tell users apart most"""
    n_content: int | None = None
    """directions of taste by the items' features: those of largest variance"""
    item_variance: ItemVariance = "direction"
    """how uncertain items are in their learned directions: a number for each "direction", one
    for each "item", their mean, or "none": as if they were known"""
    n_neighbours: int | None = None
    """item-item weights of each item: the largest"""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            least = 1 if name in ("n_history", "n_embedding", "n_audience", "n_neighbours") else 0
            value = getattr(self, name)
            if name != "item_variance":
                fits = value is None or (type(value) is int and value >= least)
                require(fits, self, name, f"None or an integer of at least {least}")
        expected = " or ".join(map(repr, ITEM_VARIANCES))
        require(self.item_variance in ITEM_VARIANCES, self, "item_variance", expected)


@dataclass(frozen=True)
class ExportSettings:
    """What the file is made for; what it answers is the same up to rounding."""

    n_encoded_ids: int = 200_000
    """sparse integer ids up to which a file has ONNX Runtime hash them at its start; more are
    found by a hash that stands in the file"""
    n_encoded_strings: int = 100_000
    """string ids up to which a file holds their text and is asked for it; of more, it holds and
    is given hashes, which device_runtime and the readers in JavaScript compute"""
    precision: Precision = "fp32"
    """how tables are stored. "fp32": as they were trained; "fp16": in half the bytes; "int8":
    vectors of items in a quarter, the rest in half"""
    target: Target = "server"
    """where the file will run. "phone" and "web": no user table, no user id and nobody's history
    is in it; the app passes the history that it keeps"""
    fold: bool = True
    """whether static rows that are wider than the network's first layer are stored as their
    products with it: exact, smaller and faster; narrower ones stay as they are"""
    n_shortlist: int = 1000
    """items that are ranked where the best few of a catalogue are asked for, a tenth of as many at
    most; a fifth of these items are ranked to find the others. The list is made longer where it
    would miss more than a hundredth of the ten best, and left out where the catalogue is not three
    times as long. 0: every item is ranked"""
    deduplicate: bool = False
    """whether rows that several items share are stored once: exact and far smaller, but some nodes
    more, which took a tenth of the time where it was measured"""
    kept: KeptSettings = field(default_factory=KeptSettings)
    """how much of what was trained the file keeps: less is smaller, faster and less exact"""
    max_loss: float = 0.001
    """of AUC or GAUC on held-out samples, that rounding and leaving out may cost at most"""

    mapped: bool | None = None
    """whether NAME.ort is written beside NAME.onnx: the same graph in the form that ONNX Runtime
    maps into memory without reading it. None: where the target is "board" or "phone" """

    def __post_init__(self) -> None:
        require_numbers(self)
        require(self.precision in PRECISIONS, self, "precision", " or ".join(map(repr, PRECISIONS)))
        require(self.target in TARGETS, self, "target", " or ".join(map(repr, TARGETS)))
        require(type(self.fold) is bool, self, "fold", "True or False")
        require(
            self.mapped is None or type(self.mapped) is bool, self, "mapped", "None, True or False"
        )
        require(type(self.deduplicate) is bool, self, "deduplicate", "True or False")
        require(self.max_loss >= 0, self, "max_loss", "at least 0")
        require(
            self.n_shortlist == 0 or self.n_shortlist >= 10,
            self,
            "n_shortlist",
            "0, or 10 and more",
        )
        require(self.n_encoded_ids >= 0, self, "n_encoded_ids", "at least 0")
        require(self.n_encoded_strings >= 0, self, "n_encoded_strings", "at least 0")

    @property
    def without_users(self) -> bool:
        """Whether the file is to hold nothing of any user."""
        return self.target in ("phone", "web")

    @property
    def writes_mapped(self) -> bool:
        """Whether NAME.ort is written too."""
        return self.target in ("board", "phone") if self.mapped is None else self.mapped


def export_settings_from_mapping(mapping: Mapping[str, Any]) -> ExportSettings:
    """Return the settings that a manifest names under `export`; what it does not name is default.

    >>> export_settings_from_mapping({"precision": "fp16", "kept": {"n_history": 9}}).kept.n_history
    9
    """
    known = {one.name for one in fields(ExportSettings)}
    plain = {name: value for name, value in mapping.items() if name in known}
    kept = KeptSettings(**(plain.pop("kept", None) or {}))
    return ExportSettings(kept=kept, **plain)
