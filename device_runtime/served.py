"""The scorer that answers, and how another takes its place between two requests. No HTTP."""

import threading
from collections.abc import Callable
from typing import TypeVar

from device_runtime.errors import NoScoreError, RequestError
from device_runtime.scorer import Scorer

_Result = TypeVar("_Result")


class Served:
    """Holds the scorer that answers; may be used by several threads.

    Whoever takes `scorer` once and keeps to it answers a request wholly by one model, however
    often another takes its place meanwhile. The replaced one is freed when its last request ends.

    A new scorer may be put on trial: what it fails to answer is answered by the one before it,
    which then takes its place again.

    Parameters
    ----------
    scorer : Scorer
        What answers first.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._previous: Callable[[], Scorer] | None = None
        self._went_back: Callable[[str], object] | None = None
        self._lock = threading.Lock()
        self.n_answers = 0
        """how many answers the scorer gave while on trial"""

    @property
    def scorer(self) -> Scorer:
        """What answers now."""
        return self._scorer

    @property
    def on_trial(self) -> bool:
        """Whether the scorer is on trial."""
        return self._previous is not None

    def replace(self, scorer: Scorer) -> None:
        """Let another scorer answer from the next request on, for good."""
        self._set(scorer, None, None)

    def put_on_trial(
        self, scorer: Scorer, previous: Callable[[], Scorer], went_back: Callable[[str], object]
    ) -> None:
        """Let another scorer answer from the next request on, until it fails one.

        `previous` is called for each request that fails, until one is answered by what it returns.

        Parameters
        ----------
        scorer : Scorer
            On trial until `accept` is called.
        previous : callable
            Returns the scorer to go back to.
        went_back : callable
            Told why, in one line, once and in whichever thread the answer failed.
        """
        self._set(scorer, previous, went_back)

    def accept(self) -> None:
        """End the trial: the scorer stays, and the one before it is let go."""
        self._set(self._scorer, None, None)

    def _set(
        self,
        scorer: Scorer,
        previous: Callable[[], Scorer] | None,
        went_back: Callable[[str], object] | None,
    ) -> None:
        with self._lock:
            self._scorer, self._previous, self._went_back = scorer, previous, went_back
            self.n_answers = 0

    def ask(self, scorer: Scorer, question: Callable[[Scorer], _Result]) -> _Result:
        """Ask a scorer that was taken from here, and the one before it where it fails on trial.

        Parameters
        ----------
        scorer : Scorer
            What `scorer` was when the request began.
        question : callable
            Asks a scorer.

        Raises
        ------
        Exception
            Whatever the question raises, where there is none to go back to, or none that answers.

        Examples
        --------
        >>> served = Served("new")                                      # doctest: +SKIP
        >>> served.ask(served.scorer, lambda scorer: scorer.run(k=5))   # doctest: +SKIP
        """
        try:
            result = question(scorer)
        except Exception as error:
            # Is it the request or the model that no score follows from? The one before it knows.
            if isinstance(error, RequestError) and not isinstance(error, NoScoreError):
                raise
            # The error itself goes no further: what knows the frames it was raised in would keep
            # their scorer.
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            answered = self._instead(scorer, question, reason)
            if answered is None:
                raise
            return answered[0]
        if self._previous is not None:
            self.n_answers += 1
        return result

    def _instead(
        self, scorer: Scorer, question: Callable[[Scorer], _Result], reason: str
    ) -> tuple[_Result] | None:
        """Ask the one before a scorer that failed; None where there is none that answers."""
        with self._lock:
            previous = self._previous if scorer is self._scorer else None
            if previous is None and scorer is self._scorer:
                return None
        try:
            # Without one: another thread has gone back since this request began.
            other = self._scorer if previous is None else previous()
            result = question(other)
        except Exception:
            return None
        with self._lock:
            told = self._went_back if scorer is self._scorer else None
            if told is not None:
                self._scorer, self._previous, self._went_back = other, None, None
        if told is not None:
            told(reason)
        return (result,)
