"""Follow a feed while requests are answered: look, fetch, try, swap, and go back where it fails.

Time is monotonic and an update is told from an older one by its sequence, so that a clock that is
wrong, or set back, changes nothing.
"""

import asyncio
import errno
import logging
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from device_runtime.errors import RefusedModelError, UpdateError
from device_runtime.scorer import Scorer
from device_runtime.served import Served
from device_runtime.updates.look import UpdateRound
from device_runtime.updates.model_trial import tried
from device_runtime.updates.settings import UpdateSettings
from device_runtime.updates.start import open_version
from device_runtime.updates.versions import VersionFolder

_log = logging.getLogger(__name__)
# A thousand boards that get power at once must not ask at once.
_FIRST_WAIT: Final = 60.0
_AFTER_FAILURE: Final = 60.0
_JITTER: Final = 0.2
_TRIAL_LOOK: Final = 5.0


class Updater:
    """Keeps a server at the newest model of its feed; to be used in one event loop.

    Parameters
    ----------
    settings : UpdateSettings
        Where the feed is, whose it is, and the limits.
    versions : VersionFolder
        What came from it; `device_runtime.updates.start.first_scorer` has chosen from it.
    served : Served
        What answers.
    packaged : path
        ``NAME.onnx`` of the command line, to go back to in the end.
    sleep, clock, random_source : optional
        How time passes, in seconds of any beginning; tests have their own.
    """

    def __init__(
        self,
        settings: UpdateSettings,
        versions: VersionFolder,
        served: Served,
        packaged: str | Path,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        random_source: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._versions = versions
        self._served = served
        self._packaged = packaged
        self._sleep = sleep
        self._clock = clock
        self._random = random_source or random.Random()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="updates")
        self._round = UpdateRound(settings, versions, self._worker)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Task[None]] = set()
        self._trial_began = clock()
        self._last_contact = clock()
        self._outcome = "the feed has not been asked yet"
        self.n_failures = 0
        """looks at the feed that failed, in a row"""
        self.n_swaps = 0
        """new models that were put in place"""
        self.n_returns = 0
        """models that were gone back from"""

    async def run(self) -> None:
        """Follow the feed until this is cancelled."""
        self._loop = asyncio.get_running_loop()
        if self._versions.state.on_trial and not self._served.on_trial:
            # After a start it is opened when it is needed, and then once.
            self._begin_trial(self._served.scorer, cache(self._open_previous))
        next_look = self._clock() + self._random.uniform(
            0, min(_FIRST_WAIT, self._settings.every_seconds)
        )
        while True:
            # No look while a model is on trial: one at a time.
            seconds = max(next_look - self._clock(), 0.0)
            await self._sleep(_TRIAL_LOOK if self._served.on_trial else seconds)
            if self._served.on_trial:
                await self._accept_if_due()
            elif self._clock() >= next_look:
                await self.look()
                next_look = self._clock() + self._next_wait()

    async def settled(self) -> None:
        """Wait until what happened is on the disk."""
        await asyncio.sleep(0)  # What other threads said stands in the loop by now.
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def close(self) -> None:
        """Wait for what is being written, and end the thread."""
        await self.settled()
        self._worker.shutdown()

    async def look(self) -> None:
        """Look at the feed once, and serve what is new; whatever fails becomes a sentence."""
        self._loop = asyncio.get_running_loop()
        running = self._served.scorer
        sequence = None
        try:
            found = await self._round.new_version(running.bundle)
            if found is not None:
                sequence, bundle = found
                scorer = await self._run(tried, bundle, running.bundle, self._settings)
                await self._run(self._versions.serve, sequence)
                self._begin_trial(scorer, lambda: running)
                self.n_swaps += 1
                await self._run(self._versions.tidy)
                _log.warning("sequence %d is served now, on trial", sequence)
            self._succeeded(f"sequence {self._versions.state.serving} is served")
        except RefusedModelError as error:
            refused = self._versions.state.floor if sequence is None else sequence
            await self._run(self._versions.refuse, refused, str(error))
            _log.error("sequence %d is refused: %s", refused, error)
            self._succeeded(f"sequence {refused} is refused: {error}")
        except UpdateError as error:
            self._failed(str(error))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                # What was fetched must not keep the events from the disk.
                await self._run(self._versions.tidy)
            self._failed(f"{self._versions.path}: the disk takes nothing ({_reason(error)})")
        except Exception as error:
            # Following the feed must never end, whatever it sends.
            _log.exception("looking at the feed failed")
            self._failed(f"looking at the feed failed ({type(error).__name__}); the log says more")

    def status(self) -> dict[str, Any]:
        """Return what a person who looks after the device wants to know, as JSON has it."""
        state = self._versions.state
        return {
            "feed": self._settings.feed,
            "serving": state.serving,
            "previous": state.previous,
            "onTrial": self._served.on_trial,
            "floor": state.floor,
            "refused": {str(sequence): why for sequence, why in state.refused.items()},
            "outcome": self._outcome,
            "failuresInARow": self.n_failures,
            "secondsSinceContact": round(self._clock() - self._last_contact),
            "bytesReceived": self._round.n_received,
        }

    def gauges(self) -> list[tuple[str, str, float]]:
        """Return the same as numbers: name, what it is, value."""
        state = self._versions.state
        since = self._clock() - self._last_contact
        return [
            ("edgerec_update_sequence", "Sequence served; 0: the model at hand.", state.serving),
            ("edgerec_update_floor", "Highest sequence signed to this device.", state.floor),
            ("edgerec_update_on_trial", "1: the model is on trial.", self._served.on_trial),
            ("edgerec_update_failures", "Failed looks at the feed in a row.", self.n_failures),
            ("edgerec_update_refused", "Sequences that this device refuses.", len(state.refused)),
            ("edgerec_update_contact_seconds", "Since the feed was well, or the start.", since),
            ("edgerec_update_swaps", "Models put in place since the start.", self.n_swaps),
            ("edgerec_update_returns", "Models gone back from since the start.", self.n_returns),
            ("edgerec_update_bytes", "Bytes received from the feed.", self._round.n_received),
        ]

    def _succeeded(self, outcome: str) -> None:
        if self.n_failures:
            _log.warning("the feed answers again after %d failures", self.n_failures)
        self.n_failures = 0
        self._last_contact = self._clock()
        self._outcome = outcome

    def _failed(self, sentence: str) -> None:
        # The same sentence every hour would hide the others.
        if sentence != self._outcome:
            _log.warning("no update: %s", sentence)
        self.n_failures += 1
        self._outcome = sentence

    def _next_wait(self) -> float:
        seconds = self._settings.every_seconds
        if self.n_failures:
            # Soon at first, since most failures pass; then rarely.
            soon = min(_AFTER_FAILURE, seconds) * 2.0 ** min(self.n_failures - 1, 30)
            seconds = min(soon, max(self._settings.longest_wait_seconds, seconds))
        return seconds * self._random.uniform(1 - _JITTER, 1 + _JITTER)

    def _open_previous(self) -> Scorer:
        return open_version(self._versions, self._versions.state.previous, self._packaged)

    def _begin_trial(self, scorer: Scorer, previous: Callable[[], Scorer]) -> None:
        self._trial_began = self._clock()
        sequence = self._versions.state.serving
        self._served.put_on_trial(scorer, previous, partial(self._went_back, sequence))

    async def _accept_if_due(self) -> None:
        answered = self._served.n_answers >= self._settings.trial_answers
        if answered or self._clock() - self._trial_began >= self._settings.trial_seconds:
            self._served.accept()
            await self._run(self._versions.accept)
            _log.warning("sequence %d is accepted", self._versions.state.serving)

    def _went_back(self, sequence: int, reason: str) -> None:
        """Hear, in any thread, that the model on trial failed an answer."""
        assert self._loop is not None  # Trials begin in the loop.
        self._loop.call_soon_threadsafe(self._note_return, sequence, reason)

    def _note_return(self, sequence: int, reason: str) -> None:
        self.n_returns += 1
        _log.error("sequence %d failed an answer, so the one before is back: %s", sequence, reason)
        self._outcome = f"sequence {sequence} failed an answer: {reason}"
        task = asyncio.ensure_future(self._run(self._versions.go_back, reason))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *arguments)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
