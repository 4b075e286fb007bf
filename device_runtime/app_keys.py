"""What the handlers of the application share, by key: built from values, no globals."""

from typing import TYPE_CHECKING

from aiohttp import web

from .connections import SlowClients
from .inference import Inference
from .metrics import Metrics
from .served import Served
from .settings import ServerSettings
from .stopping import InFlight

# A server that keeps no events and follows no feed starts without what these need.
if TYPE_CHECKING:
    from .event_keeper import EventKeeper
    from .updates import Updater

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
