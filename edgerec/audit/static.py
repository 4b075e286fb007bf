"""Static features that predict the labels beyond plausibility: they were computed from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.groups import Groups, Signal
from edgerec.audit.noise import N_GROUPS_NEEDED, Known, known_noise
from edgerec.audit.report import Finding

_MAX_TOGETHER = 64
_TOGETHER = -1
# Squares of residuals, for a sample, that are rounding and no signal.
_NOTHING = 1e-12


@dataclass(frozen=True)
class _Suspect:
    column: int
    name: str
    """empty: it is known by its number alone"""
    signal: Signal
    known: Known

    def order(self) -> tuple[bool, float]:
        """Sort by how much is known; where a column alone knows too much, it is the one to name."""
        return self.known.too_much and self.column != _TOGETHER, self.known.weight

    def named(self, role: str) -> str:
        if self.column == _TOGETHER:
            return f"The {role} features together know"
        if self.name:
            return f"The {role} feature {self.name!r} knows"
        return f"Feature {self.column} of get_{role}_feature knows"

    def short(self) -> str:
        """Return what the figure calls it."""
        if self.column == _TOGETHER:
            return "all together"
        return f"feature {self.name!r}" if self.name else f"feature {self.column}"


def check_features(
    role: str,
    features: NDArray[np.float32],
    groups: Mapping[Signal, Groups],
    names: Sequence[str] = (),
) -> Finding:
    """Check each static feature alone, and all together.

    Parameters
    ----------
    role : str
        "user" or "item".
    features : float32 [rows, width]
        Row 0 is the unknown one.
    groups : mapping
        The sums of the training samples by user or by item, of labels and of values.
    names : sequence of str
        What the first features are called, where that is known.
    """
    check, width = f"{role}-features", features.shape[1]
    if not width:
        return Finding(check, "passed", f"no static features of {role}s", "")
    own: dict[Signal, Groups] = {}
    n_balanced = 0
    for signal, sums in groups.items():
        base = known_noise(sums, None)
        if base is not None and not base.balanced:
            own[signal] = sums
        n_balanced += base is not None
    looked_at = f"{width} features of {len(features) - 1:,} {role}s"
    if not own:
        reason = (
            "all samples have one label and one value"
            if all(_is_constant(sums) for sums in groups.values())
            else f"the labels of a {role}'s samples balance one another"
            if n_balanced
            else f"fewer than {N_GROUPS_NEEDED} {role}s have two samples or more"
        )
        return Finding(
            check,
            "not decidable",
            looked_at,
            reason,
            "Whether a feature was computed from the labels cannot be seen here. "
            f"See to it that no {role} feature was computed from rows at or after the first "
            "sample, as a count over all rows is.",
        )
    worst = max(_suspects(features[1:].astype(np.float64), own, names), key=_Suspect.order)
    known = worst.known
    figure = (
        f"most by {worst.short()}: {max(known.share, 0):.0%} of the noise, "
        f"{max(known.deviations, 0):.1f} deviations"
    )
    if not known.too_much:
        return Finding(check, "passed", looked_at, figure)
    return Finding(
        check,
        "failed",
        looked_at,
        figure,
        f"{worst.named(role)} the chance in the {worst.signal}s of the {role}s' own samples "
        f"({known.share:.0%} of it, {known.deviations:.1f} standard deviations more than an "
        "honest feature): what it holds was computed from rows that are samples, as a mean over "
        "all rows is. Compute it from rows before the first sample, or leave it out: training "
        "counts statistics itself, out of fold.",
    )


def _suspects(
    features: NDArray[np.float64], groups: Mapping[Signal, Groups], names: Sequence[str]
) -> list[_Suspect]:
    width = features.shape[1]
    called = [*names, *[""] * width][:width]
    suspects = [_Suspect(0, called[0], next(iter(groups)), Known(0.0, 0.0))]
    for signal, sums in groups.items():
        own = sums[np.arange(1, len(sums.n))]
        for column, name in enumerate(called):
            known = known_noise(own, features[:, column])
            suspects += [_Suspect(column, name, signal, known)] if known else []
        if 1 < width <= _MAX_TOGETHER:
            known = known_noise(own, features)
            suspects += [_Suspect(_TOGETHER, "", signal, known)] if known else []
    return suspects


def _is_constant(sums: Groups) -> bool:
    """Whether nothing is left of the signal, since it is the same everywhere."""
    return bool(sums.squares.sum() <= _NOTHING * max(sums.n.sum(), 1.0))
