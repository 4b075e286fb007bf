"""edgerec train: train, export, evaluate."""

import argparse
import dataclasses
import math
from pathlib import Path

from edgerec.audit.held_out import HeldOutRows
from edgerec.cli.commands import add_command
from edgerec.cli.drawing import (
    DrawnProgress,
    add_accept_leak,
    add_column_options,
    column_names,
    print_table,
)
from edgerec.cli.figures import evaluation_mappings, print_evaluations
from edgerec.cli.loading import load_rec_sys
from edgerec.cli.report import write_report
from edgerec.config import TrainSettings
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.evaluation import evaluate_declared, evaluation_rows
from edgerec.declared.recsys import DeclaredRecSys
from edgerec.declared.schema import Configuration
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError
from edgerec.evaluate.evaluation_rows import (
    EvaluationRows,
    rows_of_samples,
    rows_of_table,
    train_table_of,
)
from edgerec.evaluate.table import Evaluations, evaluate_test
from edgerec.export.bundle import Exported, add_metrics
from edgerec.export.cost import RoundingCost
from edgerec.files import require_writable
from edgerec.model import Model
from edgerec.pipeline import train
from edgerec.recsys import EvaluationSamples, ItemTitles, RecSys

_EXAMPLE = """\
  edgerec train examples.movielens.movielens:MovieLens --output models/movielens.onnx
  edgerec train my_shop:Shop --output models/shop.onnx \\
      --test-database sqlite:///shop.db --test-table purchases_test"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "train", _EXAMPLE)
    parser.add_argument(
        "rec_sys",
        metavar="module:Class | edgerec.toml",
        help="a class, made without arguments, or a configuration file",
    )
    parser.add_argument(
        "--output",
        metavar="NAME.onnx",
        help="the file to write (default with a configuration: its export.path)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from NAME.training, after an interrupt"
    )
    default = TrainSettings()
    parser.add_argument("--random-state", type=int, help=f"seed ({default.random_state})")
    parser.add_argument(
        "--n-history", type=int, help=f"newest items of a user that count ({default.n_history})"
    )
    parser.add_argument(
        "--embedding-dim", type=int, help=f"width of a vector ({default.embedding.embedding_dim})"
    )
    parser.add_argument(
        "--max-epochs", type=int, help=f"passes at most ({default.network.max_epochs})"
    )
    parser.add_argument(
        "--test-database", metavar="URL", help="database of the test table to evaluate on"
    )
    parser.add_argument(
        "--test-table", metavar="T", help="rows to evaluate on, that training must not see"
    )
    parser.add_argument(
        "--embedding",
        metavar="NAME.embedding",
        help="take the item vectors that `edgerec embed` made, in place of fitting them",
    )
    add_accept_leak(parser)
    add_column_options(parser)
    parser.add_argument(
        "--no-report", action="store_true", help="write no NAME.html about what was evaluated"
    )
    parser.add_argument("--json", action="store_true", help="print the metrics as one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, export, evaluate, print."""
    if bool(options.test_database) != bool(options.test_table):
        raise ConfigurationError("--test-database and --test-table belong together. Give both.")
    configuration, rec_sys = _load(options)
    output = Path(options.output or (configuration.export.path if configuration else ""))
    if output.suffix != ".onnx":
        raise ConfigurationError(
            f"--output is {str(options.output or '')!r}; its name must end in .onnx, for example "
            "models/movielens.onnx."
        )
    require_writable(output)
    test = _rows(options, configuration, rec_sys)
    if test is not None:
        test.require_some()
    with DrawnProgress() as progress:
        model = train(
            rec_sys,
            _settings(options, configuration),
            training_folder=output.with_suffix(".training"),
            resume=options.resume,
            progress=progress,
            held_out_rows=_held_out_rows(test),
            accepted_leaks=options.accept_leak,
            embedding=options.embedding,
        )
        if isinstance(rec_sys, DeclaredRecSys) and rec_sys.n_without_value:
            interactions = rec_sys.configuration.interactions
            progress.message(
                f"nothing was learned from {rec_sys.n_without_value:,} rows of table "
                f'"{interactions.table}": they have no {interactions.value}'
            )
        exported = model.export(output, progress=progress)
        progress.message(f"wrote {output} and {output.with_suffix('.json').name}")
    # Before the evaluation: if its rows turn out not to allow the metrics, this is said already.
    if not options.json:
        print_table(str(output), exported_rows(model, exported))
        print_table("leak audit", audit_rows(model))
    with DrawnProgress() as progress:
        # The report walks through the rows anyway, and so finds the same figures.
        report = test is not None and not options.no_report
        evaluations = _evaluate(configuration, test, output, not report, progress)
        if test is None:
            progress.message(_not_evaluated(configuration))
        elif report:
            measured = write_report(
                output,
                test,
                ranking=evaluations.ranking,
                titles=rec_sys.get_item_titles if isinstance(rec_sys, ItemTitles) else None,
                progress=progress,
            )
            labels = None if measured.labels is None else measured.labels.evaluation
            evaluations = dataclasses.replace(evaluations, labels=labels)
        for metrics in evaluation_mappings(evaluations):
            add_metrics(output, metrics)
    print_evaluations(evaluations, options.json)


def exported_rows(model: Model, exported: Exported) -> dict[str, str]:
    """Return what to say of a written file."""
    ranker = model.ranker
    epochs = ranker.facts.epochs
    best = epochs[ranker.facts.best_epoch - 1]["held_out_auc"]
    parity = exported.parity
    return {
        "file size": f"{exported.n_bytes / 1e6:.2f} MB",
        **(
            {"mapped form": f"{exported.n_mapped_bytes / 1e6:.2f} MB more, in an .ort file"}
            if exported.n_mapped_bytes
            else {}
        ),
        **({} if exported.cost is None else {"rounding": _said(exported.cost)}),
        **_listed(exported),
        "items, users": f"{len(ranker.item_ids):,}, {len(ranker.user_ids):,}",
        "parity": f"{parity.max_abs_difference:.1e} over {parity.n_requests} requests "
        f"(at most {parity.tolerance:g})",
        "held-out AUC": "none: too few users to hold any out"
        if math.isnan(best)
        else f"{best:.4f} after epoch {ranker.facts.best_epoch} of {len(epochs)} "
        "(chose the epoch: no test)",
    }


def _listed(exported: Exported) -> dict[str, str]:
    found = exported.shortlist
    if found is None or found.shortlist is None:
        return {}
    n_ranked = found.shortlist.n_items + len(found.shortlist.anchors)
    said = f"{n_ranked:,} items are ranked; of the ten best of all "
    return {"best of the catalogue": f"{said}{found.recall:.1%} are among them"}


def _said(cost: RoundingCost) -> str:
    exact, rounded = cost.exact, cost.rounded
    areas = (
        "no AUC: held-out samples have one label"
        if math.isnan(exact.auc)
        else f"AUC {_change(rounded.auc - exact.auc)}, GAUC {_change(rounded.gauc - exact.gauc)} "
        f"on {cost.n_samples:,} held-out samples of {cost.n_users:,} users"
    )
    return f"{areas}; {cost.top_10_overlap:.1%} of the ten best stay"


def _change(difference: float) -> str:
    """Return a change in words that cannot be read the wrong way round.

    >>> _change(-1e-6), _change(-0.00042), _change(0.00042)
    ('as before', '.00042 lower', '.00042 higher')
    """
    if abs(difference) < 5e-6:
        return "as before"
    size = f"{abs(difference):.5f}".removeprefix("0")
    return f"{size} {'lower' if difference < 0 else 'higher'}"


def audit_rows(model: Model) -> dict[str, str]:
    """Return what to say of each check of the leak audit."""
    rows = {}
    for finding in model.ranker.audit:
        seen = ": ".join(text for text in (finding["looked_at"], finding["figure"]) if text)
        parts = [f"{finding['outcome']}. {seen[0].upper()}{seen[1:]}.", finding["advice"]]
        rows[finding["check"]] = " ".join(part for part in parts if part)
    return rows


def _held_out_rows(test: EvaluationRows | None) -> HeldOutRows | None:
    """Return what reads the keys of the rows to evaluate on; None: there are none."""
    if test is None:
        return None
    return lambda: ((row.user_id, row.item_id, row.timestamp, row.value) for row in test.rows())


def _load(options: argparse.Namespace) -> tuple[Configuration | None, RecSys]:
    if not options.rec_sys.endswith(".toml"):
        return None, load_rec_sys(options.rec_sys)
    rec_sys = declared_rec_sys(options.rec_sys)
    return rec_sys.configuration, rec_sys


def _settings(
    options: argparse.Namespace, configuration: Configuration | None
) -> TrainSettings | None:
    given = {
        name: getattr(options, name)
        for name in ("random_state", "n_history", "embedding_dim", "max_epochs")
        if getattr(options, name) is not None
    }
    if not given and options.resume and configuration is None:
        return None
    settings = TrainSettings() if configuration is None else train_settings(configuration)
    if "embedding_dim" in given:
        embedding = dataclasses.replace(
            settings.embedding, embedding_dim=given.pop("embedding_dim")
        )
        settings = dataclasses.replace(settings, embedding=embedding)
    if "max_epochs" in given:
        network = dataclasses.replace(settings.network, max_epochs=given.pop("max_epochs"))
        settings = dataclasses.replace(settings, network=network)
    return dataclasses.replace(settings, **given)


def _evaluate(
    configuration: Configuration | None,
    test: EvaluationRows | None,
    output: Path,
    with_labels: bool,
    progress: DrawnProgress,
) -> Evaluations:
    if configuration is not None and configuration.evaluation is not None:
        return evaluate_declared(configuration, output, with_labels=with_labels, progress=progress)
    if test is None or not with_labels:
        return Evaluations()
    return Evaluations(labels=evaluate_test(output, test, progress=progress))


def _not_evaluated(configuration: Configuration | None) -> str:
    what = (
        "the class has no evaluation_sample_generator"
        if configuration is None
        else "the configuration has no section [evaluation]"
    )
    return (
        f"not evaluated: {what}. Add it, give --test-database and --test-table, or run `edgerec "
        "evaluate` on rows that training never saw."
    )


def _rows(
    options: argparse.Namespace, configuration: Configuration | None, rec_sys: RecSys
) -> EvaluationRows | None:
    """Return the rows to evaluate on, beside those that training reads."""
    if options.test_table:
        return rows_of_table(
            options.test_database,
            options.test_table,
            train_table=train_table_of(options.test_database, options.test_table),
            names=column_names(options),
        )
    if configuration is not None and configuration.evaluation is not None:
        return evaluation_rows(configuration)
    if not isinstance(rec_sys, EvaluationSamples):
        return None
    return rows_of_samples(rec_sys, rec_sys.sample_generator)
