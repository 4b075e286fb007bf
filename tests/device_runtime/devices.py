"""A device that follows a feed, without what publishes: it starts in little time."""

import asyncio
import random
from pathlib import Path

from device_runtime.errors import BundleError, UpdateError
from device_runtime.scorer import Scorer
from device_runtime.served import Served
from device_runtime.updates.settings import UpdateSettings
from device_runtime.updates.start import first_scorer
from device_runtime.updates.updater import Updater
from device_runtime.updates.versions import VersionFolder


def sequence_of(scorer: Scorer) -> int:
    """Return which model answers, by its answer."""
    score = float(scorer.run(item_ids=[1]).scores[0])
    return min(range(20), key=lambda one: abs(score - 1 / (1 + 2.718281828459045**-one)))


class Device:
    """What a server with a feed is made of, started from its folder."""

    def __init__(self, settings: UpdateSettings, packaged: Path, **of_updater: object) -> None:
        self.versions = VersionFolder(settings.folder, settings.keys)
        with self.versions.locked():
            pass  # The folder is made; tests have several devices in one.
        self.served = Served(first_scorer(self.versions, packaged, settings.max_trial_starts))
        self.updater = Updater(
            settings,
            self.versions,
            self.served,
            packaged,
            random_source=random.Random(0),
            **of_updater,
        )

    @property
    def sequence(self) -> int:
        """The model that answers, which must be the one that the state names, and verified."""
        found = sequence_of(self.served.scorer)
        state = self.versions.state.serving
        try:
            if state:
                self.versions.bundle(state)
        except (UpdateError, BundleError) as error:
            raise AssertionError(f"sequence {state} is served unverified: {error}") from error
        assert found == (state or 1), "the state names another model"
        return state

    def look(self, times: int = 1) -> str:
        """Look at the feed, and return what became of it."""

        async def run() -> None:
            for _ in range(times):
                await self.updater.look()
            await self.updater.settled()

        asyncio.run(run())
        return str(self.updater.status()["outcome"])
