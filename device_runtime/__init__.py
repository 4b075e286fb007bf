"""Rank with an edgeRec bundle on a device: numpy, onnxruntime and aiohttp, nothing else.

`device_runtime.scorer.Scorer` ranks in process, `device_runtime.app` serves over HTTP. They are not
imported here, so that reading a manifest costs neither ONNX Runtime nor aiohttp.
"""

import os

# ONNX Runtime 1.29 and later sends telemetry unless this is set before its first import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from device_runtime.bundle import Bundle, read_bundle
from device_runtime.errors import BundleError, RequestError

__version__ = "0.1.0"

__all__ = ["Bundle", "BundleError", "RequestError", "__version__", "read_bundle"]
