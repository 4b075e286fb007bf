"""The features of an item of which nothing is stated: what tells that nothing is known of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.features.tabular.block import FeatureBlock


def features_of_nothing(item_rules: Mapping[str, Any] | None) -> NDArray[np.float32] | None:
    """Return what the rules of a declared RecSys make of missing values alone: float32 [width].

    Parameters
    ----------
    item_rules : mapping or None
        As `get_item_rules` returned them. None: a class makes the features, and does not say what
        they are where nothing is stated.

    >>> from edgerec.features.tabular.block import FeatureBlock
    >>> features_of_nothing({"block": FeatureBlock((), ()).to_state()}).shape
    (0,)
    """
    return None if item_rules is None else FeatureBlock.from_state(item_rules["block"]).nothing()
