"""How a graph finds the row of a raw id: four ways, chosen by the ids themselves."""

from edgerec.graph.idmaps.choice import IdMap, choose_id_map

__all__ = ["IdMap", "choose_id_map"]
