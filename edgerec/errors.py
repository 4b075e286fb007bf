"""The errors that edgeRec raises; each says what was expected, what came and what to do next."""

_SHOWN = 80


class EdgeRecError(Exception):
    """The base of every error that edgeRec raises on purpose."""


class SourceError(EdgeRecError, ValueError):
    """A database, a table, a column or a row is not what reading interactions needs."""


class DatasetUnavailable(EdgeRecError):
    """A data set is in no known folder and could not be fetched."""


class ConfigurationError(EdgeRecError, ValueError):
    """A setting or an argument is out of its range or names nothing that exists."""


class SampleError(EdgeRecError, ValueError):
    """A sample, a feature row or a history that a RecSys yielded cannot be used."""


class StateError(EdgeRecError, ValueError):
    """What NAME.training/ holds is missing, damaged or belongs to other data."""


class StorageError(EdgeRecError, OSError):
    """A file cannot be written where it is to stand, or a disk is full."""


class ParityError(EdgeRecError):
    """The exported graph does not answer what training computed; no file was written."""


class PrecisionError(EdgeRecError):
    """Rounding costs more than the export allows; no file was written."""


class OperatorError(EdgeRecError):
    """The graph needs an operator that is not pinned for its target; no file was written."""


class BudgetError(EdgeRecError):
    """No file is within the bounds that were asked for; none was written."""


class EvaluationError(EdgeRecError, ValueError):
    """The rows to evaluate on do not allow the metrics."""


class OneClassError(EvaluationError):
    """All rows have one label, so no AUC is defined; ranking the catalogue may be."""


def shown(value: object) -> str:
    """Return how a value stands in a sentence: its `repr`, cut where it is long.

    >>> shown([1.0, None])
    '[1.0, None]'
    >>> len(shown("a" * 1000))
    81
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class AuditError(EdgeRecError, ValueError):
    """The leak audit found that training or its test would see what it must not."""
