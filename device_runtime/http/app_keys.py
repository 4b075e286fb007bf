"""What the handlers of the application share, by key: built from values, no globals."""

from typing import TYPE_CHECKING

from aiohttp import web

from device_runtime.http.connections import SlowClients
from device_runtime.http.inference import Inference
from device_runtime.http.stopping import InFlight
from device_runtime.metrics import Metrics
from device_runtime.served import Served
from device_runtime.settings import ServerSettings

# A server that keeps no events and follows no feed starts without what these need.
if TYPE_CHECKING:
    from device_runtime.events.keeper import EventKeeper
    from device_runtime.updates.updater import Updater

SERVED = web.AppKey("SERVED", Served)
"""its `scorer` may be another one after every `await`: take it once for each request"""
SETTINGS = web.AppKey("SETTINGS", ServerSettings)
INFERENCE = web.AppKey("INFERENCE", Inference)
IN_FLIGHT = web.AppKey("IN_FLIGHT", InFlight)
SLOW_CLIENTS = web.AppKey("SLOW_CLIENTS", SlowClients)
METRICS = web.AppKey("METRICS", Metrics)
KEEPER: web.AppKey["EventKeeper"] = web.AppKey("KEEPER")
"""there only where events are kept"""
UPDATER: web.AppKey["Updater"] = web.AppKey("UPDATER")
"""there only where a feed is followed"""
