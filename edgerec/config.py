"""Settings: frozen, validated, one docstring under each field.

`train(rec_sys, settings=TrainSettings(embedding=EmbeddingSettings(embedding_dim=16)))`
changes what it names and keeps the rest.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgerec.validation import require, require_numbers

OBJECTIVES = ("samples", "top")


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
        require_numbers(self)
        require(self.embedding_dim >= 1, self, "embedding_dim", "at least 1")
        require(self.window >= 1, self, "window", "at least 1")
        require(self.epochs >= 1, self, "epochs", "at least 1")
        require(self.sg in (0, 1), self, "sg", "1 (skip-gram) or 0 (CBOW)")
        require(self.hs in (0, 1), self, "hs", "1 (hierarchical softmax) or 0 (without it)")
        require(
            self.negative >= (0 if self.hs else 1),
            self,
            "negative",
            "at least 1, or 0 beside hs=1" if not self.hs else "at least 0",
        )
        require(self.min_count >= 1, self, "min_count", "at least 1")
        require(self.session_gap >= 0, self, "session_gap", "at least 0")
        require(self.workers >= 0, self, "workers", "at least 0")
        require(self.audience_dim >= 1, self, "audience_dim", "at least 1")
        require(0 <= self.sample < 1, self, "sample", "in [0, 1)")


@dataclass(frozen=True)
class TextSettings:
    """Vectors of the items' texts (paragraph vectors), where a RecSys offers texts."""

    text_dim: int = 16
    """width of a vector"""
    min_count: int = 2
    """words that occur less often are left out"""
    negative: int = 5
    """gensim's negative samples per word"""
    sample: float = 1e-3
    """gensim's threshold above which frequent words are read less often"""
    epochs: int = 20
    """passes over the texts, and over each text whose vector is asked for"""

    def __post_init__(self) -> None:
        require_numbers(self)
        require(self.text_dim >= 1, self, "text_dim", "at least 1")
        require(self.min_count >= 1, self, "min_count", "at least 1")
        require(self.negative >= 1, self, "negative", "at least 1")
        require(0 <= self.sample < 1, self, "sample", "in [0, 1)")
        require(self.epochs >= 1, self, "epochs", "at least 1")


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
        require_numbers(self)
        require(0 <= self.n_latent <= 64, self, "n_latent", "from 0 to 64")
        require(0 <= self.n_content <= 256, self, "n_content", "from 0 to 256")
        require(self.n_rounds >= 1, self, "n_rounds", "at least 1")


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
    """epochs whose held-out AUC is lower than before, by more than chance, after which training
    stops"""

    def __post_init__(self) -> None:
        require_numbers(self)
        widths = self.hidden_layer_sizes
        require(
            isinstance(widths, tuple) and len(widths) >= 1 and all(width >= 1 for width in widths),
            self,
            "hidden_layer_sizes",
            "a tuple of widths, each at least 1",
        )
        require(self.alpha >= 0, self, "alpha", "at least 0")
        require(self.batch_size >= 2, self, "batch_size", "at least 2")
        require(self.learning_rate > 0, self, "learning_rate", "above 0")
        require(self.max_epochs >= 1, self, "max_epochs", "at least 1")
        require(self.patience >= 1, self, "patience", "at least 1")


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
    text: TextSettings = field(default_factory=TextSettings)
    """how the items' texts become vectors, where there are texts"""
    taste: TasteSettings = field(default_factory=TasteSettings)
    """how tastes are learned"""
    network: NetworkSettings = field(default_factory=NetworkSettings)
    """the ranker's network and how it is fitted"""

    def __post_init__(self) -> None:
        require_numbers(self)
        require(1 <= self.n_history <= 10_000, self, "n_history", "from 1 to 10000")
        require(self.n_compared >= 1, self, "n_compared", "at least 1")
        require(self.n_known_interactions >= 0, self, "n_known_interactions", "at least 0")
        require(2 <= self.n_folds <= 100, self, "n_folds", "from 2 to 100")
        require(0 < self.held_out_share <= 0.5, self, "held_out_share", "in (0, 0.5]")
        require(0 <= self.n_neighbours <= 1000, self, "n_neighbours", "from 0 to 1000")
        require(self.objective in OBJECTIVES, self, "objective", " or ".join(map(repr, OBJECTIVES)))
        require(
            self.objective != "top" or self.n_neighbours >= 1,
            self,
            "n_neighbours",
            'at least 1 by the objective "top", which takes its candidates from there',
        )
        require(0 < self.cut_share < 1, self, "cut_share", "in (0, 1)")
        require(self.n_candidates >= 2, self, "n_candidates", "at least 2")
        require(0 <= self.popularity_penalty <= 2, self, "popularity_penalty", "from 0 to 2")
        require(self.chunk_rows >= 1024, self, "chunk_rows", "at least 1024")
        require(self.random_state >= 0, self, "random_state", "at least 0")


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
    text = TextSettings(**plain.pop("text"))
    taste = TasteSettings(**plain.pop("taste"))
    network = dict(plain.pop("network"))
    network["hidden_layer_sizes"] = tuple(network["hidden_layer_sizes"])
    return TrainSettings(
        embedding=embedding, text=text, taste=taste, network=NetworkSettings(**network), **plain
    )
