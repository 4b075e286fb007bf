"""Training, from the database to the written file, against its two unavoidable parts.

These are what no recommender of this design can do without: the same `partial_fit` calls on a
matrix that is ready in memory, and bare gensim on the same corpus file with the same settings. The
leak audit, which trains nothing, is timed apart.
"""

import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec

import edgerec
from benchmarks.data import movielens, say_machine, temporary_folder
from edgerec.config import TrainSettings
from edgerec.progress import Silent
from edgerec.training.network import new_network
from edgerec.training.rows import TrainingRows

N_RUNS = 3
BOUND = 3
APART = "leak audit"
"""the stage that is no part of the training's own time"""


class StageTimes(Silent):
    """Adds up how long each stage takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = "start"
        self._since = time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        spent = self.seconds.get(self._stage, 0.0)
        self.seconds[self._stage] = spent + now - self._since
        self._stage, self._since = ("epochs" if name.startswith("epoch") else name), now


class CallRecorder:
    """Notes the rows that `TrainingRows.epoch` hands out, to replay the same calls later."""

    def __init__(self) -> None:
        self.calls: list[tuple[np.ndarray, np.ndarray]] = []
        self._original = TrainingRows.epoch

    def __enter__(self) -> "CallRecorder":
        recorder = self

        def epoch(rows, random, chunk_rows):
            for features, label, weight in recorder._original(rows, random, chunk_rows):
                recorder.calls.append((features.copy(), label.astype(np.int64)))
                yield features, label, weight

        TrainingRows.epoch = epoch
        return self

    def __exit__(self, *_: object) -> None:
        TrainingRows.epoch = self._original


def seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bare_partial_fit(calls, settings: TrainSettings) -> float:
    network = new_network(settings.network, calls[0][0].shape[1], 0)

    def work() -> None:
        for features, label in calls:
            network.partial_fit(features, label)

    return seconds(work)


def bare_gensim(corpus: Path, settings: TrainSettings) -> float:
    embedding = settings.embedding

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            Word2Vec(
                corpus_file=str(corpus),
                vector_size=embedding.embedding_dim,
                window=embedding.window,
                negative=embedding.negative,
                sample=embedding.sample,
                epochs=embedding.epochs,
                min_count=1,
                sg=1,
                workers=1,
                seed=1,
            )

    return seconds(work)


def main() -> None:
    say_machine()
    settings = TrainSettings()
    with temporary_folder() as name:
        folder = Path(name)
        rec_sys = movielens(folder)
        corpus = folder / "corpus.txt"
        with corpus.open("w") as file:
            for sequence in rec_sys.item_seq_generator():
                file.write(" ".join(map(str, sequence)) + "\n")
        with CallRecorder() as recorder:
            edgerec.train(rec_sys, settings)
        ours, fits, vectors, ratios = [], [], [], []
        stages: list[dict[str, float]] = []
        for _ in range(N_RUNS):
            fits.append(bare_partial_fit(recorder.calls, settings))
            vectors.append(bare_gensim(corpus, settings))
            times = StageTimes()

            def work(times=times) -> None:
                model = edgerec.train(rec_sys, settings, progress=times)
                model.export(folder / "model.onnx", progress=times)
                times.stage("end")

            ours.append(seconds(work) - times.seconds[APART])
            ratios.append(ours[-1] / (fits[-1] + vectors[-1]))
            stages.append(times.seconds)
    print(f"train and export        {statistics.median(ours):7.2f} s")
    for stage in stages[0]:
        median = statistics.median(one.get(stage, 0.0) for one in stages)
        apart = ", not counted" if stage == APART else ""
        print(f"  {stage:<20}  {median:7.2f} s{apart}")
    print(f"bare partial_fit        {statistics.median(fits):7.2f} s, {len(recorder.calls)} calls")
    print(f"bare gensim             {statistics.median(vectors):7.2f} s")
    ratio = statistics.median(ratios)
    print(f"ratio to the two bare   {ratio:7.2f}   (bound: {BOUND})")
    if ratio > BOUND:
        raise SystemExit(f"training takes more than {BOUND} x its two bare parts")


if __name__ == "__main__":
    main()
