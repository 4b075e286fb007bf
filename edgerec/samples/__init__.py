"""From interactions to training samples: splitting tables, labels and streams."""
