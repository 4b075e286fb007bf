"""edgerec.toml: a recommender that is declared instead of written."""
