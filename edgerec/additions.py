"""Adds items to a trained model, by what its training folder keeps."""

from collections.abc import Sequence
from pathlib import Path

from edgerec.errors import ConfigurationError
from edgerec.export.bundle import Exported
from edgerec.export_settings import ExportSettings
from edgerec.pipeline import load_model
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id, ItemFeatures
from edgerec.titles.kept import keep_titles, kept_titles, named_items
from edgerec.training.state import load_state, save_changed


def add_items(
    training_folder: str | Path,
    rec_sys: ItemFeatures,
    item_ids: Sequence[Id],
    path: str | Path,
    *,
    settings: ExportSettings | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write a copy of a trained model that also knows items that training never saw.

    Nothing is trained again: rows are computed from features and texts by what training fitted,
    and every score of another item stays as it is.

    Parameters
    ----------
    training_folder : path
        What training wrote (NAME.training), or an earlier call of this.
    rec_sys : ItemFeatures
        Features of the new items, and their texts where the model was trained with texts.
    item_ids : sequence of ids
        What the model knows already is left out.
    path : path
        The new NEW.onnx; NEW.json and NEW.training are written beside it.
    settings : ExportSettings, optional
        How the copy is stored; those of the model's own file keep the scores bit by bit.
    progress : Progress, optional
        What to report to.

    Raises
    ------
    StateError
        There is no state, it is damaged, or no epoch was finished yet.
    SampleError
        There is no id, none that is new, one twice or one of another kind; or features or texts
        cannot be used. The sentence names the id.
    ConfigurationError
        `path` does not end in .onnx, or it is the model's own.
    StorageError, ParityError, PrecisionError
        As of `Model.export`; nothing is written.
    """
    saved, target = load_state(Path(training_folder)), Path(path)
    if target.with_suffix(".training").resolve() == Path(training_folder).resolve():
        raise ConfigurationError(
            f"{path} is the model that items are to be added to; it stays as it is. Name another "
            "file for the copy."
        )
    progress = progress or Silent()
    model = load_model(training_folder).with_items(rec_sys, item_ids, progress=progress)
    exported = model.export(target, settings=settings, progress=progress)
    folder = target.with_suffix(".training")
    save_changed(folder, model.ranker, saved)
    named = kept_titles(Path(training_folder))
    known = {one.item_id for one in named}
    new = [id_ for id_ in item_ids if id_ not in known]
    keep_titles(folder, [*named, *named_items(rec_sys, new)])
    return exported
