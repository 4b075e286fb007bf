"""The table of what was tried, dropped and why: as comments for the draft, and to print."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from edgerec.declared.auto.comparison import Difference
from edgerec.declared.auto.selection import Tried
from edgerec.declared.auto.trial import N_FOLDS

HEADER: Final = ("column", "kind", "worth: AUC / GAUC", "beside those kept", "verdict")
_WIDTH: Final = 98
_TWO_SIDED_95: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Report:
    """What happened to each column."""

    random_state: int
    n_samples: int
    """samples that were scored; 0: nothing was tried"""
    n_users: int
    quality: tuple[tuple[float, float], tuple[float, float]]
    """AUC and GAUC without static features, and with those that are kept"""
    tried: Sequence[Tried]
    dropped: Mapping[tuple[str, str], str]
    """per role and column the reason"""
    remark: str = ""
    """why nothing was tried"""

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return the cells under HEADER, one row per candidate and dropped column."""
        found = []
        for one in self.tried:
            name = f"{one.candidate.role}.{one.candidate.column}"
            beside = "-" if one.beside is None else shown(one.beside)
            found.append((name, one.candidate.kind, shown(one.alone), beside, one.reason))
        for (role, column), reason in self.dropped.items():
            found.append((f"{role}.{column}", "-", "-", "-", f"dropped: {reason}"))
        return found

    def comments(self) -> list[str]:
        """Return the lines that stand in the draft, without the number sign."""
        (auc, gauc), (best_auc, best_gauc) = self.quality
        lines = [f"Features by `edgerec init --auto`, random_state {self.random_state}."]
        if self.n_samples:
            text = (
                f"Tried on {self.n_samples:,} samples of {self.n_users:,} users, each scored by "
                f"networks that were fitted without him ({N_FOLDS} folds of users). Without static "
                f"features: AUC {auc:.4f}, GAUC {gauc:.4f}; with those kept: AUC {best_auc:.4f}, "
                f"GAUC {best_gauc:.4f}. Worth: what a feature adds to AUC / GAUC, with a 95 % "
                "interval by a paired bootstrap over users: to no static feature, and to those "
                "kept before it, best first. Kept: what raises (AUC + GAUC) / 2 there beyond noise "
                f"of users and seeds, one-sided 5 % for all {len(self.tried)} together."
            )
            lines += textwrap.wrap(text, _WIDTH, break_long_words=False)
        else:
            lines.append(f"Nothing was tried: {self.remark}.")
        table = [HEADER, *self.rows()]
        widths = [max(len(row[place]) for row in table) for place in range(len(HEADER))]
        for row in table:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
        return lines


def shown(one: Difference) -> str:
    """Return a difference of AUC and GAUC with its intervals.

    >>> shown(Difference(0.004, -0.001, 0.001, 0.002, 0.001))
    '+.0040 ±.0020 / -.0010 ±.0039'
    """
    parts = []
    for worth, error in ((one.auc, one.auc_error), (one.gauc, one.gauc_error)):
        half = f"{_TWO_SIDED_95 * error:.4f}"
        parts.append(f"{worth:+.4f} ±{half}".replace("0.", "."))
    return " / ".join(parts)
