"""Finds a RecSys by its name, `module:Class`."""

import importlib
import inspect
import sys
from pathlib import Path

from edgerec.errors import ConfigurationError
from edgerec.recsys import RecSys, require_rec_sys


def load_rec_sys(name: str, folder: Path | None = None) -> RecSys:
    """Import `module:Class` and make one, without arguments.

    Parameters
    ----------
    folder : Path, optional
        Where the module is looked for first; by default the working folder.

    Raises
    ------
    ConfigurationError
        The name has another form, the module or class is not there, or the class lacks a method.
    """
    module_name, colon, class_name = name.partition(":")
    if not colon or not module_name or not class_name:
        raise ConfigurationError(
            f"{name!r} names no RecSys; write module:Class, "
            "for example examples.movielens.movielens:MovieLens."
        )
    place = str(folder or Path.cwd())
    if place not in sys.path:
        sys.path.insert(0, place)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise ConfigurationError(
                f"The module {module_name!r} needs {error.name!r}, which is not installed. "
                f"Install it, for example with `pip install {error.name}`."
            ) from None
        raise ConfigurationError(
            f"There is no module {module_name!r} in {place} or among the installed packages. "
            "Run the command from the folder that holds it."
        ) from None
    if not hasattr(module, class_name):
        classes = sorted(key for key, value in vars(module).items() if isinstance(value, type))
        raise ConfigurationError(
            f"The module {module_name!r} has no {class_name!r}; its classes are "
            f"{', '.join(classes)}."
        )
    made = getattr(module, class_name)
    try:
        inspect.signature(made).bind()
    except TypeError as error:
        raise ConfigurationError(
            f"{name} cannot be made without arguments ({error}). Give its arguments defaults, for "
            "example from environment variables."
        ) from None
    rec_sys: RecSys = made()
    require_rec_sys(rec_sys, name)
    return rec_sys
