"""edgerec verify: is this file whole, and does it answer here what it answered at export?"""

import argparse

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import print_table
from edgerec.scoring import verified

_EXAMPLE = """\
  edgerec verify models/movielens.onnx
  (a device does the same each time it starts)"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "verify", _EXAMPLE)
    parser.add_argument("model", metavar="MODEL.onnx", help="the file, with its manifest beside it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Audit, run, print."""
    manifest, forms = verified(options.model)
    graph, maps = manifest["graph"], manifest.get("id_maps", {})
    parity, export = manifest["parity"], manifest.get("export", {})
    rows = {
        "file": f"{graph['bytes']:,} bytes, SHA-256 {graph['sha256'][:16]}…, as the manifest says",
        "format": f"version {manifest['format_version']}, opset {graph['opset']}, written by "
        f"edgeRec {manifest['edgerec_version']}",
        **{f"{role}s": f"{one['kind']}: {one['why']}" for role, one in maps.items()},
        **({"tables": export["precision"]} if "precision" in export else {}),
        "parity at export": f"{parity['max_abs_difference']:.1e} over {parity['n_requests']} "
        f"requests (at most {parity['tolerance']:g})",
        "golden requests": f"all {len(manifest['golden'])} answered here as at export, by "
        + " and by ".join(forms),
    }
    print_table(str(options.model), rows)
