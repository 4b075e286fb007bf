"""The errors that edgeRec raises; each says what was expected, what came and what to do next."""


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


class ParityError(EdgeRecError):
    """The exported graph does not answer what training computed; no file was written."""


class EvaluationError(EdgeRecError, ValueError):
    """The rows to evaluate on do not allow the metrics."""


class OneClassError(EvaluationError):
    """All rows have one label, so no AUC is defined; ranking the catalogue may be."""
