"""What a developer implements: a small `RecSys`, and the optional capabilities beside it.

A capability is found by what an object offers, so a class that has the method has it; there
is nothing to register or to inherit from.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from edgerec.errors import ConfigurationError, shown

Id = int | str
_NEEDED: Final = ("get_user_feature", "get_item_feature", "sample_generator")


class Sample(NamedTuple):
    """One labelled (user, item) at a moment.

    >>> Sample(user_id=108, item_id=1, label=1.0, timestamp=964982703, value=4.0)
    Sample(user_id=108, item_id=1, label=1.0, timestamp=964982703, value=4.0, weight=1.0,
           context=())
    """

    user_id: Id
    item_id: Id
    label: float
    """0 or 1: what the ranker learns to tell apart"""
    timestamp: int
    """Unix seconds: the `as_of` of the sample; only strictly earlier interactions are used"""
    value: float | None = None
    """stated rating or quantity; None: a sampled negative, which never enters a history"""
    weight: float = 1.0
    """how much the sample counts, beside the others, where the network is fitted; 0: not at all"""
    context: Sequence[float] = ()
    """what was known at that moment of when, where or on what: see `ContextNumbers`. NaN: not"""


class Interaction(NamedTuple):
    """One entry of a user's history."""

    item_id: Id
    value: float | None
    timestamp: int
    """Unix seconds"""


class ItemFeatures(Protocol):
    """Knows items: all that it takes to add some to a model."""

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        """Return the item's static features, as in training."""
        ...


class RecSys(Protocol):
    """The interface of a recommender system: two feature calls and a stream of samples."""

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        """Return the user's static features; the same width for each user, 0 is fine."""
        ...

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        """Return the item's static features; the same width for each item, 0 is fine."""
        ...

    def sample_generator(self) -> Iterator[Sample]:
        """Yield every training sample; a user's timestamps must not go backwards."""
        ...


def require_rec_sys(given: object, name: str = "") -> None:
    """Refuse what lacks one of the three methods, and a class where an object is wanted.

    Parameters
    ----------
    name : str
        How the sentence calls it; by default what it looks like.

    Raises
    ------
    ConfigurationError
        The sentence names the methods that are missing.

    >>> require_rec_sys(object(), "my_shop:Shop")
    Traceback (most recent call last):
    ...
    edgerec.errors.ConfigurationError: my_shop:Shop lacks get_user_feature, ...
    """
    if isinstance(given, type):
        raise ConfigurationError(
            f"The class {given.__name__} was given where one of its objects is expected. Make "
            f"one: {given.__name__}()."
        )
    missing = [method for method in _NEEDED if not callable(getattr(given, method, None))]
    if missing:
        raise ConfigurationError(
            f"{name or shown(given)} lacks {', '.join(missing)}. Implement edgerec.RecSys: "
            f"{', '.join(_NEEDED)}."
        )


@runtime_checkable
class ItemEmbedding(Protocol):
    """Offers sequences of items to learn embeddings from (item2vec)."""

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        """Yield one sequence per user, oldest first: what he liked, bought or viewed.

        What he liked is the safe choice, and what training takes by itself from the samples. All
        that he touched is as good where he chose what to touch, and useless where he did not, as
        in a log of impressions. Sequences of likes give labels away, so training notices them and
        fits out of half, which takes twice the time.
        """
        ...


@runtime_checkable
class UserFeatureBatch(Protocol):
    """Offers user features thousands of rows at a time."""

    def get_user_features(self, user_ids: Sequence[Id]) -> Sequence[Sequence[float]]:
        """Return one row per id, in the order of the ids."""
        ...


@runtime_checkable
class ItemFeatureBatch(Protocol):
    """Offers item features thousands of rows at a time."""

    def get_item_features(self, item_ids: Sequence[Id]) -> Sequence[Sequence[float]]:
        """Return one row per id, in the order of the ids."""
        ...


@runtime_checkable
class ItemCatalogue(Protocol):
    """Offers every item that may be asked about, those of no sample included."""

    def item_generator(self) -> Iterator[Id]:
        """Yield the items' ids; what is in the samples may be left out.

        An item of no sample is known by its features: the model expects of it what it learned of
        items like it. Otherwise it is unknown, and scored as an average item.
        """
        ...


@runtime_checkable
class UserBehavior(Protocol):
    """Offers a user's history, where the sample stream is not the history."""

    def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> Sequence[Interaction]:
        """Return at most `limit` newest interactions strictly before `as_of`, oldest first."""
        ...


@runtime_checkable
class ContextNumbers(Protocol):
    """Offers numbers of each sample's moment: the hour, the device, the place."""

    def get_context_defaults(self) -> Mapping[str, float]:
        """Return the name of each number in `Sample.context`, in their order, with its default.

        The default stands where a request does not state the number.
        """
        ...


@runtime_checkable
class ItemTitles(Protocol):
    """Offers what people call the items, for the report and to search by."""

    def get_item_titles(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the title of each id, in the order of the ids; None: it has none."""
        ...


@runtime_checkable
class ItemTexts(Protocol):
    """Offers what is written of the items: title, description, tags."""

    def get_item_texts(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the text of each id, in the order of the ids; None: it has none.

        Nothing that was written later than the training samples may stand in it.
        """
        ...


@runtime_checkable
class ItemRules(Protocol):
    """Offers by what features of items are made, so that those of new items need no training."""

    def get_item_rules(self) -> Mapping[str, Any]:
        """Return plain JSON types; NAME.training keeps them."""
        ...


@runtime_checkable
class ItemCategories(Protocol):
    """Offers what kind of thing an item is, for the report's map and lists of similar items."""

    def get_item_categories(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the category of each id, several joined by "|"; None: it has none."""
        ...


@runtime_checkable
class FeatureNames(Protocol):
    """Offers what its static features are called, for the sentences of the leak audit."""

    def get_feature_names(self, role: str) -> Sequence[str]:
        """Return a name per feature of `role`, "user" or "item", in their order."""
        ...


@runtime_checkable
class PreTraining(Protocol):
    """Wants to be called once before anything is read."""

    def pre_train(self) -> None:
        """Prepare: open connections, build tables."""
        ...


@runtime_checkable
class EvaluationSamples(Protocol):
    """Offers samples that training must not see, for the metrics of the finished file."""

    def evaluation_sample_generator(self) -> Iterator[Sample]:
        """Yield held-out samples, in the same form as `sample_generator`."""
        ...
