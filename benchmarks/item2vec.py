"""item2vec at the size of MovieLens 10M: reading, training, and memory that does not grow.

9.5 million interactions, of MovieLens 10M where EDGEREC_DATA holds ml-10M100K/ and generated
otherwise (10 000 users, 10 000 items), in a SQLite database. Reading, from the database to the
corpus file, is measured against the driver's own cursor on the same query; training against bare
gensim on the same corpus in one file, with the same settings, both one pass. Memory is the peak of
`embed`, in a process of its own for each size.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.data import say_machine, temporary_folder

N_INTERACTIONS = 9_500_000
N_SMALL = 1_000_000
N_USERS, N_ITEMS = 10_000, 10_000
READING_BOUND, TRAINING_BOUND, MEMORY_BOUND = 0.5, 0.9, 1.3
READING_ROUNDS = 3


def write_database(path: Path, n_interactions: int) -> None:
    from edgerec.datasets import (
        find_movielens_10m,
        make_interactions,
        write_generated_database,
        write_movielens_10m_database,
    )

    found = find_movielens_10m()
    if found is not None and n_interactions == N_INTERACTIONS:
        counts = write_movielens_10m_database(found, path)
        print(f"data: MovieLens 10M, {counts.n_ratings:,} ratings")
        return
    counts = write_generated_database(path, make_interactions(N_USERS, N_ITEMS, n_interactions))
    print(f"data: generated, {counts.n_ratings:,} interactions of {N_USERS:,} users")


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of this process, in which SQLite works too.

    Of all that runs on a machine it is disturbed least, over the minutes that this takes.
    """
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(database: Path, folder: Path, rounds: int) -> None:
    """Print the speed of reading and training, ours and bare, as JSON."""
    from gensim.models import Word2Vec

    from benchmarks.reading import n_bare
    from edgerec.config import EmbeddingSettings
    from edgerec.features.embeddings.corpus import Corpus, CorpusWriter
    from edgerec.features.embeddings.item2vec import train_item2vec
    from edgerec.ids import IdIndex
    from edgerec.progress import Silent
    from edgerec.samples.interaction_corpus import write_interactions
    from edgerec.source import find_columns, open_engine, read_interactions
    from edgerec.source.kinds import reflect
    from edgerec.source.sql import reading_of

    engine = open_engine(f"sqlite:///{database}")
    columns = find_columns(engine, "ratings")
    reading = reading_of(reflect(engine, "ratings"), "ratings", columns, "user")
    statement = str(reading.statement(engine).compile(engine))
    corpora: list[Corpus] = []

    def read() -> None:
        shutil.rmtree(folder / "corpus", ignore_errors=True)
        with CorpusWriter(folder / "corpus", 0) as writer:
            chunks = read_interactions(engine, "ratings", columns, order="user")
            write_interactions(chunks, IdIndex("item"), writer, Silent())
            corpora.append(writer.finish())

    bare_reading, our_reading = [], []
    for _ in range(rounds):
        bare_reading.append(seconds(lambda: n_bare(engine, statement)))
        our_reading.append(seconds(read))
    corpus = corpora[-1]
    whole = folder / "whole.txt"
    with whole.open("wb") as file:
        for part in corpus.parts:
            file.write(part.read_bytes())
    settings = EmbeddingSettings(epochs=1)
    model = Word2Vec(
        vector_size=settings.embedding_dim,
        window=settings.window,
        negative=settings.negative,
        sample=settings.sample,
        min_count=settings.min_count,
        sg=settings.sg,
        workers=1,
        seed=1,
    )
    scan = seconds(lambda: model.build_vocab(corpus_file=str(whole)))
    bare = seconds(
        lambda: model.train(
            corpus_file=str(whole),
            total_words=model.corpus_total_words,
            total_examples=model.corpus_count,
            epochs=1,
        )
    )
    ours = seconds(lambda: train_item2vec(corpus, settings, 0, Silent()))
    print(
        json.dumps(
            {
                "words": corpus.n_words,
                "bare_reading": bare_reading,
                "our_reading": our_reading,
                "scan": scan,
                "bare_training": bare,
                "our_training": ours,
            }
        )
    )


def peak(database: Path, folder: Path) -> None:
    """Embed in this process, and print its peak memory as JSON."""
    from edgerec.config import EmbeddingSettings
    from edgerec.item_vectors.embed import embed
    from edgerec.source import find_columns, open_engine, read_interactions

    engine = open_engine(f"sqlite:///{database}")
    columns = find_columns(engine, "ratings")
    embed(
        lambda: read_interactions(engine, "ratings", columns, order="user"),
        folder / "peak.embedding",
        EmbeddingSettings(epochs=1),
    )
    status = Path("/proc/self/status").read_text().splitlines()
    line = next(one for one in status if one.startswith("VmHWM"))
    print(json.dumps({"bytes": int(line.split()[1]) * 1024}))


def run(*arguments: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.item2vec", *arguments]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--interactions", type=int, default=N_INTERACTIONS)
    parser.add_argument("--rounds", type=int, default=READING_ROUNDS, help="of reading")
    parser.add_argument("--do", nargs=3, metavar=("WHAT", "DATABASE", "FOLDER"))
    options = parser.parse_args()
    if options.do:
        what, database, folder = options.do
        if what == "write":
            write_database(Path(database), options.interactions)
        elif what == "measure":
            measure(Path(database), Path(folder), options.rounds)
        else:
            peak(Path(database), Path(folder))
        return
    say_machine()
    peaks = {}
    with temporary_folder() as name:
        for size in sorted({min(N_SMALL, options.interactions // 2), options.interactions}):
            database = Path(name) / f"{size}.db"
            print(run("--do", "write", str(database), name, "--interactions", str(size)).strip())
            peaks[size] = json.loads(run("--do", "peak", str(database), name))["bytes"]
        found = json.loads(
            run("--do", "measure", str(database), name, "--rounds", str(options.rounds))
        )
    if not report(found, peaks):
        raise SystemExit("a bound was missed")


def report(found: dict, peaks: dict[int, int]) -> bool:
    words = found["words"]
    ratios = [
        bare / ours for bare, ours in zip(found["bare_reading"], found["our_reading"], strict=True)
    ]
    reading = statistics.median(ratios)
    training = found["bare_training"] / found["our_training"]
    small, large = (peaks[size] for size in sorted(peaks))
    print(f"\n{'':<28}{'bare, words/s':>16}{'ours, words/s':>16}  ratio")
    for what, bare, ours, ratio, bound in (
        (
            "read, database to corpus",
            statistics.median(found["bare_reading"]),
            statistics.median(found["our_reading"]),
            reading,
            READING_BOUND,
        ),
        (
            "train, one pass",
            found["bare_training"],
            found["our_training"],
            training,
            TRAINING_BOUND,
        ),
    ):
        print(f"{what:<28}{words / bare:>16,.0f}{words / ours:>16,.0f}  {ratio:.2f} (≥ {bound})")
    whole = (found["scan"] + found["bare_training"]) / found["our_training"]
    print(f"gensim's own count of words takes {found['scan']:.1f} s more: with it, {whole:.2f}")
    sizes = " and ".join(f"{size:,}: {peaks[size] / 2**20:.0f} MB" for size in sorted(peaks))
    print(f"peak memory at {sizes}; {large / small:.2f} (≤ {MEMORY_BOUND})")
    return reading >= READING_BOUND and training >= TRAINING_BOUND and large / small <= MEMORY_BOUND


if __name__ == "__main__":
    main()
