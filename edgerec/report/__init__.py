"""The report: one page that says what was trained on what, and how good it is."""
