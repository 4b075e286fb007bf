"""What the handlers of the application share, by key: built from values, no globals."""

from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from .event_keeper import EventKeeper
from .metrics import Metrics
from .served import Served
from .settings import ServerSettings
from .stopping import InFlight
from .updates import Updater

SERVED = web.AppKey("SERVED", Served)
"""its `scorer` may be another one after every `await`: take it once for each request"""
SETTINGS = web.AppKey("SETTINGS", ServerSettings)
WORKER = web.AppKey("WORKER", ThreadPoolExecutor)
IN_FLIGHT = web.AppKey("IN_FLIGHT", InFlight)
METRICS = web.AppKey("METRICS", Metrics)
KEEPER = web.AppKey("KEEPER", EventKeeper)
"""there only where events are kept"""
UPDATER = web.AppKey("UPDATER", Updater)
"""there only where a feed is followed"""
