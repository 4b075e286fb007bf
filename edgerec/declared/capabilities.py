"""Which capabilities a declared RecSys has: training asks a class that has the method for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.checking import check_names
from edgerec.declared.reading import database_url, read_configuration
from edgerec.declared.recsys import CHUNK_ROWS, DeclaredRecSys
from edgerec.declared.schema import Configuration
from edgerec.declared.sequences import DeclaredSequences, sequences_of
from edgerec.declared.texts import read_texts
from edgerec.recsys import Id
from edgerec.source import InteractionChunk, open_engine


class _Sequences(DeclaredRecSys):
    """The same where [sequences] is declared."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        assert configuration.sequences is not None
        self._sequences = DeclaredSequences(self._engine, configuration.sequences)

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        """Yield the items of each group, oldest first."""
        gap = self.configuration.training.embedding.session_gap
        return self._sequences.read(CHUNK_ROWS, gap)

    def sequence_chunks(self) -> Iterator[InteractionChunk]:
        """Yield the rows of [sequences], by group."""
        return self._sequences.chunks(CHUNK_ROWS)


class _AllStated(DeclaredRecSys):
    """The same where item2vec learns from all that users stated a value of, liked or not."""

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        """Yield the items of each user, oldest first."""
        gap = self.configuration.training.embedding.session_gap
        return sequences_of(self.chunks(), gap, only_stated=True)


class _Texts(DeclaredRecSys):
    """The same where [text] is declared."""

    def get_item_texts(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the texts of many items."""
        text, items = self.configuration.text, self.configuration.items
        assert text is not None and items is not None
        return read_texts(self._engine, text, items.table, items.id, item_ids)


class _SequencesAndTexts(_Sequences, _Texts):
    """The same where both are declared."""


class _AllStatedAndTexts(_AllStated, _Texts):
    """The same where both are declared."""


def with_texts(
    configuration: Configuration, keep: NDArray[np.bool_] | None = None
) -> DeclaredRecSys:
    """Return the RecSys of a configuration without its [sequences]; see `DeclaredRecSys`."""
    # What is only ever taken is liked, and so is every sequence of it.
    if configuration.training.embedding.sequences == "all" and configuration.label.rule == "above":
        return (_AllStated if configuration.text is None else _AllStatedAndTexts)(
            configuration, keep
        )
    return (DeclaredRecSys if configuration.text is None else _Texts)(configuration, keep)


def declared_rec_sys(path: str | Path) -> DeclaredRecSys:
    """Return the RecSys that the file at `path` declares.

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    ConfigurationError
        The file is not valid, names a table or column that is not there, or a feature rule does
        not fit its column; a variable of the URL is not set.
    """
    configuration = read_configuration(path)
    check_names(Path(path), configuration, open_engine(database_url(configuration)))
    if configuration.sequences is None:
        return with_texts(configuration)
    return (_Sequences if configuration.text is None else _SequencesAndTexts)(configuration)
