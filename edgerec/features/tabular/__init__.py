"""Features by rule: columns of raw values become columns of float32."""

from edgerec.features.tabular.block import Chunk, FeatureBlock
from edgerec.features.tabular.conditions import Condition
from edgerec.features.tabular.fit import LabelledChunk, fit_block
from edgerec.features.tabular.registry import TRANSFORMS, TransformKind, build
from edgerec.features.tabular.rules import FeatureRule, check_rules, statistics_needed

__all__ = [
    "TRANSFORMS",
    "Chunk",
    "Condition",
    "FeatureBlock",
    "FeatureRule",
    "LabelledChunk",
    "TransformKind",
    "build",
    "check_rules",
    "fit_block",
    "statistics_needed",
]
