"""Rows of very many sparse integers, by a static hash in tables: edgerec.graph.idmaps.static_hash.

What LabelEncoder would build at every start, in 60 bytes of memory per id, is here a table of 6.
"""

from typing import Final

import numpy as np

from edgerec.graph.idmaps.static_hash import FACTOR, PRIME_1, PRIME_2, build_static_hash
from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import PADDING_INTEGER, IdArray, IdType

_INT64: Final = 7


def add_hashed(
    graph: GraphBuilder, name: str, ids: IdArray, id_type: IdType, asked: str, known_ids: str = ""
) -> str:
    """Add the nodes: int64 [n] to rows int64 [n]; 0: unknown, -1: padding."""
    known = np.asarray(ids, np.int64)
    hashed = build_static_hash(known)

    def modulo(value: str, divisor: int) -> str:
        # Of the divisor's sign, as NumPy's and Python's.
        return graph.add("Mod", [value, graph.constant(divisor)])

    def looked_up(table: str, place: str) -> str:
        return graph.add("Cast", [graph.add("Gather", [table, place])], to=_INT64)

    def product(left: str, right: str) -> str:
        return graph.add("Mul", [left, right])

    spread = modulo(product(modulo(asked, PRIME_1), graph.constant(FACTOR)), PRIME_2)
    bucket = modulo(modulo(product(spread, spread), PRIME_1), len(hashed.displacements))
    displacement = looked_up(
        graph.table(f"{name}_hash_displacements", hashed.displacements), bucket
    )
    home = modulo(asked, len(hashed.positions))
    slot = modulo(graph.add("Add", [home, displacement]), len(hashed.positions))
    position = looked_up(graph.table(f"{name}_hash_positions", hashed.positions), slot)
    table = known_ids or graph.table(f"known_{name}_ids", known)
    there = graph.add("Gather", [table, position])
    row = graph.add("Add", [position, graph.constant(1)])
    found = graph.add("Equal", [there, asked])
    row = graph.add("Where", [found, row, graph.constant(0)])
    is_padding = graph.add("Equal", [asked, graph.constant(PADDING_INTEGER)])
    return graph.add("Where", [is_padding, graph.constant(-1), row])
