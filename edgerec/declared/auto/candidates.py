"""Which transforms are tried for a column, by its form and distribution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from edgerec.declared.auto.profile import ColumnProfile

Proposal = dict[str, Any]

YEAR_PATTERN: Final = r"\((\d{4})\)\s*$"
# Whole numbers on at most so many levels may be codes as well as amounts.
_FEW_LEVELS: Final = 10
_FEW_CATEGORIES: Final = 50
_MOST_COLUMNS: Final = 100
_RARE: Final = 0.01
_INDICATED: Final = 0.02


@dataclass(frozen=True)
class Candidate:
    """A feature that is tried."""

    role: str
    """users or items"""
    proposal: Mapping[str, Any]
    """as it stands in edgerec.toml"""

    @property
    def column(self) -> str:
        """The column that it is made of."""
        return str(self.proposal["column"])

    @property
    def kind(self) -> str:
        """The kind of feature."""
        return str(self.proposal["kind"])


def candidates_of(role: str, profile: ColumnProfile, as_of: int) -> list[Candidate]:
    """Return the candidates of a column, the plainest first.

    Parameters
    ----------
    role : str
        users or items.
    as_of : int
        Unix seconds from which an age is counted: the last interaction.
    """
    if profile.form == "moment":
        proposals = _of_moment(profile, as_of)
    elif profile.form in _MAKERS:
        proposals = _MAKERS[profile.form](profile)
    else:
        proposals = []
    return [Candidate(role, proposal) for proposal in proposals]


def _rule(profile: ColumnProfile, kind: str, **options: Any) -> Proposal:
    return {"column": profile.name, "kind": kind, **options}


def _of_number(profile: ColumnProfile) -> list[Proposal]:
    # Whether a number is missing may say more than the mean that stands in for it.
    missing = {"add_indicator": True} if 1 - profile.filled > _INDICATED else {}
    found = [_rule(profile, "log" if profile.is_skewed else "standard", **missing)]
    if profile.is_whole and profile.n_distinct <= _FEW_LEVELS:
        found.append(_rule(profile, "one_hot", min_frequency=_RARE))
    else:
        found.append(_rule(profile, "k_bins", n_bins=5))
    return found


def _of_moment(profile: ColumnProfile, as_of: int) -> list[Proposal]:
    day = datetime.fromtimestamp(as_of, UTC).date().isoformat()
    parts = ["year", "month", "weekday", *(["hour"] if profile.has_hours else [])]
    return [
        _rule(profile, "age", reference=day, unit="years"),
        _rule(profile, "date_parts", parts=parts),
    ]


def _of_members(profile: ColumnProfile) -> list[Proposal]:
    bound = {"max_categories": _MOST_COLUMNS} if profile.n_members > _MOST_COLUMNS else {}
    return [_rule(profile, "multi_hot", separator=profile.separator, **bound)]


def _of_category(profile: ColumnProfile) -> list[Proposal]:
    if profile.n_distinct <= _FEW_CATEGORIES:
        return [_rule(profile, "one_hot", min_frequency=_RARE)]
    return [
        _rule(profile, "one_hot", max_categories=_FEW_CATEGORIES),
        _rule(profile, "hashing", n_features=32),
    ]


def _of_words(profile: ColumnProfile) -> list[Proposal]:
    found = []
    if profile.has_year:
        name = f"{profile.name}_year"
        found.append(_rule(profile, "extract", name=name, pattern=YEAR_PATTERN))
    found.append(_rule(profile, "tf_idf", max_features=_MOST_COLUMNS, min_df=2))
    found.append(_rule(profile, "char_ngrams", n_features=64))
    return found


def _of_flag(profile: ColumnProfile) -> list[Proposal]:
    return [_rule(profile, "identity")]


def _of_code(profile: ColumnProfile) -> list[Proposal]:
    return [_rule(profile, "hashing", n_features=32)]


_MAKERS: Final[Mapping[str, Callable[[ColumnProfile], list[Proposal]]]] = {
    "number": _of_number,
    "flag": _of_flag,
    "members": _of_members,
    "category": _of_category,
    "words": _of_words,
    "code": _of_code,
}
