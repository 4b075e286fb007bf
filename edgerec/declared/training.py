"""The section [training] of edgerec.toml: `edgerec.config`, as far as a file sets it."""

from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from edgerec.declared.sections import Section


class Embedding(Section):
    """item2vec, under gensim's names."""

    embedding_dim: Annotated[int, Field(ge=1)] = Field(
        default=32,
        validation_alias=AliasChoices("embedding_dim", "vector_size"),
        description="width of a vector; gensim's own name, vector_size, will do too",
    )
    window: Annotated[int, Field(ge=1)] = Field(default=20, description="neighbours on each side")
    epochs: Annotated[int, Field(ge=1)] = Field(default=10, description="passes over the sequences")
    sg: Literal[0, 1] = Field(default=1, description="1: skip-gram, 0: CBOW")
    hs: Literal[0, 1] = Field(
        default=0,
        description="1: hierarchical softmax, beside negative sampling or, with negative = 0, "
        "instead of it",
    )
    negative: Annotated[int, Field(ge=0)] = Field(
        default=5, description="noise words per positive; 0, with hs = 1: no negative sampling"
    )
    sample: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=1e-4, description="frequent items above this are read less often"
    )
    min_count: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="items that stand in the sequences fewer times are left out, and have no "
        "vector",
    )
    sequences: Literal["liked", "all"] = Field(
        default="liked",
        description="what stands in a user's sequence where there is no [sequences]: what he "
        '"liked", or by the rule "above" "all" that has a value. "all" knows more where users '
        "choose what they rate, and nothing where they are shown items by chance",
    )
    session_gap: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="seconds between two interactions from which on they are of two sequences; 0: "
        "a user's interactions, or those of a group of [sequences], are one",
    )
    workers: Annotated[int, Field(ge=0)] = Field(
        default=1,
        description="threads; 0: as many as there are cores. More than 1 are faster, and cost "
        "that: no two runs give the same file",
    )

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if not self.hs and not self.negative:
            raise ValueError("negative of at least 1, or hs = 1: one of them has to teach vectors")
        return self


class Network(Section):
    """The multi-layer perceptron."""

    hidden_layer_sizes: list[Annotated[int, Field(ge=1)]] = Field(
        default=[96],
        min_length=1,
        description='width of each hidden layer; by the objective "top" `[64]`',
    )
    alpha: Annotated[float, Field(ge=0)] = Field(
        default=1.0,
        description='L2 penalty; by the objective "top" 0.3 for 150 000 samples, and of more in '
        "proportion less",
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(default=256, description="samples per step")
    learning_rate: Annotated[float, Field(gt=0)] = Field(
        default=1e-3, description="of Adam, at the start"
    )
    max_epochs: Annotated[int, Field(ge=1)] = Field(
        default=16, description='passes at most; by the objective "top" 20'
    )
    patience: Annotated[int, Field(ge=1)] = Field(
        default=8,
        description="epochs whose held-out AUC is lower than before, by more than chance, after "
        'which training stops; by the objective "top" 20',
    )


class Training(Section):
    """How the ranker is trained."""

    n_history: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="newest items of a user that count; by default 200, and 1000 by the objective "
        '"top"',
    )
    n_compared: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="newest of them that candidates are compared with one by one; neighbours take "
        'all of them; by default 200, and 100 by the objective "top"',
    )
    n_known_interactions: Annotated[int, Field(ge=0)] = Field(
        default=2_000_000,
        description="interactions of training histories in the file at most, 12 bytes each; "
        "beyond it every user keeps only his newest",
    )
    n_folds: Annotated[int, Field(ge=2, le=100)] = Field(
        default=5, description="statistics leave one of so many folds of users out"
    )
    held_out_share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.1, description="share of the users that decide when to stop"
    )
    n_neighbours: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None,
        description="item-item weights that each item keeps, 0: none are learned; by default 50 by "
        'the rule "taken" and 0 by the rule "above"',
    )
    objective: Literal["samples", "top"] | None = Field(
        default=None,
        description='what the network learns: "samples" tells their labels apart; "top" finds what '
        "a user likes next among his best candidates, to rank the whole catalogue; by default "
        '"top" by the rule "taken" and "samples" by the rule "above"',
    )
    cut_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.15, description='the last of each user\'s interactions, which "top" asks for'
    )
    n_candidates: Annotated[int, Field(ge=2)] = Field(
        default=300, description='items among which "top" asks for them'
    )
    popularity_penalty: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.0,
        description="times log(1 + interactions of the item), taken off its logit: more of the "
        "catalogue is shown, and fewer hits are made",
    )
    random_state: Annotated[int, Field(ge=0)] = Field(default=0, description="seed")
    embedding: Embedding = Field(default=Embedding(), description="item2vec")
    network: Network = Field(default=Network(), description="the network")
