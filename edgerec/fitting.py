"""Fits all that a ranker looks up, and nothing of its network."""

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.embedding import GivenVectors, Keeping, fit_embeddings
from edgerec.features.history import kinds_of_items, scales, texts_beside_kinds
from edgerec.features.nothing import features_of_nothing
from edgerec.features.statistics import folds
from edgerec.features.tables import content_directions, item_table, user_table
from edgerec.features.texts import fit_texts
from edgerec.features.vector import FeatureTables
from edgerec.fitted import fit_sample_tables
from edgerec.progress import Progress, Silent
from edgerec.recsys import ItemRules, RecSys
from edgerec.samples.cut import BEFORE
from edgerec.samples.intake import Intake
from edgerec.samples.known import known_histories
from edgerec.samples.stream import FoldsOfUser
from edgerec.training.network import Weights
from edgerec.training.ranker import Ranker, TrainingFacts


def _fold_of_user(intake: Intake, settings: TrainSettings) -> NDArray[np.int64]:
    return folds(intake.spool.n_users, settings.n_folds, settings.random_state)


def folds_of_users(intake: Intake, ranker: Ranker) -> FoldsOfUser:
    """Return which fits of the tables a training sample of each user sees."""
    if ranker.settings.objective == "top":
        before = np.full(intake.spool.n_users + 1, BEFORE)
        return FoldsOfUser(before, ranker.embedding_fit_of_user)
    return FoldsOfUser(_fold_of_user(intake, ranker.settings), ranker.embedding_fit_of_user)


def fit_tables(
    rec_sys: RecSys,
    intake: Intake,
    settings: TrainSettings,
    scratch: Path,
    progress: Progress,
    given: GivenVectors | None = None,
    keeping: Keeping | None = None,
) -> Ranker:
    """Return a ranker with everything but its network.

    Tables that samples go into are fitted out of fold: those that a user's samples see never saw
    the user.

    Parameters
    ----------
    given : callable, optional
        Item vectors in place of the embedding that is fitted.
    keeping : Keeping, optional
        Where item2vec keeps what it has, to be resumed.
    """
    progress.stage("features")
    user_features = user_table(rec_sys, intake.user_ids)
    text, vectors = fit_texts(
        rec_sys, intake.item_ids, settings.text, settings.random_state, progress
    )
    item_rules = rec_sys.get_item_rules() if isinstance(rec_sys, ItemRules) else None
    declared = item_table(rec_sys, intake.item_ids)
    item_features, n_text = np.concatenate([declared, vectors], axis=1), vectors.shape[1]
    embedding, fit_of_user = fit_embeddings(
        rec_sys, intake, settings, scratch, progress, given, keeping
    )
    fitted = fit_sample_tables(
        intake, item_features, _fold_of_user(intake, settings), settings, progress, n_text
    )
    known = known_histories(intake, settings, rec_sys, progress)
    disliked, liked = intake.mean_value_of_label
    nothing = np.zeros(0, np.float32)
    return Ranker(
        settings=settings,
        user_ids=intake.user_ids,
        item_ids=intake.item_ids,
        user_id_type=intake.user_id_type,
        item_id_type=intake.item_id_type,
        tables=FeatureTables(
            user_features=user_features,
            item_features=item_features,
            content=content_directions(item_features, n_text),
            kinds=kinds_of_items(
                *(declared, fitted.taste.content, settings.taste.n_content),
                nothing=features_of_nothing(item_rules),
                texts=vectors,
            ),
            scales=scales(declared),
            embedding=embedding,
            audience=fitted.audience,
            statistics=fitted.statistics,
            taste=fitted.taste,
            label_above=intake.label_above,
            value_range=intake.value_range,
            neighbours=fitted.neighbours,
            n_text=n_text,
            texts_beside_kinds=texts_beside_kinds(
                declared.shape[1], n_text, most=settings.taste.n_content
            ),
            n_compared=settings.n_compared,
            context=intake.context,
        ),
        text=text,
        item_rules=item_rules,
        known=known,
        embedding_fit_of_user=fit_of_user,
        weights=Weights((), (), nothing, nothing),
        facts=TrainingFacts(
            n_samples=intake.n_samples,
            n_interactions=intake.n_interactions,
            n_users=len(intake.user_ids),
            first_timestamp=intake.first_timestamp,
            last_timestamp=intake.last_timestamp,
            fingerprint=intake.fingerprint,
            event_values={"viewed": None, "liked": liked, "bought": liked, "skipped": disliked},
        ),
    )


def refit_tables(
    settings: TrainSettings,
    rec_sys: RecSys,
    intake: Intake,
    scratch: Path,
    given: GivenVectors | None = None,
) -> tuple[FeatureTables, FoldsOfUser]:
    """Fit the tables of other samples as those of training are fitted, for the audit.

    One round of each: whose samples a table is fitted on shows in the first as in the last, and
    the audit of a small training took three times as long as the training itself.
    """
    once = dataclasses.replace(
        settings,
        taste=dataclasses.replace(settings.taste, n_rounds=1),
        embedding=dataclasses.replace(settings.embedding, epochs=1),
    )
    ranker = fit_tables(rec_sys, intake, once, scratch, Silent(), given)
    return ranker.tables, folds_of_users(intake, ranker)
