"""Writes the bundle: graph, parity, manifest."""
