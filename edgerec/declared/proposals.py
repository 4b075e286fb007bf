"""Which features a draft proposes for the columns of a table, by their form, untried."""

from collections.abc import Sequence
from typing import Final

from edgerec.declared.auto.candidates import Proposal, candidates_of
from edgerec.declared.auto.profile import ColumnProfile, looks_like_id, profile_columns
from edgerec.declared.auto.screening import drop_by_form
from edgerec.declared.auto.things import read_things
from edgerec.declared.roles import ThingTable
from edgerec.source import Engine, describe_table

# Text of more different values than this is a name and no category.
_MOST_CATEGORIES: Final = 50
# What is proposed of each form; words say too little for their many columns, unless tried.
_KINDS: Final = frozenset(
    {"standard", "log", "identity", "multi_hot", "date_parts", "one_hot", "extract"}
)


def propose(engine: Engine, things: ThingTable, left_out: Sequence[str]) -> list[Proposal]:
    """Return the features of a table's columns, in the order of the columns.

    Parameters
    ----------
    left_out : sequence of str
        Columns that describe an interaction and not the thing: its time, its value, the other id.
    """
    unread = [
        one.name
        for one in describe_table(engine, things.table).columns
        if one.primary_key or one.name in left_out or looks_like_id(one.name)
    ]
    rows = read_things(engine, things, unread)
    profiles = profile_columns(engine, rows)
    dropped = drop_by_form(rows, profiles)
    return [
        proposal
        for name, profile in profiles.items()
        if name not in dropped
        for proposal in _plainest(profile)
    ]


def _plainest(profile: ColumnProfile) -> list[Proposal]:
    if profile.form == "category" and profile.n_distinct > _MOST_CATEGORIES:
        return []
    found = [dict(one.proposal) for one in candidates_of("", profile, 0) if one.kind in _KINDS]
    return found[:1]
