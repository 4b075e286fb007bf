"""A corpus of item sequences as gensim reads it: text files, a line per sequence.

Words are item rows as decimal numbers, never ids: an id may hold a space or a line break. The
corpus stands in parts of some million words, so that training can report, keep what it has and go
on in between; a part ends where a line does, whatever the chunks in which sequences came.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

# gensim cuts a longer line without a word; so lines end before it would.
LONGEST: Final = 10_000
_PART_WORDS: Final = 1_000_000
# Entries of short sequences that are written at a time.
_TOGETHER: Final = 65_536
_Rows = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """Sequences on disk, and what was counted when they were written."""

    parts: tuple[Path, ...]
    """files, to be read one after the other"""
    words_of_part: tuple[int, ...]
    counts: NDArray[np.int64]
    """[n_items + 1]: how often each item stands there; row 0: entries that are no known item"""
    n_sequences: int
    """with at least one item"""
    n_split: int
    """lines that begin within a sequence, since it was longer than gensim reads"""
    digest: str
    """SHA-256 of the text"""
    has_neighbour: NDArray[np.bool_]
    """[n_items + 1]: another item stands beside it somewhere; of others nothing can be learned"""

    @property
    def n_words(self) -> int:
        """Words in all parts."""
        return sum(self.words_of_part)

    @property
    def n_items(self) -> int:
        """Different items."""
        return int(np.count_nonzero(self.counts[1:]))

    def summary(self, min_count: int) -> str:
        """Say how many words are kept and dropped, and why.

        >>> corpus = Corpus((), (5,), np.array([1, 4, 1]), 2, 0, "", np.ones(3, np.bool_))
        >>> corpus.summary(min_count=2)
        '2 sequences with 5 words of 2 items; 4 words are kept, 1 is of items that stand there \
fewer than 2 times, and 1 is of unknown items'
        """
        rare = self.counts[1:][self.counts[1:] < min_count]
        dropped = []
        if rare.any():
            verb = "is" if rare.sum() == 1 else "are"
            dropped.append(
                f"{rare.sum():,} {verb} of items that stand there fewer than {min_count} times"
            )
        if self.counts[0]:
            verb = "is" if self.counts[0] == 1 else "are"
            dropped.append(f"{self.counts[0]:,} {verb} of unknown items")
        text = f"{self.n_sequences:,} sequences with {self.n_words:,} words of {self.n_items:,} "
        text += "items"
        if self.n_split:
            text += f", longer ones split at {LONGEST:,}"
        kept = self.n_words - int(rare.sum())
        text = f"{text}; {kept:,} words are kept, {', and '.join(dropped) or 'none is dropped'}"
        alone = int(np.count_nonzero((self.counts[1:] >= min_count) & ~self.has_neighbour[1:]))
        if alone:
            text += f"; items that stand beside no other have no vector: {alone:,}"
        return text

    def nothing_to_learn(self) -> str | None:
        """Say why no item can be told from another; None: some can.

        >>> none = np.zeros(3, np.bool_)
        >>> Corpus((), (5,), np.array([1, 4, 1]), 2, 0, "", none).nothing_to_learn()
        'each of its 2 sequences holds one item alone'
        """
        if self.has_neighbour.any():
            return None
        if not self.n_words:
            return "its sequences hold no item"
        if self.n_items == 1:
            return "its sequences hold one item alone"
        return f"each of its {self.n_sequences:,} sequences holds one item alone"


class CorpusWriter:
    """Writes a corpus into a folder, chunk by chunk; memory does not grow with it.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    n_items : int
        Item rows are 1 to this; what is 0 is counted and left out. Rows beyond it may come where
        items are met for the first time while reading.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name, CorpusWriter(Path(name), 9) as writer:
    ...     writer.add(np.array([7, 8, 0]), np.array([True, False, False]))
    ...     writer.add(np.array([9, 7]), np.array([False, True]))
    ...     writer.finish().parts[0].read_text()
    '7 8 9\\n7\\n'
    """

    def __init__(self, folder: Path, n_items: int, part_words: int = _PART_WORDS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._part_words = folder, part_words
        self._counts = np.zeros(n_items + 1, np.int64)
        self._has_neighbour = np.zeros(n_items + 1, np.bool_)
        self._last_row = 0
        self._parts: list[Path] = []
        self._words_of_part: list[int] = []
        self._file: BinaryIO | None = None
        self._n_in_line = 0
        self._n_sequences = self._n_split = 0
        # A start whose own entry was left out still ends the line before.
        self._begins = True
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, rows: NDArray[np.int64], is_start: NDArray[np.bool_]) -> None:
        """Write item rows [n]; `is_start` [n]: the entry is the first of another sequence."""
        if not len(rows):
            return
        self._count(rows)
        sequence = np.cumsum(is_start)
        ends_open = int(sequence[-1])
        known = rows > 0
        rows, sequence = rows[known], sequence[known]
        if not len(rows):
            self._begins = self._begins or ends_open > 0
            return
        begins = np.diff(sequence, prepend=0) > 0
        begins[0] = begins[0] or self._begins
        self._n_sequences += int(begins.sum())
        self._begins = ends_open > sequence[-1]
        self._mark_neighbours(rows, begins)
        self._write(rows, begins)

    def add_sequences(self, sequences: Iterable[_Rows]) -> None:
        """Write whole sequences; many short ones go together."""
        waiting: list[NDArray[np.int64]] = []
        n_waiting = 0
        for sequence in sequences:
            waiting.append(np.asarray(sequence, np.int64))
            n_waiting += len(waiting[-1])
            if n_waiting > _TOGETHER:
                self._add_whole(waiting)
                waiting, n_waiting = [], 0
        self._add_whole(waiting)

    def _add_whole(self, sequences: Sequence[NDArray[np.int64]]) -> None:
        some = [one for one in sequences if len(one)]
        if some:
            is_start = np.zeros(sum(map(len, some)), np.bool_)
            is_start[np.cumsum([0, *map(len, some[:-1])])] = True
            self.add(np.concatenate(some), is_start)

    def finish(self) -> Corpus:
        """Close the files and return the corpus."""
        self._end_line()
        self.__exit__(None, None, None)
        return Corpus(
            tuple(self._parts),
            tuple(self._words_of_part),
            self._counts,
            self._n_sequences,
            self._n_split,
            self._digest.hexdigest(),
            self._has_neighbour,
        )

    def _count(self, rows: NDArray[np.int64]) -> None:
        counts = np.bincount(rows, minlength=len(self._counts))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        n_new = len(counts) - len(self._has_neighbour)
        self._has_neighbour = np.concatenate([self._has_neighbour, np.zeros(n_new, np.bool_)])

    def _mark_neighbours(self, rows: NDArray[np.int64], begins: NDArray[np.bool_]) -> None:
        before = np.r_[self._last_row, rows[:-1]]
        differs = (rows != before) & ~begins
        self._has_neighbour[rows[differs]] = True
        self._has_neighbour[before[differs]] = True
        self._last_row = int(rows[-1])

    def _write(self, rows: NDArray[np.int64], begins: NDArray[np.bool_]) -> None:
        starts = np.flatnonzero(begins)
        # How many words of its sequence stand before each: those of the line that is open count.
        first = np.r_[0, starts]
        of = np.cumsum(begins)
        place = np.arange(len(rows)) - first[of] + np.where(of == 0, self._n_in_line, 0)
        splits = (place % LONGEST == 0) & ~begins
        self._n_split += int(splits.sum())
        words = list(map(str, rows.tolist()))
        breaks = np.flatnonzero(begins | splits).tolist()
        ends = [*breaks, len(words)]
        if ends[0]:
            self._text(" ".join(words[: ends[0]]), ends[0])
        for start, end in pairwise(ends):
            self._end_line()
            self._text(" ".join(words[start:end]), end - start)

    def _text(self, text: str, n_words: int) -> None:
        if self._file is None or (
            not self._n_in_line and self._words_of_part[-1] >= self._part_words
        ):
            self._next_part()
        assert self._file is not None
        data = (f" {text}" if self._n_in_line else text).encode("ascii")
        self._file.write(data)
        self._digest.update(data)
        self._n_in_line += n_words
        self._words_of_part[-1] += n_words

    def _end_line(self) -> None:
        if self._n_in_line:
            assert self._file is not None
            self._file.write(b"\n")
            self._digest.update(b"\n")
            self._n_in_line = 0

    def _next_part(self) -> None:
        if self._file is not None:
            self._file.close()
        path = self._folder / f"corpus-{len(self._parts)}.txt"
        self._file = path.open("wb")
        self._parts.append(path)
        self._words_of_part.append(0)
