"""start_http_api(): export the model, then serve it with device_runtime's own app."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from device_runtime.access import AccessSettings, read_token
from device_runtime.app import serve
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings, parse_address

# Not imported to serve a file, which needs nothing of what training does.
if TYPE_CHECKING:
    from edgerec.model import Model

__all__ = ["AccessSettings", "read_token", "start_http_api"]


def start_http_api(
    model: "Model | str | Path",
    route: str = "/api/v1/recommend",
    address: str = ":8080",
    *,
    allowed_hosts: Sequence[str] = (),
    access: AccessSettings | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve a model over HTTP until SIGTERM or Ctrl-C.

    What is served is the exported file: a model is exported to a temporary folder first, with
    its parity check, so that nothing else than the product is ever asked.

    Parameters
    ----------
    model : Model or path
        What `train` returned, or an exported .onnx file.
    route : str
        Path of the question.
    address : str
        `:PORT` (this machine only) or `HOST:PORT`.
    allowed_hosts : sequence of str
        Names, besides localhost and the address, that clients may call this server by.
    access : device_runtime.access.AccessSettings, optional
        Token, encryption, and pages of other sites. An address that other devices reach needs a
        token, or `AccessSettings(no_token=True)`.
    ready : callable, optional
        Called with the URL when requests are accepted; `ready=print` shows it.

    Raises
    ------
    ValueError
        Route or address have another form, or a token is missing.
    ParityError, device_runtime.errors.BundleError
        The model cannot be exported, or the file cannot be served.
    OSError
        The address cannot be listened on.
    """
    host, port = parse_address(address)
    settings = ServerSettings(
        host=host,
        port=port,
        route=route,
        allowed_hosts=tuple(allowed_hosts),
        access=access or AccessSettings(),
    )
    with tempfile.TemporaryDirectory(prefix="edgerec-") as folder:
        path = Path(folder) / "edgerec.onnx"
        if isinstance(model, str | os.PathLike):
            path = Path(model)
        else:
            model.export(path)
        scorer = Scorer.from_path(path)
        scorer.run_golden()
        asyncio.run(serve(scorer, settings, ready=ready))
