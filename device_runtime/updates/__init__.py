"""New models from a feed: fetched, verified, tried, put in place, and gone back from."""
