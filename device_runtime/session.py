"""Open the graph of a bundle in ONNX Runtime, with what a small device can spare.

The only module that imports ONNX Runtime. ``device_runtime/__init__`` has switched its telemetry
off before this import can happen.
"""

import contextlib
import ctypes
import mmap
import re
from pathlib import Path
from typing import Any

import onnxruntime

from device_runtime.bundle import Bundle
from device_runtime.errors import BundleError
from device_runtime.manifest import INPUTS

VERSION: str = onnxruntime.__version__
"""Of ONNX Runtime."""
FIRST_THAT_MAPS = (1, 26)
"""The version from which an .ort file can be mapped instead of read."""

_ORT_TYPES = {
    "int64": "tensor(int64)",
    "string": "tensor(string)",
    "float32": "tensor(float)",
    "bool": "tensor(bool)",
}
_SEVERITY_ERROR = 3


def can_map(version: str = VERSION) -> bool:
    """Say whether a version of ONNX Runtime can map an .ort file instead of reading it.

    Examples
    --------
    >>> can_map("1.9.0"), can_map("1.26.0"), can_map("2.0.0+cpu")
    (False, True, True)
    """
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= FIRST_THAT_MAPS


def session_options(threads: int = 1, *, mapped: bool = False) -> Any:
    """Return the options of a session that leaves the rest of the device alone.

    Parameters
    ----------
    threads : int, default 1
        Threads of one inference.
    mapped : bool, default False
        The file is an .ort file, to be mapped.

    Returns
    -------
    onnxruntime.SessionOptions
        Nothing in them changes an answer.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = threads
    # A spinning thread would use a whole core of a device while nobody asks anything; arenas and
    # memory patterns keep memory that these small models do not need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _SEVERITY_ERROR
    # Weights would be copied into another order, beside the ones that stand in the file.
    options.add_session_config_entry("session.disable_prepacking", "1")
    if mapped:
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
        # Without this one the tables would be copied from where they are mapped.
        options.add_session_config_entry("session.use_ort_model_bytes_for_initializers", "1")
    return options


def open_session(bundle: Bundle, threads: int) -> Any:
    """Open the graph of an audited bundle.

    Parameters
    ----------
    bundle : Bundle
        What `device_runtime.bundle.read_bundle` returned.
    threads : int
        Threads of one inference.

    Returns
    -------
    onnxruntime.InferenceSession
        On the CPU. A file that it maps must not be written to while it lives; export never does.

    Raises
    ------
    BundleError
        ONNX Runtime cannot load the graph, or its inputs and outputs are not the contract's.
    """
    options = session_options(threads, mapped=bundle.mapped_path is not None)
    advice = "export the model again"
    if bundle.mapped_path is not None:
        advice = f"remove {bundle.mapped_path.name} to have {bundle.onnx_path.name} read instead"
    try:
        session = onnxruntime.InferenceSession(
            str(bundle.graph_path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's own exceptions have no common base of their own.
        raise BundleError(
            f"{bundle.graph_path}: ONNX Runtime {VERSION} cannot load the graph "
            f"({one_line(error)}); {advice}"
        ) from None
    for which, found, named in (
        ("inputs", session.get_inputs(), INPUTS),
        ("outputs", session.get_outputs(), bundle.outputs),
    ):
        expected = {n: _ORT_TYPES[kind] for n, kind in bundle.tensor_types(named).items()}
        # Outputs that this reader does not know are for others.
        types = {one.name: one.type for one in found if which == "inputs" or one.name in named}
        if types != expected:
            wrong = sorted(set(types.items()) ^ set(expected.items()))
            raise BundleError(
                f"{bundle.graph_path}: {which} of the graph: expected those of format version 1, "
                f"got a difference in {', '.join(sorted({n for n, _ in wrong}))}; export again"
            )
    return session


def let_go_of_code() -> None:
    """Give back the pages of ONNX Runtime's code, most of which only opening a graph needs.

    Opening one runs through 16 MB of it, and answering through half of that, which comes back from
    the file as it is needed. Linux would take the other half only when memory is short. Elsewhere
    nothing happens.
    """
    # Resolved, as the system names files: environments are reached by links, too.
    folder = str(Path(onnxruntime.__file__).resolve().parent)
    with contextlib.suppress(OSError, AttributeError):  # No such file, call or advice.
        for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
            addresses, rights, *_, path = line.split(maxsplit=5)
            # Code alone: what can be written to would be lost.
            if rights == "r-xp" and path.startswith(folder):
                first, end = (int(address, 16) for address in addresses.split("-"))
                place, size = ctypes.c_void_p(first), ctypes.c_size_t(end - first)
                ctypes.CDLL(None).madvise(place, size, mmap.MADV_DONTNEED)


def one_line(error: Exception) -> str:
    """Return what an exception says, on one line that is not too long."""
    return " ".join(str(error).split())[:200]
