"""edgerec tune: searches settings on a validation cut, and prints what it tried."""

import argparse
import hashlib
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, add_accept_leak, plain_console
from edgerec.config import TrainSettings
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.schema import Configuration
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError
from edgerec.files import require_writable
from edgerec.tune.cut import METRICS, CutRule, ValidationCut
from edgerec.tune.search import Outcome, tune

_EXAMPLE = """\
  edgerec tune edgerec.toml
  edgerec tune edgerec.toml --by user --trials 40

an interrupted search goes on where it was; the rows of [evaluation] are never read"""


# The names of the settings are longer than a terminal is wide.
_SHOWN: Final = {
    "hidden_layer_sizes": "layers",
    "alpha": "alpha",
    "learning_rate": "rate",
    "max_epochs": "epochs",
    "n_history": "history",
    "embedding_dim": "vector",
}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "tune", _EXAMPLE)
    parser.add_argument("configuration", metavar="edgerec.toml", help="a configuration file")
    rule = CutRule()
    parser.add_argument(
        "--by",
        default=rule.by,
        metavar="RULE",
        help="how rows to validate on are held out, best as the test rows were: user-time, user, "
        "time, row or leave-last-out; see `edgerec split` (default %(default)s)",
    )
    parser.add_argument(
        "--fraction", type=float, default=rule.fraction, help="their share (default %(default)s)"
    )
    parser.add_argument(
        "--trials", type=int, default=20, help="settings to try (default %(default)s)"
    )
    parser.add_argument(
        "--metric",
        choices=METRICS,
        help='what to maximise (default: auc+gauc, their mean; by the objective "top" ndcg)',
    )
    parser.add_argument(
        "--record",
        metavar="FILE.json",
        help="where trials are kept (default: the configuration's name with .tune.json)",
    )
    add_accept_leak(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Search and print."""
    path = Path(options.configuration)
    if path.suffix != ".toml":
        raise ConfigurationError(
            f"edgerec tune takes an edgerec.toml, but was given {options.configuration!r}. For a "
            "class, call edgerec.tune.tune with a function that trains and measures."
        )
    if options.trials < 1:
        raise ConfigurationError(f"--trials is {options.trials}; expected 1 or more, such as 20.")
    configuration = declared_rec_sys(path).configuration
    settings = train_settings(configuration)
    record = Path(options.record) if options.record else path.with_suffix(".tune.json")
    require_writable(record)
    rule = CutRule(options.by, options.fraction, settings.random_state)
    cut = ValidationCut(configuration, rule)
    metric = options.metric or cut.metric
    with DrawnProgress() as progress:
        progress.message(
            f"validating on {cut.n_rows:,} interactions held out by {rule.by}; trials are kept in "
            f"{record}"
        )
        if configuration.sequences is not None:
            progress.message(
                "[sequences] is not read while tuning, since its table may hold those rows"
            )
        outcome = tune(
            lambda tried: cut.quality(tried, metric, options.accept_leak),
            settings,
            record,
            {
                "metric": metric,
                "cut": vars(rule),
                "interactions": [cut.n_training_rows, cut.n_rows],
                "configuration": _digest(configuration),
            },
            n_trials=options.trials,
            progress=progress,
        )
    _print_trials(outcome, metric)
    _print_verdict(outcome, path)


def _digest(configuration: Configuration) -> str:
    """Return a hash of what trials depend on beside settings and rows; no URL, no secret."""
    text = configuration.model_dump_json(exclude={"database", "training", "export"})
    return hashlib.sha256(text.encode()).hexdigest()


def _print_trials(outcome: Outcome, metric: str) -> None:
    numbered = enumerate(outcome.record.trials, 1)
    table = Table("trial", metric, *_SHOWN.values(), "s", title="what was tried")
    for number, trial in sorted(numbered, key=lambda one: -one[1].quality):
        table.add_row(
            "start" if number == 1 else str(number),
            f"{trial.quality:.4f}",
            *(_cell(trial.point[name]) for name in _SHOWN),
            f"{trial.seconds:.0f}",
        )
    plain_console().print(table)


def _cell(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _print_verdict(outcome: Outcome, path: Path) -> None:
    if not outcome.record.confirmations:
        print("Nothing that was tried is better than the settings as they are.")
        return
    said = f"by {outcome.gain:+.4f} ± {outcome.noise:.4f} with other seeds"
    if not outcome.improved:
        print(
            f"The best trial differs from the settings as they are {said}: that is within noise. "
            "Keep them."
        )
        return
    print(f"The best trial is better than the settings as they are {said}. In {path}:\n")
    print(training_section(outcome.best))
    print("\nThe figures above chose it; measure it on rows that the search did not see.")


def training_section(settings: TrainSettings) -> str:
    """Return what tune may change as the section [training] of an edgerec.toml.

    >>> print(training_section(TrainSettings()))
    [training]
    n_history = 200
    <BLANKLINE>
    [training.embedding]
    embedding_dim = 32
    <BLANKLINE>
    [training.network]
    hidden_layer_sizes = [96]
    alpha = 1.0
    learning_rate = 0.001
    max_epochs = 16
    """
    network = settings.network
    sections: dict[str, dict[str, Any]] = {
        "training": {"n_history": settings.n_history},
        "training.embedding": {"embedding_dim": settings.embedding.embedding_dim},
        "training.network": {
            "hidden_layer_sizes": list(network.hidden_layer_sizes),
            "alpha": float(f"{network.alpha:.3g}"),
            "learning_rate": float(f"{network.learning_rate:.3g}"),
            "max_epochs": network.max_epochs,
        },
    }
    return "\n\n".join(
        "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in values.items())])
        for name, values in sections.items()
    )
