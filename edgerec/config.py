"""Settings: frozen, validated, one docstring under each field.

`train(rec_sys, settings=TrainSettings(embedding=EmbeddingSettings(embedding_dim=16)))`
changes what it names and keeps the rest.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from edgerec.errors import ConfigurationError

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
Target = Literal["server", "board", "phone", "web"]
TARGETS: tuple[Target, ...] = ("server", "board", "phone", "web")
OBJECTIVES = ("samples", "top")
ItemVariance = Literal["direction", "item", "none"]
ITEM_VARIANCES: tuple[ItemVariance, ...] = ("direction", "item", "none")


def _require(condition: bool, settings: object, name: str, expected: str) -> None:
    if not condition:
        came = getattr(settings, name)
        raise ConfigurationError(
            f"{type(settings).__name__}.{name} must be {expected}, but is {came!r}. "
            f"Pass {name}=… with such a value."
        )


def _require_numbers(settings: object) -> None:
    """Refuse 1.5 or True where a count is meant, before it fails deep inside."""
    for name, value in vars(settings).items():
        default = type(settings).__dataclass_fields__[name].default  # type: ignore[attr-defined]
        if type(default) is int:
            _require(type(value) is int, settings, name, "an integer")
        elif type(default) is float:
            _require(type(value) in (int, float), settings, name, "a number")


@dataclass(frozen=True)
class EmbeddingSettings:
    """item2vec by gensim (Barkan and Koenigstein 2016, https://arxiv.org/abs/1603.04259)."""

    embedding_dim: int = 32
    """width of an item's vector"""
    window: int = 20
    """how many neighbours in the sequence, on each side, count as context"""
    epochs: int = 10
    """passes over the sequences"""
    negative: int = 5
    """noise words per positive; 0: no negative sampling"""
    sample: float = 1e-4
    """gensim's threshold above which frequent items are read less often"""
    audience_dim: int = 24
    """width of an item's other vector, by who interacts with it (truncated SVD)"""
    sg: int = 1
    """1: skip-gram, an item predicts each of its neighbours; 0: CBOW, they predict it together"""
    hs: int = 0
    """1: hierarchical softmax, beside negative sampling or, with negative=0, instead of it"""
    min_count: int = 1
    """items that stand in the sequences fewer times are left out, and have no vector"""
    session_gap: int = 0
    """seconds between two interactions from which on they are of two sequences; 0: a user's
    interactions are one sequence. What `item_seq_generator` yields has no times and stays whole"""
    workers: int = 1
    """threads. With more than 1 the vectors differ from run to run, and so does the file: threads
    write into each other's vectors. 0: as many as there are cores"""

    def __post_init__(self) -> None:
        _require_numbers(self)
        _require(self.embedding_dim >= 1, self, "embedding_dim", "at least 1")
        _require(self.window >= 1, self, "window", "at least 1")
        _require(self.epochs >= 1, self, "epochs", "at least 1")
        _require(self.sg in (0, 1), self, "sg", "1 (skip-gram) or 0 (CBOW)")
        _require(self.hs in (0, 1), self, "hs", "1 (hierarchical softmax) or 0 (without it)")
        _require(
            self.negative >= (0 if self.hs else 1),
            self,
            "negative",
            "at least 1, or 0 beside hs=1" if not self.hs else "at least 0",
        )
        _require(self.min_count >= 1, self, "min_count", "at least 1")
        _require(self.session_gap >= 0, self, "session_gap", "at least 0")
        _require(self.workers >= 0, self, "workers", "at least 0")
        _require(self.audience_dim >= 1, self, "audience_dim", "at least 1")
        _require(0 <= self.sample < 1, self, "sample", "in [0, 1)")


@dataclass(frozen=True)
class TasteSettings:
    """The taste model: a prior over users' tastes, whose posterior the history gives."""

    n_latent: int = 6
    """directions of taste that are learned, beside those of the items' features"""
    n_content: int = 24
    """directions of the items' features at most; those of largest variance are kept"""
    n_rounds: int = 6
    """rounds of expectation and maximisation"""

    def __post_init__(self) -> None:
        _require_numbers(self)
        _require(0 <= self.n_latent <= 64, self, "n_latent", "from 0 to 64")
        _require(0 <= self.n_content <= 256, self, "n_content", "from 0 to 256")
        _require(self.n_rounds >= 1, self, "n_rounds", "at least 1")


@dataclass(frozen=True)
class NetworkSettings:
    """The multi-layer perceptron and how it is fitted."""

    hidden_layer_sizes: tuple[int, ...] = (64,)
    """width of each hidden layer"""
    alpha: float = 1.0
    """L2 penalty, as scikit-learn counts it (divided by the batch size); by the objective "top"
    for 150 000 samples, and of more in proportion less"""
    batch_size: int = 256
    """samples per step"""
    learning_rate: float = 1e-3
    """of Adam, at the start; it falls linearly to 5 % of this by the last epoch"""
    max_epochs: int = 16
    """passes over the samples at most"""
    patience: int = 8
    """epochs without a better held-out AUC after which training stops"""

    def __post_init__(self) -> None:
        _require_numbers(self)
        widths = self.hidden_layer_sizes
        _require(
            isinstance(widths, tuple) and len(widths) >= 1 and all(width >= 1 for width in widths),
            self,
            "hidden_layer_sizes",
            "a tuple of widths, each at least 1",
        )
        _require(self.alpha >= 0, self, "alpha", "at least 0")
        _require(self.batch_size >= 2, self, "batch_size", "at least 2")
        _require(self.learning_rate > 0, self, "learning_rate", "above 0")
        _require(self.max_epochs >= 1, self, "max_epochs", "at least 1")
        _require(self.patience >= 1, self, "patience", "at least 1")


TOP_NETWORK = NetworkSettings(alpha=0.3, max_epochs=20, patience=20)
"""what suits the objective "top", whose samples are fewer and harder"""


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides what `train` makes, beside the data."""

    n_history: int = 200
    """how many newest items of a user count"""
    n_compared: int = 200
    """how many of them candidates are compared with one by one; neighbours take all of them"""
    n_known_interactions: int = 2_000_000
    """how many interactions of training histories the file holds at most, 12 bytes each"""
    n_folds: int = 5
    """statistics that a training sample sees are fitted without its own fold of users"""
    held_out_share: float = 0.1
    """share of the users, at most, whose samples decide when to stop; some thousand are enough"""
    n_neighbours: int = 0
    """item-item weights that each item keeps; 0: none are learned. They pay where what was taken
    is all that is known, and the whole catalogue is ranked"""
    objective: str = "samples"
    """what the network learns. "samples": to tell apart the labels of the samples that came.
    "top": to find, among a user's best candidates, what he liked after a cut in his own history;
    it ranks a whole catalogue far better, and rated items against each other worse"""
    cut_share: float = 0.15
    """of each user's interactions, the last ones that "top" asks for"""
    n_candidates: int = 300
    """items among which "top" asks for them"""
    popularity_penalty: float = 0.0
    """times log(1 + interactions of the item), taken off its logit: longer tails, fewer hits"""
    chunk_rows: int = 65_536
    """samples in memory at a time"""
    random_state: int = 0
    """seed of everything random"""
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)
    """how item embeddings are learned"""
    taste: TasteSettings = field(default_factory=TasteSettings)
    """how tastes are learned"""
    network: NetworkSettings = field(default_factory=NetworkSettings)
    """the ranker's network and how it is fitted"""

    def __post_init__(self) -> None:
        _require_numbers(self)
        _require(1 <= self.n_history <= 10_000, self, "n_history", "from 1 to 10000")
        _require(self.n_compared >= 1, self, "n_compared", "at least 1")
        _require(self.n_known_interactions >= 0, self, "n_known_interactions", "at least 0")
        _require(2 <= self.n_folds <= 100, self, "n_folds", "from 2 to 100")
        _require(0 < self.held_out_share <= 0.5, self, "held_out_share", "in (0, 0.5]")
        _require(0 <= self.n_neighbours <= 1000, self, "n_neighbours", "from 0 to 1000")
        _require(
            self.objective in OBJECTIVES, self, "objective", " or ".join(map(repr, OBJECTIVES))
        )
        _require(
            self.objective != "top" or self.n_neighbours >= 1,
            self,
            "n_neighbours",
            'at least 1 by the objective "top", which takes its candidates from there',
        )
        _require(0 < self.cut_share < 1, self, "cut_share", "in (0, 1)")
        _require(self.n_candidates >= 2, self, "n_candidates", "at least 2")
        _require(0 <= self.popularity_penalty <= 2, self, "popularity_penalty", "from 0 to 2")
        _require(self.chunk_rows >= 1024, self, "chunk_rows", "at least 1024")
        _require(self.random_state >= 0, self, "random_state", "at least 0")


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
                _require(fits, self, name, f"None or an integer of at least {least}")
        expected = " or ".join(map(repr, ITEM_VARIANCES))
        _require(self.item_variance in ITEM_VARIANCES, self, "item_variance", expected)


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
    most; the list is made longer where it would miss more than a hundredth of the ten best, and
    left out where the catalogue is not three times as long. 0: every item is ranked"""
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
        _require_numbers(self)
        _require(
            self.precision in PRECISIONS, self, "precision", " or ".join(map(repr, PRECISIONS))
        )
        _require(self.target in TARGETS, self, "target", " or ".join(map(repr, TARGETS)))
        _require(type(self.fold) is bool, self, "fold", "True or False")
        _require(
            self.mapped is None or type(self.mapped) is bool, self, "mapped", "None, True or False"
        )
        _require(type(self.deduplicate) is bool, self, "deduplicate", "True or False")
        _require(self.max_loss >= 0, self, "max_loss", "at least 0")
        _require(
            self.n_shortlist == 0 or self.n_shortlist >= 10,
            self,
            "n_shortlist",
            "0, or 10 and more",
        )
        _require(self.n_encoded_ids >= 0, self, "n_encoded_ids", "at least 0")
        _require(self.n_encoded_strings >= 0, self, "n_encoded_strings", "at least 0")

    @property
    def without_users(self) -> bool:
        """Whether the file is to hold nothing of any user."""
        return self.target in ("phone", "web")

    @property
    def writes_mapped(self) -> bool:
        """Whether NAME.ort is written too."""
        return self.target in ("board", "phone") if self.mapped is None else self.mapped


def settings_to_mapping(settings: TrainSettings) -> dict[str, Any]:
    """Return the settings as plain JSON types.

    >>> settings_to_mapping(TrainSettings(n_history=50))["n_history"]
    50
    """
    return dataclasses.asdict(settings)


def settings_from_mapping(mapping: Mapping[str, Any]) -> TrainSettings:
    """Return the settings that `settings_to_mapping` wrote.

    >>> settings_from_mapping(settings_to_mapping(TrainSettings())) == TrainSettings()
    True
    """
    plain = dict(mapping)
    embedding = EmbeddingSettings(**plain.pop("embedding"))
    taste = TasteSettings(**plain.pop("taste"))
    network = dict(plain.pop("network"))
    network["hidden_layer_sizes"] = tuple(network["hidden_layer_sizes"])
    return TrainSettings(
        embedding=embedding, taste=taste, network=NetworkSettings(**network), **plain
    )
