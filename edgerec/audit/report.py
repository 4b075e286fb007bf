"""What the audit found: one finding for each check, and the error where one failed."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from edgerec.errors import AuditError, ConfigurationError

Outcome = Literal["passed", "failed", "accepted", "not decidable"]

CHECKS: Final = (
    "future-events",
    "test-overlap",
    "held-out-sequences",
    "own-statistics",
    "out-of-fold",
    "item-features",
    "user-features",
)


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    """one of `CHECKS`"""
    outcome: Outcome
    looked_at: str
    """what was examined, and how much of it"""
    figure: str
    """what was measured"""
    advice: str = ""
    """what is wrong and what to do about it; empty where nothing is"""


@dataclass(frozen=True)
class AuditReport:
    """The findings of one training, in the order of `CHECKS`."""

    findings: tuple[Finding, ...]

    def accepting(self, accepted: Collection[str]) -> "AuditReport":
        """Return the report with the failures of these checks accepted; raise for any other.

        Raises
        ------
        AuditError
            The sentences name the feature or the table, what was found and what to do.
        """
        findings = tuple(
            dataclasses.replace(finding, outcome="accepted")
            if finding.outcome == "failed" and finding.check in accepted
            else finding
            for finding in self.findings
        )
        failed = [finding for finding in findings if finding.outcome == "failed"]
        if failed:
            raise AuditError(
                "The leak audit failed, so nothing was trained. "
                + " ".join(f"{finding.check}: {finding.advice}" for finding in failed)
                + " Where it is no leak after all, say so: "
                + " ".join(f"--accept-leak {finding.check}" for finding in failed)
                + " (in Python accepted_leaks=…)."
            )
        return AuditReport(findings)

    def plain(self) -> tuple[dict[str, str], ...]:
        """Return the findings as JSON types."""
        return tuple(dataclasses.asdict(finding) for finding in self.findings)


def require_known(accepted: Collection[str]) -> None:
    """Refuse a name that is no check.

    Raises
    ------
    ConfigurationError
        The sentence lists the names.
    """
    for name in accepted:
        if name not in CHECKS:
            raise ConfigurationError(
                f"There is no check {name!r} to accept a leak of; the checks are "
                f"{', '.join(CHECKS)}. Name one of them."
            )
