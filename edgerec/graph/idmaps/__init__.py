"""How a graph finds the row of a raw id: four ways, chosen by the ids themselves."""

from edgerec.graph.idmaps.choice import IdMap, choose_id_map
from edgerec.graph.idmaps.text import FUNCTION, choose_seed, hashed_tensors, hashed_texts

__all__ = [
    "FUNCTION",
    "IdMap",
    "choose_id_map",
    "choose_seed",
    "hashed_tensors",
    "hashed_texts",
]
