"""Dynamic features: functions of a user's history before `as_of` and a candidate.

This is the reference. `edgerec.graph.history` mirrors every function here under the same
name in ONNX nodes, and the parity gate of the export proves the two equal. Change both or
neither.
"""

from edgerec.features.history.candidate import CANDIDATE_NAMES, candidate_features
from edgerec.features.history.inputs import HistoryInputs
from edgerec.features.history.nearness import of_candidates, of_slots, scales
from edgerec.features.history.profile import (
    kinds_of_items,
    profile,
    profile_names,
    texts_beside_kinds,
)
from edgerec.features.history.user import USER_NAMES, user_features

__all__ = [
    "CANDIDATE_NAMES",
    "NAMES",
    "USER_NAMES",
    "HistoryInputs",
    "candidate_features",
    "kinds_of_items",
    "of_candidates",
    "of_slots",
    "profile",
    "profile_names",
    "scales",
    "texts_beside_kinds",
    "user_features",
]

NAMES = USER_NAMES + CANDIDATE_NAMES
"""of the features that are the same in every model; a profile has as many as there are kinds"""
