"""edgerec init --auto: a draft whose features were tried."""

import tomllib
from dataclasses import dataclass

from edgerec.declared.auto.features import automatic_features
from edgerec.declared.auto.report import Report
from edgerec.declared.draft import Chosen, Draft, write_draft
from edgerec.declared.recsys import DeclaredRecSys
from edgerec.declared.roles import Roles
from edgerec.declared.schema import Configuration
from edgerec.progress import Progress
from edgerec.source import Engine


@dataclass(frozen=True)
class AutomaticDraft:
    """A draft and how its features were chosen."""

    draft: Draft
    roles: Roles
    """with the tables that the features are made of"""
    report: Report


def write_automatic_draft(
    engine: Engine,
    database_url: str,
    shown_url: str,
    roles: Roles,
    name: str,
    random_state: int,
    progress: Progress,
) -> AutomaticDraft:
    """Try features on held-out users and return the draft that has what helped.

    Parameters
    ----------
    database_url : str
        Where the data are read.
    shown_url : str
        What stands in the file: without a password.
    name : str
        Name of the model.
    random_state : int
        The same data and seed give the same draft.

    Raises
    ------
    SourceError
        A table or a cell cannot be read.
    """
    # The samples are those that a draft without features declares.
    bare = write_draft(engine, "${EDGEREC_DATABASE}", roles, name, Chosen({}, []))
    plain = tomllib.loads(bare.text)
    plain["database"]["url"] = database_url
    # Features are tried on labelled samples, so negatives are drawn for what was only taken.
    plain["training"] = {"objective": "samples"}
    rec_sys = DeclaredRecSys(Configuration.model_validate(plain))
    found = automatic_features(engine, roles, rec_sys, random_state, progress)
    chosen = Chosen(found.proposals, found.report.comments())
    draft = write_draft(engine, shown_url, found.roles, name, chosen)
    return AutomaticDraft(draft, found.roles, found.report)
