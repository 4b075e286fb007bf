"""Metrics on rows that training never saw, computed through the exported file."""
