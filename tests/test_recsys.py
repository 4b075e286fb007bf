from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from edgerec.recsys import (
    EvaluationSamples,
    Id,
    Interaction,
    ItemCatalogue,
    ItemEmbedding,
    ItemFeatureBatch,
    ItemTexts,
    PreTraining,
    Sample,
    UserBehavior,
    UserFeatureBatch,
)

CAPABILITIES: dict[str, Any] = {
    "item_seq_generator": ItemEmbedding,
    "item_generator": ItemCatalogue,
    "get_user_features": UserFeatureBatch,
    "get_item_features": ItemFeatureBatch,
    "get_user_behavior": UserBehavior,
    "get_item_texts": ItemTexts,
    "pre_train": PreTraining,
    "evaluation_sample_generator": EvaluationSamples,
}


class Smallest:
    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return []

    def sample_generator(self) -> Iterator[Sample]:
        return iter([])


@pytest.mark.parametrize("offered", CAPABILITIES)
def test_a_capability_is_found_by_what_an_object_offers(offered: str) -> None:
    rec_sys = type("Offering", (Smallest,), {offered: lambda self: None})()
    found = {name for name, kind in CAPABILITIES.items() if isinstance(rec_sys, kind)}
    assert found == {offered}


def test_the_smallest_rec_sys_offers_none():
    assert not any(isinstance(Smallest(), kind) for kind in CAPABILITIES.values())


def test_an_attribute_of_the_object_counts_too():
    rec_sys: Any = Smallest()
    rec_sys.pre_train = lambda: None
    assert isinstance(rec_sys, PreTraining)


def test_a_sample_without_a_value_is_a_sampled_negative():
    assert Sample(1, 2, 0.0, 3).value is None


def test_samples_and_interactions_unpack_in_their_order():
    sample = Sample("u", "i", 1.0, 3, 4.5)
    user_id, item_id, label, timestamp, value, weight, context = sample
    assert (user_id, item_id, label, timestamp, value, weight) == ("u", "i", 1.0, 3, 4.5, 1.0)
    assert not context
    assert tuple(Interaction("i", None, 3)) == ("i", None, 3)
