"""Options from three places: the command line first, then the environment, then a file (TOML)."""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_PREFIX: Final = "EDGEREC_"
_YES: Final = ("1", "true", "yes")
_NO: Final = ("", "0", "false", "no")
# Settings whose option has another name.
_OPTION_OF: Final = {
    "allowed_hosts": "allow_host",
    "allowed_origins": "allow_origin",
    "every_seconds": "feed_minutes",
    "max_latency_ms": "feed_max_latency",
}


def parsed(
    parser: argparse.ArgumentParser, arguments: Sequence[str], environment: Mapping[str, str]
) -> argparse.Namespace:
    """Parse a command line whose missing options are looked up elsewhere.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Has an option ``--config``. An option ``--allow-host`` is ``EDGEREC_ALLOW_HOST`` in the
        environment, several values separated by commas, and ``allow-host`` in the file.
    arguments : sequence of str
        What follows the name of the command.
    environment : mapping of str to str
        Usually ``os.environ``.

    Raises
    ------
    ValueError
        The file cannot be read, has a key that is no option, or a value is of another type.
    """
    options = _options(parser)
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config", default=environment.get(f"{_PREFIX}CONFIG"))
    path = first.parse_known_args(arguments)[0].config
    found: dict[str, Any] = {}
    if path is not None:
        found = _of_file(path, options)
    for dest, option in options.items():
        name = _PREFIX + dest.upper()
        if name in environment:
            found[dest] = _of_text(name, environment[name], option)
    parser.set_defaults(**found)
    return parser.parse_args(arguments)


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {
        one.dest: one
        for one in parser._actions
        if one.option_strings and one.dest not in ("help", "version", "config")
    }


def in_words(parser: argparse.ArgumentParser, options: argparse.Namespace) -> str:
    """Return the options with commas between, each as a line of a file for ``--config`` says it.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    options : argparse.Namespace
        What `parsed` returned of it.
    """
    values = {dest: getattr(options, dest) for dest in _options(parser)}
    return ", ".join(
        f"{dest.replace('_', '-')} = {json.dumps(value, ensure_ascii=False)}"
        for dest, value in values.items()
        if value is not None
    )


def misspelt(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that is no option and looks like one.

    Others are let be: the prefix is that of the whole project.
    """
    names = [_PREFIX + dest.upper() for dest in (*_options(parser), "config", "token")]
    found = []
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in names:
            import difflib  # Here: at most starts there is no such name.

            near = difflib.get_close_matches(name, names, n=1, cutoff=0.9)
            if near:
                found.append(f"{name} in the environment is no option; did you mean {near[0]}?")
    return found


def by_option(parser: argparse.ArgumentParser, sentence: str) -> str:
    """Return the sentence of an error with the option in place of the setting that it begins with.

    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--max-events")
    >>> by_option(parser, "max_events: expected 1 or more, got 0")
    '--max-events: expected 1 or more, got 0'
    """
    match = re.match("([a-z_]+):", sentence)
    name = _OPTION_OF.get(match[1], match[1]) if match else ""
    if match is None or name not in _options(parser):
        return sentence
    return f"--{name.replace('_', '-')}{sentence[match.end() - 1 :]}"


def _of_file(path: str, options: Mapping[str, argparse.Action]) -> dict[str, Any]:
    import tomllib  # Here: most servers have no such file.

    try:
        content = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"{path}: expected settings in TOML, but {reason}") from None
    found = {}
    for key, value in content.items():
        option = options.get(key.replace("-", "_"))
        if option is None:
            if key == "token":
                raise ValueError(
                    f"{path}: token: a secret does not stand among settings; write it into a file "
                    "of its own and name that file: token-file"
                )
            known = ", ".join(sorted(one.replace("_", "-") for one in options))
            raise ValueError(f"{path}: {key}: unknown key; the keys are {known}")
        found[option.dest] = _of_value(f"{path}: {key}", value, option)
    return found


def _of_value(name: str, value: Any, option: argparse.Action) -> Any:
    if option.nargs == 0:
        expected, fits = "true or false", type(value) is bool
    elif isinstance(option.default, list):
        expected = "a list of texts"
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
    elif option.type is int:
        expected, fits = "an integer", type(value) is int
    elif option.type is float:
        expected, fits = "a number", type(value) in (int, float)
    else:
        expected, fits = "a text", isinstance(value, str)
    if not fits:
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
    return value


def _of_text(name: str, text: str, option: argparse.Action) -> Any:
    if option.nargs == 0:
        if text.lower() not in (*_YES, *_NO):
            raise ValueError(f"{name}: expected 1 or 0, got {text!r}")
        return text.lower() in _YES
    if isinstance(option.default, list):
        return [one.strip() for one in text.split(",") if one.strip()]
    if option.type is int:
        if not text.lstrip("-").isdecimal():
            raise ValueError(f"{name}: expected an integer, got {text!r}")
        return int(text)
    if option.type is float:
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{name}: expected a number, got {text!r}") from None
    return text
