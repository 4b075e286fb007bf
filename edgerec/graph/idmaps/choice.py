"""Chooses how the graph finds the row of an id, and says why."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgerec.config import ExportSettings
from edgerec.graph.idmaps.dense import add_dense, is_dense
from edgerec.graph.idmaps.encoder import add_encoder
from edgerec.graph.idmaps.hashed import add_hashed
from edgerec.graph.idmaps.text import choose_seed, hashed_texts
from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import IdArray, IdType

_ADD: Final = {"dense": add_dense, "encoder": add_encoder, "hash": add_hashed}


@dataclass(frozen=True)
class IdMap:
    """How ids become rows: 1 + rank among the known ids; 0: unknown; -1: the padding id."""

    kind: str
    """"dense", "encoder" or "hash"; "none": no id is known, and the graph needs no map"""
    why: str
    """for the manifest and the report"""
    ids: IdArray
    """in the order of their rows, ascending; the hashes of strings that are hashed on the way in"""
    id_type: IdType
    """of what the graph is given"""
    seed: int | None = None
    """of the hash of strings; None: the graph is given the ids themselves"""

    def add(self, graph: GraphBuilder, name: str, asked: str, known_ids: str = "") -> str:
        """Add the map, once, to `graph`: raw ids [n] to rows int64 [n].

        Parameters
        ----------
        name : str
            "item" or "user": what its tables are called.
        asked : str
            Name of the tensor of raw ids.
        known_ids : str
            Name of a table in the graph that holds `ids`, if one does.
        """
        return _ADD[self.kind](graph, name, self.ids, self.id_type, asked, known_ids)


def choose_id_map(ids: IdArray, id_type: IdType, settings: ExportSettings) -> IdMap:
    """Return the map that suits ids, ascending.

    Dense integers are found by subtraction; a hash of ONNX Runtime's own (LabelEncoder) serves
    some hundred thousand; beyond, it would take 60 bytes of memory per id and the time to build
    it at every start, and a static hash in tables takes 6 and none. Strings take 390 bytes each:
    beyond a hundred thousand, whoever asks passes their hashes.

    >>> choose_id_map(np.arange(5, 9), "int64", ExportSettings()).kind
    'dense'
    >>> choose_id_map(np.array([3, 10**9]), "int64", ExportSettings()).why
    '2 integers from 3 to 1000000000 are sparse, and at most 200000'
    """
    if not len(ids):
        return IdMap("none", "the file knows none", ids, id_type)
    count = f"{len(ids)} {'integers' if id_type == 'int64' else 'strings'}"
    if id_type == "string":
        if len(ids) <= settings.n_encoded_strings:
            return IdMap("encoder", f"{count} are looked up as text", ids, id_type)
        seed = choose_seed(ids)
        why = (
            f"{count}, more than {settings.n_encoded_strings}, are hashed on the way in; with the "
            f"seed {seed} no two have the same hash"
        )
        return IdMap("hash", why, hashed_texts(ids, seed), "int64", seed)
    span = f"{count} from {ids[0]} to {ids[-1]}"
    if is_dense(np.asarray(ids, np.int64)):
        return IdMap("dense", f"{span} are dense", ids, id_type)
    if len(ids) <= settings.n_encoded_ids:
        why = f"{span} are sparse, and at most {settings.n_encoded_ids}"
        return IdMap("encoder", why, ids, id_type)
    return IdMap("hash", f"{span} are sparse, and more than {settings.n_encoded_ids}", ids, id_type)
