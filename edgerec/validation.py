"""Refusing settings that mean nothing, with a sentence that names field, expectation and value."""

from edgerec.errors import ConfigurationError


def require(condition: bool, settings: object, name: str, expected: str) -> None:
    """Raise ConfigurationError unless `condition` holds of the field `name` of `settings`."""
    if not condition:
        came = getattr(settings, name)
        raise ConfigurationError(
            f"{type(settings).__name__}.{name} must be {expected}, but is {came!r}. "
            f"Pass {name}=… with such a value."
        )


def require_numbers(settings: object) -> None:
    """Refuse 1.5 or True where a count is meant, before it fails deep inside."""
    for name, value in vars(settings).items():
        default = type(settings).__dataclass_fields__[name].default  # type: ignore[attr-defined]
        if type(default) is int:
            require(type(value) is int, settings, name, "an integer")
        elif type(default) is float:
            require(type(value) in (int, float), settings, name, "a number")
