"""Which model a server starts with: the newest that is whole, signed, and answers as it should."""

import logging
from pathlib import Path
from typing import Final

from device_runtime.bundle import Bundle, read_bundle
from device_runtime.errors import BundleError, UpdateError
from device_runtime.scorer import Scorer
from device_runtime.updates.state import PACKAGE
from device_runtime.updates.versions import VersionFolder

_log = logging.getLogger(__name__)
_CRASHES: Final = "the server started {} times and did not serve it for long enough"


def first_scorer(versions: VersionFolder, packaged: str | Path, max_trial_starts: int) -> Scorer:
    """Return the scorer to start with, after its golden requests; `versions` knows which it is.

    What is served by the state comes first, then what was before it, then the model of the command
    line. A version is verified each time.

    Parameters
    ----------
    versions : VersionFolder
        What came from the feed.
    packaged : path
        ``NAME.onnx`` of the command line.
    max_trial_starts : int
        After so many starts on trial a version is given up.

    Raises
    ------
    BundleError
        Not even the model of the command line can be served.
    """
    state = versions.state
    if state.on_trial and state.starts >= max_trial_starts:
        _log.error("sequence %d: %s", state.serving, _CRASHES.format(state.starts))
        versions.go_back(_CRASHES.format(state.starts))
        state = versions.state
    for sequence in dict.fromkeys((state.serving, state.previous)):
        if sequence == PACKAGE:
            continue
        try:
            scorer = open_version(versions, sequence, packaged)
        except (UpdateError, BundleError, OSError) as error:
            _log.error("sequence %d cannot be served: %s", sequence, error)
            continue
        versions.note_start(sequence)
        return scorer
    scorer = open_version(versions, PACKAGE, packaged)
    versions.note_start(PACKAGE)
    return scorer


def version_bundle(versions: VersionFolder, sequence: int, packaged: str | Path) -> Bundle:
    """Return a version, or the model of the command line, after its audit.

    Raises
    ------
    UpdateError, BundleError, OSError
        It is not there, or not as it was signed.
    """
    return read_bundle(packaged) if sequence == PACKAGE else versions.bundle(sequence)


def open_version(versions: VersionFolder, sequence: int, packaged: str | Path) -> Scorer:
    """Return the scorer of a version after its golden requests.

    Raises
    ------
    UpdateError, BundleError, OSError
        It is not there, not as it was signed, or answers otherwise.
    """
    scorer = Scorer(version_bundle(versions, sequence, packaged))
    scorer.run_golden()
    return scorer
